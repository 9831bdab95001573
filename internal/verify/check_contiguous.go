package verify

import (
	"slices"
	"time"
)

// contiguous is the check that no message is missing. It sees each window, which may
// leave out places or begin too late, and in the end the log that all windows
// build, which may have holes. If the server promises no seqs without holes, a place
// is missing only if some answer shows it. It cannot tell a hole from a place where
// others wrote, or where a request of unknown outcome may be.
type contiguous struct {
	base
	beginnings  []beginning
	unexplained int64 // places that no answer shows and that others may have filled
	holes       int64 // places that no answer shows, where that is no fault

	senders map[int32]int64 // the place of each sender's last message, where windows hold one sender's
}

func (k *contiguous) limits() (notCheckable Sentence, parts []Sentence) {
	notCheckable, parts = k.base.limits()
	switch places := (Quantity{k.unexplained, "place"}); {
	case k.unexplained == 0:
	case k.cfg.Missing.Has(Text):
		notCheckable = say("%s that no window shows may be other writers', which cannot be told without texts", places)
	default:
		notCheckable = say("others wrote to the log too, and %s that no window shows may be theirs", places)
	}
	return notCheckable, append([]Sentence{k.acrossStretches()}, parts...)
}

// A beginning is a window that is correct only if the log begins at its first
// place.
type beginning struct {
	ref                  ref
	first, seq, mustHold int64 // where it begins and ends, and how many it must hold otherwise
	oneSender            bool
}

func (k *contiguous) window(w *window) {
	k.saw++
	n, size := int64(len(w.op.Window)), int64(k.cfg.WindowSize)
	switch {
	case w.own < 0:
	case w.falls+w.equal > 0 && k.layout.inferred:
		k.report("gap", w.seq, int64(w.falls+w.equal),
			say("the messages of the answer lie elsewhere in the log than other answers show them, so one of these leaves messages out"), w.ref)
	case w.skipped > 0 && k.cfg.Gapless:
		k.suspect(w.oneSender, "gap", w.seq, w.skipped, say("the answer skips %s of the log", Quantity{w.skipped, "place"}), w.ref)
	case n > size:
		k.report("window too long", w.seq, n-size,
			say("the answer holds %d messages, and must hold at most %d", n, size), w.ref)
	case w.begins:
		k.beginnings = append(k.beginnings, beginning{w.ref, w.op.Window[0].Seq, w.seq, w.mustHold, w.oneSender})
	case n < w.mustHold && w.after == 0 && w.skipped == 0:
		k.tooShort(w.ref, w.seq, n, w.mustHold, w.oneSender)
	}
}

func (k *contiguous) tooShort(r ref, seq, n, mustHold int64, oneSender bool) {
	why := say("the answer ends in seq %d and holds %s, where it must hold %d", seq, Quantity{n, "message"}, mustHold)
	if !k.cfg.Gapless {
		why = say("the answer ends in seq %d and holds only %s, and older ones are in the log", seq, Quantity{n, "message"})
	}
	k.suspect(oneSender, "gap", seq, mustHold-n, why, r)
}

// along reports a window that goes past a message which other answers show.
func (k *contiguous) along(seq int64, c *cell) {
	before := k.walk.prev
	if k.cfg.OwnSender {
		sender := k.senderOf(c)
		before = k.senders[sender]
		k.senders[sender] = seq
	}
	s, ok := k.log.skips[seq]
	if !ok || s.from >= before {
		return
	}
	left := k.log.cells.peek(before)
	if !left.is(seen) {
		return // long ago, and forgotten
	}
	k.suspect(k.senderOf(left) != k.ops.find(s.by).sender, "gap", before, before-s.from,
		say("the answer leaves out the message at seq %d, which lies between two that it shows", before), s.by, left.witness())
}

// beginsAt reports the windows that seemed to begin the log, now that seq,
// which lies below, turns out to be in it.
func (k *contiguous) beginsAt(seq int64) {
	k.beginnings = slices.DeleteFunc(k.beginnings, func(b beginning) bool {
		if b.first <= seq {
			return false
		}
		k.tooShort(b.ref, b.seq, b.seq-b.first+1, b.mustHold, b.oneSender)
		return true
	})
}

// sighted reports that the windows around our message r do not fit together.
func (k *contiguous) sighted(r ref, rec *record, how sighting, seq int64) {
	if how != seenMoved {
		return
	}
	refs := []ref{r}
	if before := k.log.cells.peek(rec.seq); before.is(seen) && before.shown != r {
		refs = append(refs, before.shown)
	} else if op := k.found.merging; op != nil && op.ref() != r {
		refs = append(refs, op.ref())
	}
	k.report("gap", seq, max(seq-rec.seq, rec.seq-seq),
		say("the windows around the first request's message do not fit together: seen from one it is elsewhere in the log "+
			"than seen from another, so one of them leaves messages out"), refs...)
}

// contradictions reports the stretches that the layout cannot join. It runs
// last, so that a violation within one answer is reported first.
func (k *contiguous) contradictions() {
	for _, c := range k.layout.contradictions {
		k.report("gap", c.seq, c.size, c.why, c.first, c.second)
	}
}

// fillHoles looks at the log that all windows build: each
// place that no answer shows must have an operation whose place is unknown, called by
// the hole's deadline, to fill it. Deadlines rise along the log, so taking the
// holes in order and the calls in order finds a filling if there is one.
func (k *contiguous) fillHoles(calls []time.Duration) {
	spare := int64(0)
	for _, h := range k.walk.holes {
		// One called at that very instant is concurrent: see staircase.before.
		for len(calls) > 0 && calls[0] <= h.deadline {
			calls = calls[1:]
			spare++
		}
		empty := h.last - h.first + 1 - spare
		spare = max(0, -empty)
		switch {
		case empty <= 0:
		case k.tally.others || k.missingOps != 0 || k.cfg.Missing.Has(Text):
			k.unexplained += empty // other writers, not recognised without texts, or the cut-off part may have filled them
		case !k.cfg.Gapless:
			k.holes += empty
		default:
			k.hole(h, empty)
		}
	}
}

func (k *contiguous) hole(h hole, empty int64) {
	var refs []ref
	for _, neighbour := range []int64{h.first - 1, h.last + 1} {
		if c := k.log.cells.peek(neighbour); c.is(seen) {
			refs = append(refs, c.witness())
		}
	}
	k.report("gap", h.first, empty,
		say("no answer shows seq %d to %d, and %s of them cannot be requests of unknown outcome: that many numbers are missing in the log",
			h.first, h.last, Quantity{empty, "place"}), refs...)
}

// notes are the holes that are no fault.
func (k *contiguous) notes() []Sentence {
	n := k.walk.empty + k.holes
	if n == 0 {
		return nil
	}
	return []Sentence{say("the numbering has holes: %s that no answer shows, as a rolled-back transaction leaves; "+
		"the task does not forbid them", Quantity{n, "number"})}
}

// oneSender reports that all answers leave out the messages of other senders. That
// explains what was suspect.
func (k *contiguous) oneSender() {
	first, windows := k.found.explained()
	if windows == 0 || k.cfg.OwnSender {
		return
	}
	for range windows {
		k.found.report(Violation{
			Check: k.check, Anomaly: "windows of one sender", Seq: first.Seq, Size: windows, Witnesses: first.Witnesses,
			Why: say("each answer holds messages of its own sender only: %s left out what others had sent before", Quantity{windows, "answer"}),
		})
	}
}

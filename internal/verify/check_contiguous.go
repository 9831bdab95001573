package verify

import (
	"slices"
	"time"
)

// contiguous is the check that no seq is missing. It sees each window, which may
// leave out places or begin too late, and in the end the log that all windows
// build, which may have holes. It cannot tell a hole from a place where others
// wrote, or where a request of unknown outcome may be.
type contiguous struct {
	base
	beginnings  []beginning
	unexplained int64 // places that no answer shows and that others may have filled
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
}

func (k *contiguous) window(w *window) {
	k.saw++
	n, size := int64(len(w.op.Window)), int64(k.cfg.WindowSize)
	switch {
	case w.own < 0:
	case w.disorder > 0:
		k.report("disorder", w.seq, int64(w.disorder),
			say("the seqs in the answer do not rise by one from message to message"), w.ref)
	case w.skipped > 0:
		k.report("gap", w.seq, w.skipped, say("the answer skips %s of the log", Quantity{w.skipped, "place"}), w.ref)
	case n > size:
		k.report("window too long", w.seq, n-size,
			say("the answer holds %d messages, and must hold at most %d", n, size), w.ref)
	case w.begins:
		k.beginnings = append(k.beginnings, beginning{w.ref, w.op.Window[0].Seq, w.seq, w.mustHold})
	case n < w.mustHold && w.after == 0:
		k.tooShort(w.ref, w.seq, n, w.mustHold)
	}
}

func (k *contiguous) tooShort(r ref, seq, n, mustHold int64) {
	k.report("gap", seq, mustHold-n,
		say("the answer ends in seq %d and holds %s, where it must hold %d", seq, Quantity{n, "message"}, mustHold), r)
}

// beginsAt reports the windows that seemed to begin the log, now that seq,
// which lies below, turns out to be in it.
func (k *contiguous) beginsAt(seq int64) {
	k.beginnings = slices.DeleteFunc(k.beginnings, func(b beginning) bool {
		if b.first <= seq {
			return false
		}
		k.tooShort(b.ref, b.seq, b.seq-b.first+1, b.mustHold)
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

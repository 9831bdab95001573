package verify

import (
	"time"
)

// The checks that follow the order of the log; each is made by the second walk.

// unseenPlaces notes a hole in the log that was rebuilt from all windows. It
// may hold messages of unknown outcome that nobody saw: see fillHoles.
func (v *Verifier) unseenPlaces(first, last int64) {
	k := &v.walk
	k.spare += last - first + 1
	for s := first; s <= last; s++ {
		if _, ok := v.absent[s]; ok {
			return // inside some window: a gap there, and reported
		}
		if s-first > int64(v.cfg.WindowSize) {
			break
		}
	}
	// Whatever was in the hole was sent no later than any higher seq was
	// acknowledged to somebody, or real-time order is broken.
	deadline := time.Duration(1<<63 - 1)
	if above, ok := v.acks.above(first); ok {
		deadline = above.at
	}
	k.holes = append(k.holes, hole{first, last, deadline})
}

// whose tells our messages from those of other writers, and counts neighbours
// that different replicas acknowledged.
func (v *Verifier) whose(seq int64, c *cell) {
	k := &v.walk
	switch {
	case c.is(ours):
		if k.oursAt == 0 {
			k.oursAt = seq
		}
		if c.is(acked) && k.prevCell.is(acked) && k.prev == seq-1 {
			a, b := v.find(k.prevCell.owner), v.find(c.owner)
			if a.replica != b.replica && !a.is(forgotten) && !b.is(forgotten) {
				v.tally.neighbours++
			}
		}
	case v.cfg.Missing.Has(Text): // nobody can tell
	default:
		v.tally.others++
		if k.oursAt != 0 {
			k.others = true
		}
	}
}

// Counters: per sender 1, 2, 3 … in order of seq.

func (v *Verifier) counter(seq int64, c *cell) {
	sender := c.sender
	if sender < 0 && c.is(ours) { // answers do not show it, but we know whom we sent for
		sender = v.find(c.owner).sender
	}
	if v.cfg.Missing.Has(SenderCount) {
		return
	}
	k := &v.walk
	if sender < 0 {
		k.spare++
		return
	}
	v.tally.counted++
	last, known := k.counters[sender]
	k.counters[sender] = counter{seq, c.count, k.spare, c.owner, c.is(ours)}
	if c.count < 1 && !known {
		v.report(Violation{
			Check: Counters, Anomaly: "counter below 1", Seq: seq, Size: 1 - c.count,
			Why: say("sender %q has sender_count %d at seq %d, and counters begin at 1", v.names[sender], c.count, seq),
		}, v.teller(c))
		return
	}
	if !known && k.middle {
		return // the log was not empty, or who knows: from the first known value on
	}
	// Each place that nobody saw may have held a message of this sender.
	next := last.count + 1
	spare := k.spare - last.spare
	if c.count >= next && c.count-next <= spare {
		return
	}
	anomaly, size := "counter skipped", c.count-next
	if c.count < next {
		anomaly, size = "counter repeated", next-c.count
	}
	why := say("sender %q has sender_count %d at seq %d, and had %d at seq %d, with none in between", v.names[sender], c.count, seq, last.count, last.seq)
	if !known {
		why = say("the first message of sender %q has sender_count %d, at seq %d", v.names[sender], c.count, seq)
	}
	var refs []ref
	if last.ours {
		refs = append(refs, last.owner)
	}
	refs = append(refs, v.teller(c))
	v.report(Violation{Check: Counters, Anomaly: anomaly, Seq: seq, Size: size, Why: why}, refs...)
}

// Dates: sent_at never decreases along seq, and lies within the time of its
// own operation.

func (v *Verifier) date(seq int64, c *cell) {
	if v.cfg.Missing.Has(SentAt) {
		return
	}
	k := &v.walk
	v.tally.dated++
	if k.prev != 0 && c.sentAt < k.prevCell.sentAt {
		v.report(Violation{
			Check: Dates, Anomaly: "date decreases", Seq: seq, Size: k.prevCell.sentAt - c.sentAt,
			Why: say("sent_at is %s at seq %d and %s, which is earlier, at seq %d", date(k.prevCell.sentAt), k.prev, date(c.sentAt), seq),
		}, v.teller(&k.prevCell), v.teller(c))
	}
	if !c.is(ours) || v.cfg.Start == 0 || v.cfg.ClockAllowance < 0 {
		return
	}
	rec := v.find(c.owner)
	if !rec.is(returned) || rec.is(forgotten) || rec.seq != seq {
		return
	}
	allowance := v.cfg.ClockAllowance.Microseconds()
	early := v.cfg.Start + rec.call.Microseconds() - allowance - c.sentAt
	late := int64(0)
	// A server whose clock is behind the last date, because it was set back or
	// is another host's now, must repeat that date until the clock has caught
	// up. So one that equals the last is not this operation's to answer for;
	// one that nothing is known before is.
	heldBack := k.prev != 0 && c.sentAt == k.prevCell.sentAt
	if rec.outcome == OK && !heldBack {
		late = c.sentAt - (v.cfg.Start + rec.ret.Microseconds() + 1 + allowance)
	}
	if off := max(early, late); off > 0 {
		form := "the message at seq %d has sent_at %s, which is %s before it was sent, even with %s allowed between the clocks"
		if late > 0 {
			form = "the message at seq %d has sent_at %s, which is %s after it was answered, even with %s allowed between the clocks"
		}
		v.report(Violation{
			Check: Dates, Anomaly: "date outside the operation", Seq: seq, Size: off,
			Why: say(form, seq, date(c.sentAt), time.Duration(off+allowance)*time.Microsecond, v.cfg.ClockAllowance),
		}, c.owner)
	}
}

// Real-time order: what was answered before another request was sent has the
// lower seq. That is all of linearizability that the order by seq leaves open.

func (v *Verifier) order(seq int64, c *cell) {
	if !c.is(ours) {
		return
	}
	rec := v.find(c.owner)
	if !rec.is(sent) || rec.is(forgotten) {
		return
	}
	v.tally.ordered++
	if c.first < rec.call {
		v.notSentYet(seq, c, rec)
	}
	acks := &v.acks
	if v.positions != nil { // stretches are compared as wholes, see contradictions
		acks = v.positions.acksAt(v.walk.bottom)
	}
	if earlier := acks.before(rec.call); earlier.seq > seq {
		v.inverted(seq, c.owner, rec, earlier.by, earlier.seq)
	}
}

// behindHorizon is order for an answer that no correct server can give: its
// place is below what had been acknowledged when the request was sent.
func (v *Verifier) behindHorizon(r ref, rec *record, seq int64) {
	if rec.floor < seq {
		return
	}
	if above, ok := v.acks.above(seq); ok && above.at < rec.call {
		v.inverted(seq, r, rec, above.by, above.seq)
		return
	}
	if c := v.log.peek(rec.floor); c.is(ours) {
		v.inverted(seq, r, rec, c.owner, rec.floor)
	}
}

// inverted reports that the later operation has the lower seq.
func (v *Verifier) inverted(seq int64, later ref, rec *record, earlier ref, earlierSeq int64) {
	session := []string(nil)
	// One worker's own pair says more than any other.
	for n := later.number - 1; n >= 0 && n >= later.number-8; n-- {
		own := ref{later.worker, n}
		mine := v.find(own)
		if mine.is(returned) && mine.outcome == OK && mine.seq > seq && mine.ret < rec.call {
			earlier, earlierSeq = own, mine.seq
			break
		}
	}
	if earlier.worker == later.worker {
		session = v.sessionGuarantees(seq, earlier, earlierSeq)
	}
	v.report(Violation{
		Check: RealTimeOrder, Anomaly: "real-time inversion", Seq: seq, Size: earlierSeq - seq, Session: session,
		Why: say("the first request had been answered with seq %d before the second was sent, and yet the second got the lower seq %d", earlierSeq, seq),
	}, earlier, later)
}

// sessionGuarantees names what one worker could rely on and was denied (Terry
// et al., Session Guarantees for Weakly Consistent Replicated Data, 1994).
// Every operation reads as well as writes, so one pair breaks several.
func (v *Verifier) sessionGuarantees(seq int64, earlier ref, earlierSeq int64) []string {
	broken := []string{"monotonic writes", "read your writes"}
	for s := max(seq, earlierSeq-int64(v.cfg.WindowSize)) + 1; s < earlierSeq; s++ {
		if c := v.log.peek(s); c.is(seen) && !(c.is(ours) && c.owner.worker == earlier.worker) {
			// The earlier answer showed somebody's message that the later one
			// does not, and that the later write comes before.
			return append(broken, "monotonic reads", "writes follow reads")
		}
	}
	return broken
}

// teller is the operation that best tells what c holds: its own, if that is
// ours, or else one that was shown it.
func (v *Verifier) teller(c *cell) ref {
	if c.is(acked) {
		return c.owner
	}
	return c.shown
}

package verify

import (
	"iter"
	"math"
	"slices"
	"time"
)

// settle decides what became of the operations whose outcome is unknown, after
// the second walk has come to the end of the log.
//
// One is stored if some answer shows it. It is not stored if none does though
// all its possible places are known: they begin above what had been
// acknowledged when it was called, and end where a sentinel stands that was
// called after it had ended. The caller has to wait, before it sends the
// sentinels, until nothing is under way any more.
func (v *Verifier) settle() (notStored int64) {
	var calls []time.Duration // of those that may be in places nobody saw
	for rec := range v.unsettled() {
		switch {
		case !v.isClosedFrom(rec):
			calls = append(calls, rec.call)
		case !rec.is(sentinel):
			notStored++
		}
	}
	calls = append(calls, v.unplaced()...)
	slices.Sort(calls)
	v.fillHoles(calls)
	return notStored
}

// Unsettled is how many operations of unknown outcome may still turn out
// either way, among those that have returned: no answer shows them, and no
// sentinel was called at least grace after they returned whose window joins to
// the log without a hole. A server may store a message for some time after its
// caller has gone. It is meant for when nothing is in flight.
func (v *Verifier) Unsettled(grace time.Duration) int64 {
	v.mu.Lock()
	defer v.mu.Unlock()
	whole := v.wholeFrom()
	n := int64(0)
	for rec := range v.unsettled() {
		if !rec.is(sentinel) && (v.tally.sentinelCall < rec.ret+grace || v.floorOf(rec)+1 < whole) {
			n++
		}
	}
	return n
}

// wholeFrom is the lowest place such that all are known from there to the
// newest sentinel's, before the second walk has come to the end.
func (v *Verifier) wholeFrom() int64 {
	k := &v.walk
	s := v.tally.sentinelSeq
	if s == 0 || len(k.seams) > 0 {
		return math.MaxInt64
	}
	for ; s > k.done; s-- {
		if !v.log.peek(s).is(seen) {
			return s + 1
		}
	}
	if k.prev != k.done && k.prev != 0 {
		return k.done + 1
	}
	if n := len(k.holes); n > 0 {
		return k.holes[n-1].last + 1
	}
	return k.lowest
}

// floorOf is the highest seq that was acknowledged before rec's message can
// have been stored.
func (v *Verifier) floorOf(rec *record) int64 {
	return max(rec.floor, v.acks.before(rec.call).seq)
}

// unplaced are the calls of operations that were acknowledged by answers that
// do not show the message, and that no other answer shows either.
func (v *Verifier) unplaced() (calls []time.Duration) {
	for _, w := range v.workers {
		for _, rec := range w.ops.between(0, int64(w.last)) {
			if rec.is(returned) && rec.outcome == OK && rec.seq == 0 {
				calls = append(calls, rec.call)
			}
		}
	}
	return calls
}

// unsettled yields the operations that may be in the log and were not seen there.
func (v *Verifier) unsettled() iter.Seq[*record] {
	return func(yield func(*record) bool) {
		for _, w := range v.workers {
			for _, rec := range w.ops.between(0, int64(w.last)) {
				if rec.is(sent) && rec.seq == 0 && (rec.outcome == Unknown || !rec.is(returned)) {
					if !yield(rec) {
						return
					}
				}
			}
		}
		for _, rec := range v.open {
			if rec.seq == 0 && !yield(rec) {
				return
			}
		}
	}
}

// isClosedFrom tells whether all places are known that rec's message can have.
func (v *Verifier) isClosedFrom(rec *record) bool {
	if len(v.walk.seams) > 0 || !rec.is(returned) || v.tally.sentinelSeq == 0 || v.tally.sentinelCall < rec.ret {
		return false
	}
	floor := v.floorOf(rec)
	if v.walk.lowest > floor+1 {
		return false
	}
	for _, h := range slices.Backward(v.walk.holes) {
		if h.first < v.tally.sentinelSeq {
			return h.last <= floor
		}
	}
	return true
}

// fillHoles is the check "no gap" for the log that was rebuilt from all
// windows: each place that nobody saw must have an operation whose place is
// unknown, called by the hole's deadline, to fill it. Deadlines rise along the
// log, so taking the holes in order and the calls in order finds a filling if
// there is one.
func (v *Verifier) fillHoles(calls []time.Duration) {
	spare, taken := int64(0), 0
	for _, h := range v.walk.holes {
		// One called at that very instant is concurrent: see staircase.before.
		for taken < len(calls) && calls[taken] <= h.deadline {
			taken++
			spare++
		}
		need := h.last - h.first + 1
		if spare >= need {
			spare -= need
			continue
		}
		empty := need - spare
		spare = 0
		if v.walk.others || v.gone != 0 || v.cfg.Missing.Has(Text) {
			v.tally.unexplained += empty // others, who cannot be told without texts, or what was cut off, may have been there
			continue
		}
		var refs []ref
		if c := v.log.peek(h.first - 1); c.is(seen) {
			refs = append(refs, v.teller(c))
		}
		if c := v.log.peek(h.last + 1); c.is(seen) {
			refs = append(refs, v.teller(c))
		}
		v.report(Violation{
			Check: Contiguous, Anomaly: "gap", Seq: h.first, Size: empty,
			Why: say("no answer shows seq %d to %d, and %s of them cannot be requests of unknown outcome: that many numbers are missing in the log", h.first, h.last, Quantity{empty, "place"}),
		}, refs...)
	}
}

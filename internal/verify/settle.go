package verify

import (
	"math"
	"slices"
	"time"
)

// settled decides what became of the operations whose outcome is unknown, after
// the second walk has come to the end of the log. It returns how many are not
// stored for certain, and the calls of those that may be in places that no
// answer shows, ascending.
//
// An operation is stored if some answer shows it. It is not stored if no answer
// shows it and all its possible places are known. These begin above what had
// been acknowledged when it was called, and end at a sentinel that was called
// after it had ended. The caller must wait until nothing is under way before it
// sends the sentinels.
func (f *facts) settled() (notStored int64, calls []time.Duration) {
	whole := f.wholeFrom()
	for _, rec := range f.ops.unseen() {
		switch {
		case rec.outcome == Failed:
		case rec.outcome == OK || !f.isClosed(rec, whole, 0): // shown by no answer, its own included, or unknown for good
			calls = append(calls, rec.call)
		case !rec.is(sentinel):
			notStored++
		}
	}
	slices.Sort(calls)
	return notStored, calls
}

// unsettled is how many operations may still turn out either way before the run
// is over: see Verifier.Unsettled.
func (f *facts) unsettled(grace time.Duration) (n int64) {
	whole := f.wholeFrom()
	for _, rec := range f.ops.unseen() {
		if rec.outcome == Unknown && !rec.is(sentinel) && !f.isClosed(rec, whole, grace) {
			n++
		}
	}
	return n
}

// isClosed reports whether all places are known that rec's message can have, if
// a server may store it for grace after it ended. All places are known from
// whole to the newest sentinel's.
func (f *facts) isClosed(rec *record, whole int64, grace time.Duration) bool {
	return rec.is(returned) && f.acks.sentinelCall >= rec.ret+grace && f.floorOf(rec)+1 >= whole
}

// wholeFrom returns the lowest place such that all are known from there to the
// newest sentinel's.
func (f *facts) wholeFrom() int64 {
	s := f.acks.sentinelSeq
	if s == 0 || len(f.layout.seams) > 0 {
		return math.MaxInt64
	}
	// The first walk alone has seen the places above log.walked, the second walk
	// has noted the holes below.
	for empty := s; s > f.log.walked; s-- { // places from empty on are known to be
		switch below, ok := f.log.skips[s]; {
		case ok:
			empty = below.from
		case f.log.cells.peek(s).is(seen):
			empty = s
		case s > empty:
			s = empty + 1
		default:
			return s + 1
		}
	}
	if f.walk.prev != 0 && f.walk.prev < s {
		return s + 1
	}
	for _, h := range slices.Backward(f.walk.holes) {
		if h.first < s {
			return h.last + 1
		}
	}
	return f.walk.lowest
}

// floorOf returns the highest seq that was acknowledged before rec's message
// can have been stored.
func (f *facts) floorOf(rec *record) int64 { return max(rec.floor, f.acks.before(rec.call).seq) }

package verify

import (
	"iter"
	"time"
)

// A ref names an operation of the run.
type ref struct{ worker, number int32 }

func (op *Operation) ref() ref { return ref{int32(op.Worker), int32(op.Number)} }

// A record is what is kept of an operation.
type record struct {
	text      uint64 // hash of sender and text, as sent
	call      time.Duration
	ret       time.Duration
	seq       int64 // where its message was seen first, 0 if nowhere yet
	secondSeq int64 // where it was seen a second time
	floor     int64 // the highest seq acknowledged when it was called, as far as known
	sender    int32
	replica   int16
	outcome   Outcome // Unknown until it returns
	flags     recordFlags
}

type recordFlags uint8

const (
	sent      recordFlags = 1 << iota // called, or returned
	returned                          // returned
	retried                           // took more than one try
	sentinel                          // no part of the load
	forgotten                         // only its outcome is known any more
)

func (r *record) is(f recordFlags) bool { return r != nil && r.flags&f == f }

// A worker is what is known of one sequence of operations.
type worker struct {
	ops      sparse[record]
	last     int32 // the highest number called or returned
	inFlight bool
	live     bool  // its calls are reported too, not only its returns
	floor    int64 // of the operation in flight

	forgotten int32            // operations with lower numbers are forgotten: they were stored …
	failed    map[int32]uint64 // … or failed, by number/pageSize one bit each; or are in operations.open
}

func (w *worker) isForgotten(number int32) bool { return number < w.forgotten }

// operations are what was sent and what came back.
type operations struct {
	workers map[int32]*worker
	unsent  map[ref]int64   // shown by an answer, and not sent as far as known; with the seq
	open    map[ref]*record // of unknown outcome, behind the horizon of a streamed run

	recent    *worker // the worker asked for last, since calls in a row ask for the same …
	recentKey int32   // … and which one it is
}

func newOperations() operations {
	return operations{workers: make(map[int32]*worker), unsent: make(map[ref]int64), open: make(map[ref]*record)}
}

func (o *operations) worker(i int32) *worker {
	if o.recent != nil && o.recentKey == i {
		return o.recent
	}
	w := o.workers[i]
	if w == nil {
		w = &worker{last: -1}
		o.workers[i] = w
	}
	o.recentKey, o.recent = i, w
	return w
}

// called notes that r is under way, called when floor was the highest
// acknowledged seq.
func (o *operations) called(r ref, floor int64) *record {
	w := o.worker(r.worker)
	rec := w.ops.at(int64(r.number))
	rec.floor = floor
	w.live, w.inFlight, w.floor = true, true, floor
	return rec
}

// sent notes what op sends, when it is first heard of.
func (o *operations) sent(op *Operation, r ref, rec *record, text uint64, sender int32) {
	rec.flags |= sent
	rec.text, rec.call, rec.sender = text, op.Call, sender
	if op.Sentinel {
		rec.flags |= sentinel
	}
	w := o.worker(r.worker)
	w.last = max(w.last, r.number)
	if rec.seq != 0 {
		delete(o.unsent, r)
	}
}

// returned notes how op ended. It reports whether its call was reported too.
func (o *operations) returned(op *Operation, r ref, rec *record) (live bool) {
	rec.call, rec.ret, rec.replica, rec.outcome = op.Call, op.Return, int16(op.Replica), op.Outcome
	rec.flags |= returned
	w := o.worker(r.worker)
	w.inFlight = false
	return w.live
}

// hasReturned reports whether r has returned already.
func (o *operations) hasReturned(r ref) bool {
	w := o.worker(r.worker)
	return w.isForgotten(r.number) || w.ops.peek(int64(r.number)).is(returned)
}

// find returns the record of r, a new one if nothing is known of it.
func (o *operations) find(r ref) *record {
	w := o.worker(r.worker)
	if !w.isForgotten(r.number) {
		return w.ops.at(int64(r.number))
	}
	if rec := o.open[r]; rec != nil {
		return rec
	}
	past := &record{outcome: OK, flags: sent | returned | forgotten}
	if w.failed[r.number/pageSize]>>(r.number%pageSize)&1 != 0 {
		past.outcome = Failed
	}
	return past
}

// A sighting is where a message was seen before, compared with where it is seen now.
type sighting uint8

const (
	seenThere          sighting = iota // there, or at two other places already
	seenFirst                          // nowhere yet
	seenTwice                          // elsewhere: it is in the log twice
	seenMoved                          // elsewhere, if windows that do not fit together are right
	seenAfterForgotten                 // it is forgotten where
)

// sight notes that the message of r was seen at seq. MayBeTwice says whether it
// can be in the log twice, if it was seen elsewhere.
func (o *operations) sight(r ref, seq int64, mayBeTwice bool) (*record, sighting) {
	rec := o.find(r)
	if !rec.is(sent) {
		o.unsent[r] = seq
	}
	switch {
	case rec.is(forgotten):
		return rec, seenAfterForgotten
	case rec.seq == 0:
		rec.seq = seq
		return rec, seenFirst
	case rec.seq != seq && !mayBeTwice:
		return rec, seenMoved
	case rec.seq != seq && rec.secondSeq != seq:
		rec.secondSeq = seq
		return rec, seenTwice
	}
	return rec, seenThere
}

// all yields every operation that is not forgotten and that was sent.
func (o *operations) all() iter.Seq[*record] {
	return func(yield func(*record) bool) {
		for _, w := range o.workers {
			for _, rec := range w.ops.between(0, int64(w.last)) {
				if rec.is(sent) && !yield(rec) {
					return
				}
			}
		}
	}
}

// unseen yields the operations whose message no answer shows.
func (o *operations) unseen() (unseen []*record) {
	for rec := range o.all() {
		if rec.seq == 0 {
			unseen = append(unseen, rec)
		}
	}
	for _, rec := range o.open {
		if rec.seq == 0 {
			unseen = append(unseen, rec)
		}
	}
	return unseen
}

// lowestFloor returns the lowest seq that was acknowledged when an operation in
// flight was called; head if none is in flight. Unless calls are reported it
// does not know what is in flight.
func (o *operations) lowestFloor(head int64) (floor int64, known bool) {
	floor = head
	for _, w := range o.workers {
		if w.inFlight {
			floor = min(floor, w.floor)
		}
		known = known || w.live
	}
	return floor, known
}

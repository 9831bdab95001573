package verify

// sweepEvery is after how many returns the second walk moves on.
const sweepEvery = 256

// Outcomes of forgotten operations, in 2 bits each.
const (
	forgotStored = iota + 1
	forgotFailed
	forgotUnknown
)

// sweep walks up to the horizon and, when streaming, forgets what is behind it.
//
// An operation that was called when seq floor had been acknowledged gets a
// higher one, if the server is correct, so its window begins no lower than
// floor+2-WindowSize. No place below the lowest of these, over all operations
// in flight, can be touched by a correct answer any more. A wrong answer that
// does is recognised by its own seq: see behindHorizon.
func (v *Verifier) sweep() {
	if floor, told := v.lowestFloor(); told {
		v.sweepAbove(floor)
	}
}

// lowestFloor is the lowest seq that was acknowledged when an operation in
// flight was called. Without Call nobody knows what is in flight.
func (v *Verifier) lowestFloor() (floor int64, told bool) {
	floor = v.acks.head
	for _, w := range v.workers {
		if w.inFlight {
			floor = min(floor, w.floor)
		}
		told = told || w.told
	}
	return floor, told
}

// Floor is a seq below which no operation that has not returned yet belongs,
// nor any that will be called: see Recorder.Mark. 0 if that is not known.
func (v *Verifier) Floor() int64 {
	v.mu.Lock()
	defer v.mu.Unlock()
	if floor, told := v.lowestFloor(); told {
		return floor
	}
	return 0
}

// setFloor takes from a stored history what Call tells in a live run.
func (v *Verifier) setFloor(floor int64) {
	v.floor = max(v.floor, min(floor, v.acks.head))
	v.sweepAbove(v.floor)
}

func (v *Verifier) sweepAbove(floor int64) {
	horizon := floor + 1 - int64(v.cfg.WindowSize)
	if horizon <= v.walk.done {
		return
	}
	v.walkTo(horizon)
	if !v.cfg.Stream {
		return
	}
	v.acks.prune(v.walk.done)
	v.walk.base = max(v.walk.base, v.walk.done-recentSize)
	v.log.forgetBelow(v.walk.base)
	for i, w := range v.workers {
		v.forget(i, w)
	}
	for r, rec := range v.open {
		if rec.seq != 0 && rec.seq < v.walk.base {
			delete(v.open, r)
			v.workers[r.worker].setOutcome(r.number, forgotStored)
		}
	}
	for s := range v.absent {
		if s < v.walk.base {
			delete(v.absent, s)
		}
	}
}

// forget drops the worker's oldest operations, page by page, once they all lie
// behind the horizon. The unknown ones stay open.
func (v *Verifier) forget(i int32, w *worker) {
	for ; w.swept < w.last/pageSize; w.swept++ {
		first := int64(w.swept) * pageSize
		for _, rec := range w.ops.between(first, first+pageSize-1) {
			if rec.is(sent) && (!rec.is(returned) || rec.outcome == OK && rec.seq >= v.walk.base) {
				return
			}
		}
		for n, rec := range w.ops.between(first, first+pageSize-1) {
			number := int32(n)
			switch {
			case rec.outcome == Failed:
				w.setOutcome(number, forgotFailed)
			case rec.outcome == Unknown && rec.is(returned) && (rec.seq == 0 || rec.seq >= v.walk.base):
				w.setOutcome(number, forgotUnknown)
				kept := *rec
				v.open[ref{i, number}] = &kept
			case rec.is(sent):
				w.setOutcome(number, forgotStored)
			}
		}
		w.ops.forgetBelow(first + pageSize)
	}
}

func (w *worker) hasForgotten(number int32) bool { return number/pageSize < w.swept }

func (w *worker) outcomeOf(number int32) Outcome {
	page := w.outcomes[number/pageSize]
	if page == nil {
		return Unknown
	}
	switch page[number%pageSize/4] >> (number % 4 * 2) & 3 {
	case forgotStored:
		return OK
	case forgotFailed:
		return Failed
	}
	return Unknown
}

func (w *worker) setOutcome(number int32, o uint8) {
	if w.outcomes == nil {
		w.outcomes = make(map[int32]*[pageSize / 4]uint8)
	}
	page := w.outcomes[number/pageSize]
	if page == nil {
		page = new([pageSize / 4]uint8)
		w.outcomes[number/pageSize] = page
	}
	bits := &page[number%pageSize/4]
	shift := number % 4 * 2
	*bits = *bits&^(3<<shift) | o<<shift
}

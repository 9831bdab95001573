package verify

// Forgetting is the part of the operations that a streamed run needs: of those
// behind the horizon only the outcome is kept, in 2 bits each, and a record of
// each one whose outcome is unknown.
const (
	forgotStored = iota + 1
	forgotFailed
	forgotUnknown
)

// forgetBelow forgets what lies wholly below the place base of the log.
func (o *operations) forgetBelow(base int64) {
	for i, w := range o.workers {
		o.forget(i, w, base)
	}
	for r, rec := range o.open {
		if rec.seq != 0 && rec.seq < base {
			delete(o.open, r)
			o.workers[r.worker].setOutcome(r.number, forgotStored)
		}
	}
}

// forget drops the worker's oldest operations, page by page, once they all lie
// behind the horizon. The unknown ones stay open.
func (o *operations) forget(i int32, w *worker, base int64) {
	for ; w.swept < w.last/pageSize; w.swept++ {
		first := int64(w.swept) * pageSize
		for _, rec := range w.ops.between(first, first+pageSize-1) {
			if rec.is(sent) && (!rec.is(returned) || rec.outcome == OK && rec.seq >= base) {
				return
			}
		}
		for n, rec := range w.ops.between(first, first+pageSize-1) {
			number := int32(n)
			switch {
			case rec.outcome == Failed:
				w.setOutcome(number, forgotFailed)
			case rec.outcome == Unknown && rec.is(returned) && (rec.seq == 0 || rec.seq >= base):
				w.setOutcome(number, forgotUnknown)
				kept := *rec
				o.open[ref{i, number}] = &kept
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

package verify

// forgetBelow forgets the operations that lie wholly below the place base of the
// log, as a streamed run does behind the horizon: of each only the outcome is
// kept, and the whole record if that is unknown.
func (o *operations) forgetBelow(base int64) {
	for i, w := range o.workers {
		o.forget(i, w, base)
	}
	for r, rec := range o.open {
		if rec.seq != 0 && rec.seq < base {
			delete(o.open, r)
			o.workers[r.worker].past.set(r.number, forgotStored)
		}
	}
}

// forget drops the worker's oldest operations, page by page, once they all lie
// behind the horizon. The unknown ones stay open.
func (o *operations) forget(i int32, w *worker, base int64) {
	for ; w.past.pages < w.last/pageSize; w.past.pages++ {
		first := int64(w.past.pages) * pageSize
		for _, rec := range w.ops.between(first, first+pageSize-1) {
			if rec.is(sent) && (!rec.is(returned) || rec.outcome == OK && rec.seq >= base) {
				return
			}
		}
		for n, rec := range w.ops.between(first, first+pageSize-1) {
			number := int32(n)
			switch {
			case rec.outcome == Failed:
				w.past.set(number, forgotFailed)
			case rec.outcome == Unknown && rec.is(returned) && (rec.seq == 0 || rec.seq >= base):
				w.past.set(number, forgotUnknown)
				kept := *rec
				o.open[ref{i, number}] = &kept
			case rec.is(sent):
				w.past.set(number, forgotStored)
			}
		}
		w.ops.forgetBelow(first + pageSize)
	}
}

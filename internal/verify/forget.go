package verify

// forgetBelow forgets the operations that lie wholly below the place base of the
// log, as a streamed run does behind the horizon: of each only the outcome is
// kept, and the whole record if that is unknown.
func (o *operations) forgetBelow(base int64) {
	for i, w := range o.workers {
		for w.forgotten < w.last/pageSize*pageSize && o.forgetPage(i, w, base) {
			w.forgotten += pageSize
		}
		w.ops.forgetBelow(int64(w.forgotten))
	}
	for r, rec := range o.open {
		if rec.seq != 0 && rec.seq < base {
			delete(o.open, r)
		}
	}
}

// forgetPage forgets the oldest page of w, worker i, if all its operations lie
// behind the horizon. The unknown ones stay open.
func (o *operations) forgetPage(i int32, w *worker, base int64) bool {
	first, last := int64(w.forgotten), int64(w.forgotten)+pageSize-1
	for _, rec := range w.ops.between(first, last) {
		if rec.is(sent) && (!rec.is(returned) || rec.outcome == OK && rec.seq >= base) {
			return false
		}
	}
	failed := uint64(0) // pageSize bits
	for n, rec := range w.ops.between(first, last) {
		switch {
		case rec.outcome == Failed:
			failed |= 1 << (n % pageSize)
		case rec.outcome == Unknown && rec.is(returned) && (rec.seq == 0 || rec.seq >= base):
			kept := *rec
			o.open[ref{i, int32(n)}] = &kept
		}
	}
	if failed != 0 {
		if w.failed == nil {
			w.failed = make(map[int32]uint64)
		}
		w.failed[w.forgotten/pageSize] = failed
	}
	return true
}

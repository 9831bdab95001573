package verify

// A window is an answer's messages, and what they show by themselves.
type window struct {
	op  *Operation // whose Window it is
	ref ref
	rec *record

	bottom int64 // the lowest place that it can show
	own    int   // the index of the own message, -1 if it is not there …
	seq    int64 // … and its seq

	after    int   // messages after the own one
	disorder int   // how often seqs do not rise
	skipped  int64 // places left out in between
	mustHold int64 // how many messages it must hold

	whole  bool // it is exactly the places that it must show
	begins bool // … if the log begins where it does
}

// read finds out what w shows, before it is merged into the log.
func (w *window) read(f *facts) {
	if w.own = f.ownIndex(w.op, w.ref); w.own < 0 {
		return
	}
	all, size := w.op.Window, int64(f.cfg.WindowSize)
	w.seq = all[w.own].Seq
	w.after = len(all) - 1 - w.own
	for i := 1; i < len(all); i++ {
		switch step := all[i].Seq - all[i-1].Seq; {
		case step > 1:
			w.skipped += step - 1
		case step < 1:
			w.disorder++
		}
	}
	w.mustHold = max(0, min(size, w.seq-w.bottom+1))
	if n := int64(len(all)); w.after == 0 && w.disorder == 0 && w.skipped == 0 && n <= size {
		w.begins = n < w.mustHold && f.cfg.AnyStart && (f.log.lowest == 0 || f.log.lowest >= all[0].Seq)
		w.whole = n >= w.mustHold || w.begins
	}
}

// ownIndex returns the index of op's own message in its window, -1 if it is not there.
func (f *facts) ownIndex(op *Operation, r ref) int {
	last := len(op.Window) - 1
	if last < 0 || f.cfg.Missing.Has(Text) || op.Window[last].Text == op.Text {
		return last
	}
	for i := last; i >= 0; i-- {
		if n, ok := f.texts.nonce(op.Window[i].Text); ok && n == r {
			return i
		}
	}
	return -1
}

// end returns the highest place that the window covers.
func (w *window) end() int64 { return max(w.seq, w.op.Window[len(w.op.Window)-1].Seq) }

func (w *window) shows(seq int64) bool {
	for _, e := range w.op.Window {
		if e.Seq == seq {
			return true
		}
	}
	return false
}

// beginsAtZero reports whether w shows that its server numbers messages from 0.
func beginsAtZero(w []*Entry) bool {
	return len(w) > 0 && w[0].Seq == 0 && (len(w) == 1 || w[1].Seq == 1)
}

// entries copies a window, since its Entries belong to the caller.
func entries(w []*Entry) []Entry {
	all := make([]Entry, len(w))
	for i, e := range w {
		all[i] = *e
	}
	return all
}

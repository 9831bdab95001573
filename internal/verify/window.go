package verify

import "slices"

// A window is an answer's messages, and what they show by themselves.
type window struct {
	op  *Operation // whose Window it is
	ref ref
	rec *record

	bottom int64 // the lowest place that it can show
	own    int   // the index of the own message, -1 if it is not there
	seq    int64 // its seq, 0 if it is not known

	after    int   // messages behind the own one
	later    int   // messages with a higher seq than the own one, wherever they stand …
	highest  int64 // … and the highest of these
	falls    int   // how often a seq is lower than the one before
	equal    int   // how often it is the same
	skipped  int64 // places left out between the lowest and the highest
	mustHold int64 // how many messages it must hold

	whole     bool // it is exactly the places that it must show
	begins    bool // … if the log begins where it does
	oneSender bool // all its messages are of the own sender, as in all answers so far
}

// read finds out what w shows, before it is merged into the log.
func (w *window) read(f *facts) {
	all, size := w.op.Window, int64(f.cfg.WindowSize)
	if w.own = f.ownIndex(w.op, w.ref); w.own >= 0 {
		w.seq = all[w.own].Seq
		w.after = len(all) - 1 - w.own
	} else if w.seq = w.rec.seq; w.seq == 0 { // else other answers have shown where it is
		return
	}
	w.highest = w.seq
	for _, e := range all {
		if e.Seq > w.seq {
			w.later++
			w.highest = max(w.highest, e.Seq)
		}
	}
	if w.own < 0 {
		return
	}
	for i, e := range all {
		if i == 0 {
			continue
		}
		switch step := e.Seq - all[i-1].Seq; {
		case step > 1:
			w.skipped += step - 1
		case step == 0:
			w.equal++
		case step < 0:
			w.falls++
		}
	}
	if f.layout.inferred { // places that do not rise tell of messages left out: see contiguous
		w.later, w.highest = w.after, max(w.seq, all[len(all)-1].Seq)
	}
	if w.falls > 0 {
		places := w.places()
		w.skipped = places[len(places)-1] - places[0] + 1 - int64(len(places))
	}
	w.mustHold = max(0, min(size, w.seq-w.bottom+1))
	if n := int64(len(all)); w.after == 0 && w.falls+w.equal == 0 && w.skipped == 0 && n <= size {
		w.begins = n < w.mustHold && f.cfg.AnyStart && (f.log.lowest == 0 || f.log.lowest >= all[0].Seq)
		w.whole = n >= w.mustHold || w.begins
	}
}

// places returns the places that w shows, ascending, each once.
func (w *window) places() []int64 {
	places := make([]int64, len(w.op.Window))
	for i, e := range w.op.Window {
		places[i] = e.Seq
	}
	slices.Sort(places)
	return slices.Compact(places)
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

// isOfOneSender reports whether w holds messages of its own sender only, as far as the
// answer shows it or we know whom we sent for.
func (f *facts) isOfOneSender(w *window) bool {
	return !slices.ContainsFunc(w.op.Window, func(e *Entry) bool {
		if !f.cfg.Missing.Has(Sender) {
			return e.Sender != w.op.Sender
		}
		r, ok := f.texts.nonce(e.Text)
		if !ok {
			return false
		}
		rec := f.ops.find(r)
		return rec.is(sent) && rec.sender != w.rec.sender
	})
}

// end returns the highest place that the window covers.
func (w *window) end() int64 { return w.highest }

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

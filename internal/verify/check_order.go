package verify

// order is the check that a window rises by seq, up to the own message. It takes one
// answer alone. Equal seqs are duplicate's; inferred places are contiguous's.
type order struct{ base }

func (k *order) window(w *window) {
	k.saw++
	switch {
	case w.own < 0:
	case w.falls > 0 && !k.layout.inferred:
		k.report("disorder", w.seq, int64(w.falls), say("the answer is sorted by something other than the seq, which falls"), w.ref)
	case w.after > 0:
		k.report("own message not last", w.seq, int64(w.after), say("the answer must end in the message that it answers, and does not"), w.ref)
	}
}

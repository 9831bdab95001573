package verify

// futureRead is the check that a window holds nothing with a higher seq than the own
// message, wherever that stands, and nothing whose request had not been sent yet.
type futureRead struct{ base }

func (k *futureRead) window(w *window) {
	k.saw++
	if w.later == 0 {
		return
	}
	refs := []ref{w.ref}
	for _, e := range w.op.Window {
		if n, ok := k.texts.nonce(e.Text); e.Seq == w.highest && ok && n != w.ref {
			refs = []ref{w.ref, n}
		}
	}
	later := int64(w.later)
	k.report("future read", w.highest, later,
		say("the answer to the message at seq %d shows %s with a higher seq, up to seq %d: "+
			"the window was read later than the message was stored",
			w.seq, Quantity{later, "message"}, w.highest), refs...)
}

// along reports a message of ours that an answer showed before it was sent.
func (k *futureRead) along(seq int64, c *cell, rec *record) {
	if rec.is(sent) && c.first < rec.call {
		k.notSentYet(seq, c, rec)
	}
}

// sentAfterwards does what along does, at a place that the second walk has
// passed.
func (k *futureRead) sentAfterwards(rec *record, c *cell) {
	if rec.seq <= k.log.walked {
		k.notSentYet(rec.seq, c, rec)
	}
}

func (k *futureRead) notSentYet(seq int64, c *cell, rec *record) {
	k.report("future read", seq, int64(rec.call-c.first),
		say("the first answer was there before the second request was sent, and shows its message"), c.shown, c.owner)
}

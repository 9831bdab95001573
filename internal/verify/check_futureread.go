package verify

// futureRead is the check that a window holds nothing after the own message,
// and nothing whose request had not been sent yet.
type futureRead struct{ base }

func (k *futureRead) window(w *window) {
	k.saw++
	if w.own < 0 || w.after == 0 {
		return
	}
	last := w.op.Window[len(w.op.Window)-1]
	refs := []ref{w.ref}
	if n, ok := k.texts.nonce(last.Text); ok && n != w.ref {
		refs = append(refs, n)
	}
	after := int64(w.after)
	k.report("future read", last.Seq, after,
		say("the answer to the message at seq %d shows %s after it, up to seq %d: the window was read later than the message was stored",
			w.seq, Quantity{after, "message"}, last.Seq), refs...)
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

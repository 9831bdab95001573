package verify

// duplicate is the check that one message has one seq, and one seq is
// acknowledged once. It sees each acknowledgement. Without texts it cannot tell
// a message that is in the log twice.
type duplicate struct{ base }

func (k *duplicate) window(w *window) {
	if w.own < 0 || w.equal == 0 || k.layout.inferred {
		return
	}
	k.report("equal seqs", w.seq, int64(w.equal),
		say("in one answer the seq of %s is also that of the one before", Quantity{int64(w.equal), "message"}), w.ref)
}

func (k *duplicate) sighted(r ref, rec *record, how sighting, seq int64) {
	switch {
	case how == seenTwice:
		k.report("duplicate", seq, 1, say("one message is in the log twice, at seq %d and at seq %d", rec.seq, seq), r)
	case how == seenAfterForgotten && rec.outcome != Failed:
		k.report("duplicate", seq, 1, say("a message from behind the horizon is in the log again, at seq %d", seq), r)
	}
}

func (k *duplicate) acknowledged(r ref, seq int64, c *cell) {
	if !c.is(acked) || c.owner == r || k.layout.inferred { // that windows do not fit together has been reported
		return
	}
	k.report("duplicate seq", seq, 2, say("two messages were acknowledged with the same seq %d", seq), c.owner, r)
}

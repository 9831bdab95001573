package verify

// duplicate is the check that one message has one seq, and one seq is
// acknowledged once. It sees each acknowledgement. Without texts it cannot tell
// a message that is in the log twice.
type duplicate struct {
	base
	told map[int64]bool // seqs of several messages that were reported: each counts once
}

func (k *duplicate) window(w *window) {
	if w.own < 0 || w.equal == 0 || k.layout.inferred {
		return
	}
	all := w.op.Window
	for i, e := range all[1:] {
		if e.Seq == all[i].Seq && !k.told[e.Seq] {
			k.told[e.Seq] = true
			k.report("equal seqs", e.Seq, 1, say("one answer shows two messages with the seq %d", e.Seq), w.ref)
		}
	}
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
	if !c.is(acked) || c.owner == r || k.layout.inferred || k.told[seq] { // that windows do not fit together has been reported
		return
	}
	k.told[seq] = true
	k.report("duplicate seq", seq, 2, say("two messages were acknowledged with the same seq %d", seq), c.owner, r)
}

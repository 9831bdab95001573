package verify

// writers tells our messages from those of other writers, along the log.
type writers struct {
	oursAt     int64 // the first place of a message of ours
	foreign    int64 // messages that are not of this run
	others     bool  // somebody else wrote during the run
	neighbours int64 // neighbouring seqs that different replicas acknowledged
}

func (w *writers) along(f *facts, seq int64, c *cell) {
	switch {
	case c.is(ours):
		if w.oursAt == 0 {
			w.oursAt = seq
		}
		if before := &f.walk.before; c.is(acked) && before.is(acked) && f.walk.prev == seq-1 {
			a, b := f.ops.find(before.owner), f.ops.find(c.owner)
			if a.replica != b.replica && !a.is(forgotten) && !b.is(forgotten) {
				w.neighbours++
			}
		}
	case f.cfg.Missing.Has(Text): // nobody can tell
	default:
		w.foreign++
		if w.oursAt != 0 {
			w.others = true
		}
	}
}

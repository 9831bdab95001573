package verify

// writers tell our messages from those of other writers, along the log.
type writers struct {
	cfg  *Config
	ops  *operations
	walk *walk

	oursAt     int64 // the first place of a message of ours
	foreign    int64 // messages that are not of this run
	others     bool  // somebody else wrote during the run
	neighbours int64 // neighbouring seqs that different replicas acknowledged
}

// along takes the place where the walk is: see checks.along.
func (w *writers) along(seq int64, c *cell, rec *record) {
	switch {
	case c.is(ours):
		if w.oursAt == 0 {
			w.oursAt = seq
		}
		if before := &w.walk.before; c.is(acked) && before.is(acked) && w.walk.prev == seq-1 {
			last := w.ops.find(before.owner)
			if rec != nil && !last.is(forgotten) && last.replica != rec.replica {
				w.neighbours++
			}
		}
	case w.cfg.Missing.Has(Text): // they all look alike
	default:
		w.foreign++
		if w.oursAt != 0 {
			w.others = true
		}
	}
}

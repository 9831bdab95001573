package verify

// facts are what the operations and their answers have shown so far, apart from
// any judgement. Each part of them knows only those above it. Checks read them.
type facts struct {
	cfg     Config
	layout  layout
	texts   texts
	ops     operations
	acks    acks
	log     rebuiltLog
	walk    walk
	tally   tally
	writers writers

	identities Identities // who answered at each replica
	missingOps int64      // operations missing in a stored history; below 0: it is not known how many
}

// writers are whose messages the second walk has passed.
type writers struct {
	ours       bool  // some are of this run
	foreign    int64 // how many are not
	others     bool  // somebody else wrote during the run
	neighbours int64 // neighbouring seqs that different replicas acknowledged
}

func newFacts(cfg Config) *facts {
	f := &facts{cfg: cfg, tally: newTally()}
	f.texts = newTexts(&f.cfg)
	f.ops = newOperations()
	f.log = rebuiltLog{texts: &f.texts, absent: make(map[int64]ref)}
	f.walk = walk{log: &f.log, acks: &f.acks, layout: &f.layout, windowSize: int64(cfg.WindowSize)}
	return f
}

// arrange says beforehand where messages lie.
func (f *facts) arrange(l layout) {
	f.layout = l
	if l.inferred {
		f.acks.stretches = make(map[int64]*staircase)
	}
}

// recordOf returns what is known of the operation that sent the message in c,
// nil if that is not ours or forgotten.
func (f *facts) recordOf(c *cell) *record {
	if !c.is(ours) {
		return nil
	}
	if rec := f.ops.find(c.owner); !rec.is(forgotten) {
		return rec
	}
	return nil
}

// attribute notes whose message is in c, where the walk is: see checks.along.
func (f *facts) attribute(seq int64, c *cell, rec *record) {
	w, before := &f.writers, &f.walk.before
	switch {
	case c.is(ours):
		w.ours = true
		if rec != nil && c.is(acked) && before.is(acked) && f.walk.prev == seq-1 {
			if last := f.recordOf(before); last != nil && last.replica != rec.replica {
				w.neighbours++
			}
		}
	case f.cfg.Missing.Has(Text): // they all look alike
	default:
		w.foreign++
		w.others = w.others || w.ours
	}
}

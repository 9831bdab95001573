package verify

// facts are what the operations and their answers have shown so far, apart from
// any judgement. Each part of them knows only those above it. Checks read them.
type facts struct {
	cfg    Config
	layout layout
	texts  texts
	ops    operations
	acks   acks
	log    rebuiltLog
	walk   walk
	tally  tally

	identities Identities // who answered at each replica
	missingOps int64      // operations missing in a stored history; below 0: it is not known how many
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

// attribute counts the message in c, where the walk is: see checks.along.
func (f *facts) attribute(seq int64, c *cell, rec *record) {
	t, before := &f.tally, &f.walk.before
	switch {
	case c.is(ours):
		t.ours = true
		if rec != nil && c.is(acked) && before.is(acked) && f.walk.prev == seq-1 {
			if last := f.recordOf(before); last != nil && last.replica != rec.replica {
				t.Neighbours++
			}
		}
	case f.cfg.Missing.Has(Text): // they all look alike
	default:
		t.Others++
		t.others = t.others || t.ours
	}
}

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

	ownCounts map[ref]int64 // of our messages, if Config.OwnCount, until the second walk has passed them
	hidden    int64         // messages of ours whose place shows another one too, so that the second walk passes them by

	identities Identities // who answered at each replica
	missingOps int64      // operations missing in a stored history; below 0: it is not known how many
}

func newFacts(cfg Config) *facts {
	f := &facts{cfg: cfg, tally: newTally(), ownCounts: make(map[ref]int64)}
	f.texts = newTexts(&f.cfg)
	f.ops = newOperations()
	f.log = rebuiltLog{texts: &f.texts, absent: make(map[int64]ref), skips: make(map[int64]skip)}
	f.walk = walk{
		log: &f.log, acks: &f.acks, layout: &f.layout,
		windowSize: int64(cfg.WindowSize), gapless: cfg.Gapless, ownSender: cfg.OwnSender,
	}
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

// senderOf returns the sender of the message in c, as an answer shows it or we know whom
// we sent for; below 0 if neither.
func (f *facts) senderOf(c *cell) int32 {
	if c.sender < 0 {
		if rec := f.recordOf(c); rec != nil {
			return rec.sender
		}
	}
	return c.sender
}

// attribute counts the message in c, where the walk is: see checks.along.
func (f *facts) attribute(c *cell, rec *record) {
	t, before := &f.tally, &f.walk.before
	switch {
	case c.is(ours):
		t.ours = true
		if rec != nil && c.is(acked) && before.is(acked) && f.walk.adjacent {
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

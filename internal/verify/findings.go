package verify

import (
	"cmp"
	"slices"
)

// findings are the violations found so far, with their evidence.
type findings struct {
	*facts
	results [numChecks]result
	first   *Violation // of all
	merging *Operation // the one whose window is being merged

	// As long as all answers hold messages of their own sender only, what that explains
	// is kept apart.
	mixed    bool // some answer does not
	suspects [numChecks]result
	answers  int64 // whose windows are suspect …
	last     ref   // … and the last of these

	windows map[ref][]Entry // remembered, since they cannot be read back from the log
}

// A result is what a check has found so far.
type result struct {
	count int64
	first *Violation
	worst []Violation // by Size, descending; the earlier found first
}

const (
	worstKept  = 8
	maxWindows = 1024
)

func newFindings(f *facts) *findings { return &findings{facts: f, windows: make(map[ref][]Entry)} }

// report counts a violation and keeps it, with the evidence of the operations
// refs, if it is the first of its check or among the worst.
func (f *findings) report(n Violation, refs ...ref) {
	f.keep(&f.results[n.Check], n, refs)
	if f.first == nil {
		f.first = f.results[n.Check].first
	}
}

// suspect reports a violation that explained may explain.
func (f *findings) suspect(n Violation, refs ...ref) {
	if f.mixed {
		f.report(n, refs...)
		return
	}
	if op := f.merging; op != nil && op.ref() != f.last {
		f.answers, f.last = f.answers+1, op.ref()
	}
	f.keep(&f.suspects[n.Check], n, refs)
}

// mix notes that some answer holds messages of several senders: what was suspect is
// a violation.
func (f *findings) mix() {
	f.mixed = true
	for c := range f.suspects {
		s, res := &f.suspects[c], &f.results[c]
		for _, n := range s.worst {
			f.keep(res, n, nil)
		}
		res.count += s.count - int64(len(s.worst))
		if s.first != nil {
			f.first = cmp.Or(f.first, s.first)
		}
	}
}

// explained ends the time in which anything is suspect. If all answers hold messages of
// their own sender only, though there are several, it returns a case of that and how
// many answers leave out others' messages.
func (f *findings) explained() (example *Violation, answers int64) {
	if f.mixed {
		return nil, 0
	}
	if len(f.tally.perSender) < 2 {
		f.mix()
		return nil, 0
	}
	return cmp.Or(f.suspects[LostWrite].first, f.suspects[Contiguous].first), f.answers
}

func (f *findings) keep(res *result, n Violation, refs []ref) {
	res.count++
	full := len(res.worst) == worstKept
	if full && n.Size <= res.worst[worstKept-1].Size {
		return
	}
	if f.layout.inferred {
		n.Inferred = true
		n.Why = n.Why.inferred()
	}
	for _, r := range refs {
		n.Witnesses = append(n.Witnesses, f.witness(r))
	}
	if res.first == nil {
		res.first = &n
	}
	if full {
		res.worst = res.worst[:worstKept-1]
	}
	i := len(res.worst)
	for i > 0 && res.worst[i-1].Size < n.Size {
		i--
	}
	res.worst = slices.Insert(res.worst, i, n)
}

// count is how many violations there are.
func (f *findings) count() (n int64) {
	for _, res := range f.results {
		n += res.count
	}
	return n
}

// refresh completes the evidence with what became known after it was found,
// such as how an operation ended that was still under way.
func (f *findings) refresh() {
	for _, res := range f.results {
		if res.first != nil {
			f.refreshWitnesses(res.first.Witnesses)
		}
		for _, n := range res.worst {
			f.refreshWitnesses(n.Witnesses)
		}
	}
}

func (f *findings) refreshWitnesses(witnesses []Witness) {
	for i, old := range witnesses {
		now := f.witness(ref{int32(old.Worker), int32(old.Number)})
		if now.Forgotten {
			continue
		}
		if old.Window != nil {
			now.Window = old.Window
		}
		witnesses[i] = now
	}
}

// witness puts together what is known of an operation.
func (f *findings) witness(r ref) Witness {
	rec := f.ops.find(r)
	n := Witness{
		Worker: int(r.worker), Number: int(r.number), Replica: int(rec.replica), Sentinel: rec.is(sentinel),
		Call: Elapsed(rec.call), Return: Elapsed(rec.ret), Outcome: rec.outcome.String(), Seq: rec.seq, Forgotten: rec.is(forgotten),
	}
	switch {
	case !rec.is(sent):
		n.Outcome = "never sent"
	case rec.is(forgotten):
	case !rec.is(returned):
		n.Outcome, n.Sender = "in flight", f.texts.names[rec.sender]
	default:
		n.Sender = f.texts.names[rec.sender]
		if n.Replica >= 0 && n.Replica < len(f.cfg.Replicas) {
			n.Name = f.cfg.Replicas[n.Replica]
		}
	}
	if op := f.merging; op != nil && op.ref() == r {
		n.Window = entries(op.Window)
	} else if rec.outcome == OK && rec.is(returned) {
		n.Window = f.window(r, rec)
	}
	return n
}

// window is what the answer to an operation showed: as it was remembered, or
// else read back from the log.
func (f *findings) window(r ref, rec *record) []Entry {
	if w, ok := f.windows[r]; ok {
		return w
	}
	if rec.seq == 0 {
		return nil
	}
	var w []Entry
	for s := max(1, rec.seq-int64(f.cfg.WindowSize)+1); s <= rec.seq; s++ {
		if c := f.log.cells.peek(s); c.is(seen) {
			w = append(w, f.log.entry(s, c))
		}
	}
	return w
}

// remember keeps op's window as evidence, since it cannot be read back from
// the log.
func (f *findings) remember(op *Operation, r ref) {
	if _, ok := f.windows[r]; !ok && len(f.windows) < maxWindows {
		f.windows[r] = entries(op.Window)
	}
}

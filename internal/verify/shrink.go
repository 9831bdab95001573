package verify

import (
	"fmt"
	"slices"
)

// Shrink looks for the fewest of a run's operations that are violated in the way of the
// run's counter-example: the same anomaly of the same check. It returns them in the
// order in which they came, and their verdict; nil and the run's verdict if that is not
// violated. It leaves ops as they are.
//
// Messages of operations that are left out remain in the windows of others, as messages
// of somebody else.
//
// The method is ddmin (Zeller and Hildebrandt, Simplifying and Isolating Failure-Inducing
// Input, 2002). The witnesses of the counter-example, and what they show, are tried first.
func Shrink(cfg Config, ops []*Operation) ([]*Operation, *Verdict) {
	cfg.Stream = false
	s := &shrinker{cfg: cfg, all: ops, strangers: make(map[*Entry]*Entry)}
	verdict := s.judge(ops)
	if verdict.CounterExample == nil {
		return nil, verdict
	}
	s.check, s.anomaly = verdict.CounterExample.Check, verdict.CounterExample.Anomaly

	few := make(map[ref]bool)
	for _, w := range verdict.CounterExample.Witnesses {
		few[ref{int32(w.Worker), int32(w.Number)}] = true
	}
	smallest := ops
	for range 2 { // the witnesses; and those whose messages they show
		if some := s.only(few); len(some) > 0 && s.broken(some) {
			smallest = some
			break
		}
		for _, op := range s.only(few) {
			for _, e := range op.Window {
				if r, ok := s.sender(e); ok {
					few[r] = true
				}
			}
		}
	}
	smallest = s.reduce(smallest)
	return s.without(smallest), s.judge(smallest)
}

// A shrinker judges parts of a run.
type shrinker struct {
	cfg       Config
	all       []*Operation
	strangers map[*Entry]*Entry // entries as somebody else's messages

	check   Check
	anomaly string
}

// only returns the operations in refs, in their order.
func (s *shrinker) only(refs map[ref]bool) (some []*Operation) {
	for _, op := range s.all {
		if refs[op.ref()] {
			some = append(some, op)
		}
	}
	return some
}

func (s *shrinker) broken(some []*Operation) bool {
	c := s.judge(some).Checks[s.check]
	return slices.ContainsFunc(c.Worst, func(n Violation) bool { return n.Anomaly == s.anomaly })
}

func (s *shrinker) judge(some []*Operation) *Verdict {
	v := New(s.cfg)
	v.missingOps = int64(len(s.all) - len(some)) // whatever no answer shows may be theirs
	for _, op := range s.without(some) {
		v.Return(op)
	}
	return v.Verdict()
}

// without returns some of the operations as they are without the others.
func (s *shrinker) without(some []*Operation) []*Operation {
	kept := make(map[ref]bool, len(some))
	for _, op := range some {
		kept[op.ref()] = true
	}
	strange := func(w []*Entry) []*Entry {
		if w == nil {
			return nil
		}
		seen := make([]*Entry, len(w))
		for i, e := range w {
			if seen[i] = e; !s.isKept(e, kept) {
				seen[i] = s.stranger(e)
			}
		}
		return seen
	}
	copies := make([]*Operation, len(some))
	for i, op := range some {
		alone := *op
		alone.Window, alone.Replay = strange(op.Window), strange(op.Replay)
		copies[i] = &alone
	}
	return copies
}

func (s *shrinker) isKept(e *Entry, kept map[ref]bool) bool {
	r, ok := s.sender(e)
	return !ok || kept[r]
}

func (s *shrinker) sender(e *Entry) (ref, bool) {
	n, ok := FindNonce(e.Text)
	return ref{int32(n.Worker), int32(n.Number)}, ok && n.Run == s.cfg.Run
}

func (s *shrinker) stranger(e *Entry) *Entry {
	if s.strangers[e] == nil {
		r, _ := s.sender(e)
		stranger := *e
		stranger.Text = fmt.Sprintf("(of worker %d, request %d)", r.worker, r.number)
		s.strangers[e] = &stranger
	}
	return s.strangers[e]
}

// reduce leaves out what it can, in ever smaller parts, until nothing can be left out.
func (s *shrinker) reduce(some []*Operation) []*Operation {
	for parts := 2; len(some) > 1; {
		size := (len(some) + parts - 1) / parts
		smaller := false
		for from := 0; from < len(some); from += size {
			rest := slices.Concat(some[:from], some[min(from+size, len(some)):])
			if s.broken(rest) {
				some, parts, smaller = rest, max(2, parts-1), true
				break
			}
		}
		switch {
		case smaller:
		case size == 1:
			return some
		default:
			parts = min(2*parts, len(some))
		}
	}
	return some
}

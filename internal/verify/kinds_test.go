package verify

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A foreign is a run against a server that is not ours: numbers begin anywhere, and
// widen says how far each message's is from the one before.
func foreignRun(seed uint64, widen func(i int) int64) (*simulation, []event) {
	s := newSimulation(seed, 8, 40)
	s.cfg.AnyStart = true
	events := s.run()
	shift := int64(0)
	for i, e := range s.log {
		shift += widen(i)
		e.Seq += shift
	}
	return s, events
}

// as makes the windows of a run anew: what holds, at op, of the messages up to its own.
func (s *simulation) as(events []event, window func(op *Operation, upTo []*Entry) []*Entry) {
	for _, op := range returnedOps(events) {
		if op.Window == nil {
			continue
		}
		at := slices.Index(s.log, op.Window[len(op.Window)-1])
		op.Window = window(op, s.log[:at+1])
	}
}

func last(w []*Entry, n int) []*Entry { return slices.Clone(w[max(0, len(w)-n):]) }

func ofSender(sender string, w []*Entry) (of []*Entry) {
	for _, e := range w {
		if e.Sender == sender {
			of = append(of, e)
		}
	}
	return of
}

var widths = map[string]func(i int) int64{
	"rolled-back transactions": func(i int) int64 { return int64(i % 7 / 6) },
	"auto_increment_increment": func(int) int64 { return 1 },
	"blocks":                   func(i int) int64 { return int64(i % 20 / 19 * 31) },
	"clocks":                   func(i int) int64 { return int64(4_194_304 + i*977%4096) },
}

// Numbers that nobody shows are a note, and no fault unless the server promises none.
func TestHolesAreNoFault(t *testing.T) {
	for name, widen := range widths {
		for seed := range uint64(12) {
			s := newSimulation(seed, 8, 40)
			s.cfg.AnyStart = true
			s.lose, s.refuse, s.prefix = float64(seed%3)/20, float64(seed%2)/20, int(seed)
			if seed > 9 {
				s.others = 0.2
			}
			events := s.run()
			shift := int64(0)
			for i, e := range s.log {
				shift += widen(i)
				e.Seq += shift
			}
			for mode, d := range verdicts(s.cfg, events) {
				if d.Status != Verified || d.Notes == nil && s.others == 0 {
					t.Errorf("%s, seed %d, %s: %v %v, notes %v\n%v", name, seed, mode, d.Status, d.Reasons, d.Notes, d.CounterExample)
				}
			}
			s.cfg.Gapless = true
			for mode, d := range verdicts(s.cfg, events) {
				if !slices.Contains(broken(d), Contiguous) {
					t.Errorf("%s, seed %d, %s: %v, though no holes were promised", name, seed, mode, d.Status)
				}
			}
		}
	}
}

// In a log whose numbers have holes, a message that others show and one window leaves
// out is a gap all the same.
func TestGapsBetweenHoles(t *testing.T) {
	for name, widen := range widths {
		for left := range 9 {
			s, events := foreignRun(uint64(left), widen)
			nth := 0
			s.as(events, func(op *Operation, upTo []*Entry) []*Entry {
				if nth++; nth != 200 {
					return last(upTo, 10)
				}
				at := len(upTo) - 2 - left
				return last(slices.Delete(slices.Clone(upTo), at, at+1), 10)
			})
			for mode, d := range verdicts(s.cfg, events) {
				got := broken(d)
				if !slices.Contains(got, Contiguous) || slices.ContainsFunc(got, func(c Check) bool { return c != Contiguous && c != LostWrite }) {
					t.Errorf("%s, the message %d before left out, %s: breaks %v, want a gap", name, left+1, mode, got)
				}
			}
		}
	}
}

// Windows of one sender are told as that, whatever the numbers, and nothing is lost.
func TestWindowsOfOneSender(t *testing.T) {
	widths := map[string]func(int) int64{"none": func(int) int64 { return 0 }}
	for name, widen := range widths {
		for _, anyStart := range []bool{true, false} {
			for _, missing := range []Fields{0, Sender, Sender | SenderCount, SentAt} {
				s, events := foreignRun(3, widen)
				s.cfg.AnyStart, s.cfg.Missing = anyStart, missing
				s.as(events, func(op *Operation, upTo []*Entry) []*Entry { return last(ofSender(op.Sender, upTo), 10) })
				without(missing, events)
				for mode, d := range verdicts(s.cfg, events) {
					if got := broken(d); !slices.Equal(got, []Check{Contiguous}) || d.CounterExample.Anomaly != "windows of one sender" {
						t.Errorf("%s, any start %t, without %v, %s: breaks %v\n%v", name, anyStart, missing, mode, got, d.CounterExample)
					}
				}
			}
		}
	}
}

// Where they are meant to be of one sender, that is right, and what is left out of them
// is found.
func TestWindowsOfOneSenderByDesign(t *testing.T) {
	faults := map[string]struct {
		change func(op *Operation, upTo []*Entry) []*Entry
		breaks Check
	}{
		"right": {breaks: numChecks},
		"one left out": {func(op *Operation, upTo []*Entry) []*Entry {
			w := ofSender(op.Sender, upTo)
			return last(slices.Delete(w, len(w)-3, len(w)-2), 10)
		}, Contiguous},
		"one too early": {func(op *Operation, upTo []*Entry) []*Entry {
			w := ofSender(op.Sender, upTo)
			return last(slices.Delete(w, len(w)-2, len(w)-1), 10)
		}, Contiguous},
		"another sender's": {func(_ *Operation, upTo []*Entry) []*Entry { return last(upTo, 10) }, InternalConsistency},
	}
	for name, fault := range faults {
		for width, widen := range widths {
			s, events := foreignRun(5, widen)
			s.cfg.OwnSender = true
			nth := 0
			s.as(events, func(op *Operation, upTo []*Entry) []*Entry {
				if w := ofSender(op.Sender, upTo); fault.change == nil || len(w) < 12 {
					return last(w, 10)
				}
				if nth++; nth%20 != 1 {
					return last(ofSender(op.Sender, upTo), 10)
				}
				return fault.change(op, upTo)
			})
			for mode, d := range verdicts(s.cfg, events) {
				got := broken(d)
				if fault.breaks == numChecks && d.Status != Verified || fault.breaks != numChecks && !slices.Contains(got, fault.breaks) {
					t.Errorf("%s, %s, %s: %v, breaks %v\n%v", name, width, mode, d.Status, got, d.CounterExample)
				}
			}
		}
	}
}

// The headline is the cause that explains most.
func TestHeadlineExplainsMost(t *testing.T) {
	s, events := foreignRun(7, widths["rolled-back transactions"])
	nth := 0
	s.as(events, func(op *Operation, upTo []*Entry) []*Entry {
		switch nth++; {
		case nth == 30:
			return last(s.log[:len(upTo)+1], 10) // one future read
		case nth > 20 && nth%2 == 0:
			return last(slices.Delete(slices.Clone(upTo), len(upTo)-4, len(upTo)-3), 10)
		}
		return last(upTo, 10)
	})
	for mode, d := range verdicts(s.cfg, events) {
		if d.Checks[FutureRead].Violations != 1 || d.CounterExample.Check == FutureRead || d.BeyondTask {
			t.Errorf("%s: %v in front of %d lost writes and %d gaps, and one future read", mode, d.CounterExample.Check,
				d.Checks[LostWrite].Violations, d.Checks[Contiguous].Violations)
		}
	}
}

// What the task does not name alone makes a verdict say so.
func TestBeyondTheTask(t *testing.T) {
	s, events := foreignRun(9, widths["blocks"])
	for i, e := range s.log {
		e.SentAt += int64(i%2) * 3_600_000_000
	}
	for mode, d := range verdicts(s.cfg, events) {
		if !slices.Equal(broken(d), []Check{Dates}) || d.Status != Violated || !d.BeyondTask {
			t.Errorf("%s: %v, beyond the task %t, breaks %v", mode, d.Status, d.BeyondTask, broken(d))
		}
	}
}

// A check that passes messages by has not passed, and none counts more violations than
// it has looked at.
func TestEqualSeqsHideOthers(t *testing.T) {
	s, events := foreignRun(11, widths["blocks"])
	for i := 20; i < len(s.log); i += 10 {
		s.log[i].Seq = s.log[i-1].Seq
	}
	for mode, d := range verdicts(s.cfg, events) {
		if c := d.CounterExample; c == nil || c.Check != Duplicate || c.Anomaly != "equal seqs" && c.Anomaly != "duplicate seq" {
			t.Errorf("%s: equal numbers are told as\n%v", mode, c)
		}
		for _, c := range d.Checks {
			switch c.Check {
			case Dates, Counters, RealTimeOrder:
				if !c.Partial || c.Limit.Form == "" {
					t.Errorf("%s: %v looked at %d, and does not say that it passed some by", mode, c.Check, c.Saw)
				}
			}
			if c.Violations > c.Saw {
				t.Errorf("%s: %v broken %d times in %d", mode, c.Check, c.Violations, c.Saw)
			}
		}
	}
}

// Every anomaly comes with advice, which docs/VERIFY.md has too.
func TestAdvice(t *testing.T) {
	found := map[string]bool{}
	corpus(func(_ string, cfg Config, events []event) {
		for _, c := range play(cfg, events).Verdict().Checks {
			for _, n := range c.Worst {
				found[n.Anomaly] = true
				if what, cause, mend := n.Advice(); what.Form == "" || cause.Form == "" || mend.Form == "" {
					t.Errorf("no advice for %q", n.Anomaly)
				}
			}
		}
	})
	if len(found) < 15 {
		t.Errorf("only %d anomalies: %v", len(found), found)
	}

	rows := []string{}
	for _, a := range advices {
		rows = append(rows, fmt.Sprintf("| %v | %v | %v |\n", a.what, a.cause, a.mend))
	}
	slices.Sort(rows)
	table := "\n| what you see | what is usually behind it | what usually mends it |\n|---|---|---|\n" +
		strings.Join(slices.Compact(rows), "") + "\n"
	name := filepath.Join("..", "..", "docs", "VERIFY.md")
	doc, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	begin, rest, ok := strings.Cut(string(doc), "-update -->\n")
	old, end, ok2 := strings.Cut(rest, "<!-- end of advice")
	switch {
	case !ok || !ok2:
		t.Fatalf("%s has no place for advice", name)
	case *update:
		if err := os.WriteFile(name, []byte(begin+"-update -->\n"+table+"<!-- end of advice"+end), 0o644); err != nil {
			t.Fatal(err)
		}
	case old != table:
		t.Errorf("%s has other advice; run this test with -update", name)
	}
}

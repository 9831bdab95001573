package verify

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// without takes fields out of all that a run's answers show.
func without(missing Fields, events []event) {
	copies := make(map[*Entry]*Entry)
	for _, op := range returnedOps(events) {
		op.Window = slices.Clone(op.Window)
		for i, m := range op.Window {
			if copies[m] == nil {
				kept := *m
				copies[m] = &kept
			}
			op.Window[i] = copies[m]
		}
	}
	for _, c := range copies {
		for field, clear := range map[Fields]func(){
			Seq:         func() { c.Seq = 0 },
			Sender:      func() { c.Sender = "" },
			SenderCount: func() { c.SenderCount = 0 },
			Text:        func() { c.Text = "" },
			SentAt:      func() { c.SentAt = 0 },
		} {
			if missing.Has(field) {
				clear()
			}
		}
	}
}

// A correct server passes whatever it does not show, and each check that then
// cannot be made says so.
func TestCorrectForeignServers(t *testing.T) {
	unchecked := map[Fields][]Check{
		0:                    nil,
		Seq:                  nil,
		Sender:               nil,
		SenderCount:          {Counters},
		Text:                 {AbortedRead, GarbageRead},
		SentAt:               {Dates},
		Seq | Text:           {LostWrite, AbortedRead, GarbageRead},
		Seq | Sender:         nil,
		SenderCount | SentAt: {Counters, Dates},
	}
	for missing, want := range unchecked {
		for seed := range uint64(10) {
			for _, lose := range []float64{0, 0.2, 0.7} {
				t.Run(fmt.Sprintf("%s/%d/%v", missing, seed, lose), func(t *testing.T) {
					s := newSimulation(seed, 10, 20)
					s.cfg.Senders = s.cfg.Senders[:3]
					s.lose, s.refuse, s.prefix = lose, lose/4, int(seed)*3
					if seed == 7 {
						s.others = 0.2
					}
					s.cfg.Missing = missing
					events := s.run()
					without(missing, events)
					for _, d := range []*Verdict{play(s.cfg, events).Verdict(), replay(s.cfg, events).Verdict()} {
						if d.Status != Verified {
							t.Fatalf("%v %v %v", d.Status, d.Reasons, d.CounterExample)
						}
						var got []Check
						for _, c := range d.Checks {
							if c.NotCheckable.Form != "" {
								got = append(got, c.Check)
							}
						}
						if s.others == 0 && !slices.Equal(got, want) {
							t.Errorf("not checkable: %v, want %v", got, want)
						}
						if !d.Counts.addUp() {
							t.Errorf("counts do not add up: %+v", d.Counts)
						}
					}
				})
			}
		}
	}
}

// Without seq the places are inferred, and faults are found all the same.
func TestFaultsWithoutSeq(t *testing.T) {
	storedTwice := func(apart int) fault {
		return fault{func(s *simulation, ops []*Operation) {
			at := int(own(ops[len(ops)/2]).Seq)
			again := *s.log[at-1]
			s.log = slices.Insert(slices.Clone(s.log), at+apart, &again)
			readByText(s, ops)
		}, Duplicate}
	}
	tests := map[string]fault{
		"a message skipped": {func(s *simulation, ops []*Operation) {
			op := ops[len(ops)/2]
			op.Window = slices.Delete(slices.Clone(op.Window), 4, 5)
		}, Contiguous},
		"windows of one sender": classicFaults["window of one sender"],
		"windows read too late": {func(s *simulation, ops []*Operation) {
			op := ops[len(ops)/2]
			op.Window = s.window(own(op).Seq + 2)
		}, FutureRead},
		"answered long before its place": {func(s *simulation, ops []*Operation) {
			op := ops[len(ops)-10]
			op.Call, op.Return = op.Call/4, op.Call/4+1
		}, RealTimeOrder},
		"a message stored twice":            storedTwice(2),
		"a message stored twice, far apart": storedTwice(30),
		"windows of one sender, in a log that was not empty": {func(s *simulation, ops []*Operation) {
			for _, op := range ops {
				var w []*Entry
				for i := range 10 {
					w = append(w, &Entry{Sender: op.Sender, Text: fmt.Sprint("old ", i), SenderCount: 1})
				}
				for _, e := range s.log[:own(op).Seq] {
					if e.Sender == op.Sender {
						w = append(w, e)
					}
				}
				op.Window = w[len(w)-10:]
			}
		}, Contiguous},
		"windows read before storing": {func(s *simulation, ops []*Operation) {
			for i, op := range ops {
				readEarly(s, op, own(op).Seq-1-int64(i%4))
			}
		}, Contiguous},
		"an acknowledged message lost": {func(s *simulation, ops []*Operation) {
			i := len(s.log) / 2
			s.log = slices.Delete(slices.Clone(s.log), i, i+1)
			readByText(s, ops)
		}, LostWrite},
		"two messages swapped for one reader": {func(s *simulation, ops []*Operation) {
			op := ops[len(ops)/2]
			op.Window = slices.Clone(op.Window)
			op.Window[3], op.Window[4] = op.Window[4], op.Window[3]
		}, Contiguous},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := newSimulation(1, 10, 20)
			s.cfg.Missing = Seq
			events := s.run()
			test.change(s, returnedOps(events))
			without(Seq, events)
			d := replay(s.cfg, events).Verdict()
			if !slices.Contains(broken(d), test.want) {
				t.Errorf("breaks %v, want %v among them", broken(d), test.want)
			}
			if test.want != Duplicate && slices.Contains(broken(d), Duplicate) {
				t.Errorf("a duplicate, where nothing is stored twice: %v", d.Checks[Duplicate].Worst[0])
			}
		})
	}
}

// A correct server is not blamed for what it cannot avoid: windows that do not
// join, or messages of others that look alike.
func TestNotCheckableWithoutSeq(t *testing.T) {
	window := func(text string, first, n int) (w []*Entry) {
		for i := range n {
			w = append(w, &Entry{Sender: "X", SenderCount: int64(first + i), Text: fmt.Sprint("x", first+i), SentAt: int64(first + i)})
		}
		return append(w, &Entry{Sender: "S", SenderCount: int64(first), Text: text, SentAt: int64(first + n)})
	}
	ping := func(texts ...string) (w []*Entry) {
		for _, s := range texts {
			w = append(w, &Entry{Text: s})
		}
		return w
	}
	const a, b = "[dm:AAA:0:0]", "[dm:AAA:1:0]"
	tests := map[string]struct {
		missing Fields
		windows [2][]*Entry
		calls   [2]time.Duration
		want    []Check // violated
		limit   string
	}{
		"stretches that overlap in time": {
			Seq, [2][]*Entry{window(a, 1, 9), window(b, 20, 9)}, [2]time.Duration{100, 90}, nil, "across 1 seam",
		},
		"messages that look alike": {
			Seq | Sender | SenderCount | SentAt,
			[2][]*Entry{ping("ping", a), ping("ping", a, "ping", b)}, [2]time.Duration{100, 6000}, nil, "",
		},
		"stretches in order": {
			Seq, [2][]*Entry{window(a, 20, 9), window(b, 1, 9)}, [2]time.Duration{100, 6000},
			[]Check{Counters, Dates}, "2 stretches",
		},
	}
	for name, test := range tests {
		v := New(Config{Run: "AAA", Missing: test.missing, MinOperations: -1, ClockAllowance: -1})
		for i, text := range []string{a, b} {
			v.Return(&Operation{
				Worker: i, Sender: "S", Text: text, Outcome: OK, Window: test.windows[i],
				Call: test.calls[i], Return: test.calls[i] + 3000,
			})
		}
		d := v.Verdict()
		if !slices.Equal(broken(d), test.want) || !strings.Contains(d.Checks[Counters].Limit.String(), test.limit) {
			t.Errorf("%s: breaks %v, want %v; limit %q, want %q in it\n%v",
				name, broken(d), test.want, d.Checks[Counters].Limit, test.limit, d.CounterExample)
		}
		if n := d.CounterExample; n != nil && (!n.Inferred || strings.Contains(n.Why.String(), "seq ")) {
			t.Errorf("%s: %q tells a place as if the server had", name, n.Why)
		}
	}
}

// A foreign log may begin anywhere, but only once.
func TestAnyStart(t *testing.T) {
	for _, anyStart := range []bool{true, false} {
		s := newSimulation(1, 5, 20)
		s.cfg.AnyStart = anyStart
		events := s.run()
		for _, e := range s.log {
			e.Seq += 500
		}
		d := replay(s.cfg, events).Verdict()
		if violated := d.Status == Violated; violated == anyStart {
			t.Errorf("any start %v: %v\n%v", anyStart, d.Status, d.CounterExample)
		}
	}
	for name, which := range map[string]int{"short in the middle": 50, "short near the beginning": 15} {
		s := newSimulation(1, 5, 20)
		s.cfg.AnyStart = true
		events := s.run()
		for _, op := range returnedOps(events) {
			if own(op).Seq == int64(which) {
				op.Window = op.Window[3:]
			}
		}
		for _, e := range s.log {
			e.Seq += 500
		}
		for mode, d := range verdicts(s.cfg, events) {
			if !slices.Contains(broken(d), Contiguous) {
				t.Errorf("%s, %s: breaks %v, want a gap", name, mode, broken(d))
			}
		}
	}
}

// A server may number its messages from 0. The checks ignore message 0.
func TestLogFromZero(t *testing.T) {
	for _, anyStart := range []bool{true, false} {
		s := newSimulation(1, 5, 20)
		s.cfg.AnyStart = anyStart
		events := s.run()
		for _, e := range s.log {
			e.Seq--
		}
		for mode, d := range verdicts(s.cfg, events) {
			if violated := d.Status == Violated; violated == anyStart {
				t.Errorf("any start %v, %s: %v\n%v", anyStart, mode, d.Status, d.CounterExample)
			}
		}
	}
}

// If answers show no seq, windows read long before their own message was stored
// make many places doubtful. They do not count as duplicates.
func TestEarlyWindowsAreNoDuplicates(t *testing.T) {
	for seed := range uint64(6) {
		s := newSimulation(seed, 20, 30)
		s.cfg.Missing = Seq
		events := s.run()
		rng := rand.New(rand.NewPCG(seed, 2))
		for _, op := range returnedOps(events) {
			readEarly(s, op, own(op).Seq-1-rng.Int64N(20))
		}
		without(Seq, events)
		d := replay(s.cfg, events).Verdict()
		if got := broken(d); slices.Contains(got, Duplicate) || !slices.Contains(got, LostWrite) || !slices.Contains(got, Contiguous) {
			t.Errorf("seed %d: breaks %v, want lost write and gap, and no duplicate", seed, got)
		}
	}
}

package verify

import (
	"fmt"
	"slices"
	"testing"
)

// without takes fields out of all that a run's answers show.
func without(missing Fields, events []event) {
	copies := make(map[*Entry]*Entry)
	for _, e := range events {
		if e.isCall {
			continue
		}
		w := make([]*Entry, len(e.op.Window))
		for i, m := range e.op.Window {
			c := copies[m]
			if c == nil {
				kept := *m
				c = &kept
				copies[m] = c
			}
			w[i] = c
		}
		if e.op.Window != nil {
			e.op.Window = w
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
							if c.NotCheckable != "" {
								got = append(got, c.Check)
							}
						}
						if s.others == 0 && !slices.Equal(got, want) {
							t.Errorf("not checkable: %v, want %v", got, want)
						}
						if c := d.Counts; c.Stored+c.NotStored+c.Unsettled != c.Unknown || c.Unsettled < 0 || c.NotStored < 0 {
							t.Errorf("counts do not add up: %+v", c)
						}
					}
				})
			}
		}
	}
}

// Without seq the places are inferred, and faults are found all the same.
func TestFaultsWithoutSeq(t *testing.T) {
	tests := map[string]struct {
		change func(*simulation, []*Operation)
		want   Check
	}{
		"a message skipped": {func(s *simulation, ops []*Operation) {
			op := ops[len(ops)/2]
			op.Window = slices.Delete(slices.Clone(op.Window), 4, 5)
		}, Contiguous},
		"windows of one sender": {func(s *simulation, ops []*Operation) {
			for _, op := range ops {
				var w []*Entry
				for _, e := range s.log[:op.Window[len(op.Window)-1].Seq] {
					if e.Sender == op.Sender {
						w = append(w, e)
					}
				}
				op.Window = w[max(0, len(w)-10):]
			}
		}, Contiguous},
		"windows read too late": {func(s *simulation, ops []*Operation) {
			op := ops[len(ops)/2]
			op.Window = s.window(op.Window[len(op.Window)-1].Seq + 2)
		}, FutureRead},
		"answered long before its place": {func(s *simulation, ops []*Operation) {
			op := ops[len(ops)-10]
			op.Call, op.Return = op.Call/4, op.Call/4+1
		}, RealTimeOrder},
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
			var ops []*Operation
			for _, e := range events {
				if !e.isCall {
					ops = append(ops, e.op)
				}
			}
			test.change(s, ops)
			without(Seq, events)
			d := replay(s.cfg, events).Verdict()
			if !slices.Contains(broken(d), test.want) {
				t.Errorf("breaks %v, want %v among them", broken(d), test.want)
			}
		})
	}
}

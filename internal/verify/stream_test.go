package verify

import (
	"fmt"
	"slices"
	"testing"
)

// Live, streamed and stored, the same run gets the same verdict, broken checks
// and counts, be it correct or not. A stored history with a mark after each
// operation does too, although its reader forgets as much as a reader ever may.
func TestModesAgree(t *testing.T) {
	count := uint64(3000)
	if testing.Short() {
		count = 300
	}
	check := func(cfg Config, events []event, what string) {
		t.Helper()
		all := verdicts(cfg, events)
		want := all["replay"]
		for mode, got := range all {
			if got.Status != want.Status || !slices.Equal(broken(got), broken(want)) || got.Counts != want.Counts {
				t.Fatalf("%s, %s: %v, breaks %v, %+v\nwant %v, breaks %v, %+v\n%s", what, mode,
					got.Status, broken(got), got.Counts, want.Status, broken(want), want.Counts, dump(events))
			}
		}
		if overlapsItself(events) {
			return // a run that makes marks has no such worker
		}
		cfg.Stream = true
		live, stored := New(cfg), New(cfg)
		for _, e := range events {
			if !e.isCall {
				stored.Return(e.op) // it is recorded before the Verifier learns of it
			}
			e.feed(live)
			stored.setFloor(live.Floor())
		}
		if got := stored.Verdict(); got.Status != want.Status || want.Status != Violated && got.Counts != want.Counts {
			t.Fatalf("%s, marked: %v, %+v\nwant %v, %+v\n%s", what, got.Status, got.Counts, want.Status, want.Counts, dump(events))
		}
	}
	for seed := range count {
		cfg, events, what := smallHistory(seed)
		check(cfg, events, fmt.Sprintf("seed %d (%s)", seed, what))
	}
	for seed := range count / 50 {
		s := newSimulation(seed, 12, 60)
		s.lose, s.refuse, s.prefix = 0.1, 0.1, int(seed%20)
		check(s.cfg, s.run(), fmt.Sprintf("simulation %d", seed))
	}
}

// overlapsItself reports whether a worker called again before it had an answer.
func overlapsItself(events []event) bool {
	inFlight := make(map[int]bool)
	for _, e := range events {
		if e.isCall && inFlight[e.op.Worker] {
			return true
		}
		inFlight[e.op.Worker] = e.isCall
	}
	return false
}

// A run so long that its beginning is forgotten: what is forgotten is still
// recognised when it comes back.
func TestForgottenIsRecognised(t *testing.T) {
	const n = 20_000
	tests := map[string]struct {
		text  string
		wants Check
	}{
		"stored long ago":  {Nonce{"long", 3, 0}.String(), Duplicate},
		"refused long ago": {Nonce{"long", 99, 0}.String(), AbortedRead},
		"never sent":       {Nonce{"long", 98, 7}.String(), GarbageRead},
		"stale answer":     {"", RealTimeOrder},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			cfg := longConfig()
			cfg.Stream = true
			v := New(cfg)
			// Worker 99 was refused at the very beginning, and then came often.
			for i := range 2 * pageSize {
				refused := &Operation{Worker: 99, Number: i, Sender: "x", Text: Nonce{"long", 99, i}.String(), Outcome: Failed, Return: 1}
				v.Call(refused)
				v.Return(refused)
			}
			var last *Operation
			longRun(cfg, n, func(op *Operation, isCall bool) {
				if isCall {
					v.Call(op)
					return
				}
				v.Return(op)
				kept := *op
				kept.Window = slices.Clone(op.Window)
				last = &kept
			})
			late := *last
			late.Worker, late.Number, late.Call, late.Return = 60, 0, last.Return+1, last.Return+2
			late.Text = Nonce{"long", 60, 0}.String()
			own := &Entry{Seq: n + 2, Sender: late.Sender, Text: late.Text, SenderCount: 1, SentAt: last.Window[9].SentAt}
			wrong := &Entry{Seq: n + 1, Sender: "x", Text: test.text, SenderCount: 1, SentAt: last.Window[9].SentAt}
			late.Window = append(slices.Clone(last.Window[2:]), wrong, own)
			if test.text == "" {
				own.Seq = 20
				late.Window = []*Entry{own}
			}
			v.Call(&late)
			v.Return(&late)
			if d := v.Verdict(); !slices.Contains(broken(d), test.wants) {
				t.Errorf("breaks %v, want %v among them", broken(d), test.wants)
			}
		})
	}
}

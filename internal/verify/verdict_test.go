package verify

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// What cannot have shown a fault is not called verified.
func TestInconclusive(t *testing.T) {
	tests := map[string]struct {
		change func(*Config, hand)
		reason string
	}{
		"too few":        {func(c *Config, _ hand) { c.MinOperations = 6 }, "too few operations: 5 answered"},
		"unused replica": {func(c *Config, _ hand) { c.Replicas = append(c.Replicas, "west") }, "replica 3 (west)"},
		"unused sender":  {func(c *Config, _ hand) { c.Senders = append(c.Senders, "Вера") }, "Вера"},
		"nothing at once": {func(_ *Config, h hand) {
			h["b"].Call, h["d"].Call = 11*time.Millisecond, 31*time.Millisecond
		}, "same time"},
		"no neighbours": {func(c *Config, h hand) {
			for _, op := range h {
				op.Replica = 0
			}
			h["e"].Replica = 1
			h["d"].Outcome, h["d"].Window = Unknown, nil
		}, "neighbouring"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			cfg, h := handConfig, correct()
			cfg.Replicas, cfg.Senders = slices.Clone(cfg.Replicas), slices.Clone(cfg.Senders)
			cfg.ClockAllowance = time.Second
			test.change(&cfg, h)
			d := play(cfg, h.events()).Verdict()
			if d.Status != Inconclusive || !strings.Contains(fmt.Sprint(d.Reasons), test.reason) {
				t.Errorf("%v %q, want inconclusive because of %q\n%v", d.Status, d.Reasons, test.reason, d.CounterExample)
			}
		})
	}
	// A violation counts more than what the run could not show.
	cfg, h := handConfig, correct()
	cfg.MinOperations = 1000
	h.each(5, func(e *Entry) { e.SenderCount = 9 })
	if d := play(cfg, h.events()).Verdict(); d.Status != Violated || d.Reasons != nil {
		t.Errorf("%v %q, want violated, whatever else is missing", d.Status, d.Reasons)
	}
}

// An unknown operation is settled by what the windows show, up to a sentinel.
func TestSettling(t *testing.T) {
	late := func(h hand) *Operation { // called after e
		h["f"] = handOperation(1, 2, "Boris", 41, 60)
		h["f"].Outcome = Unknown
		return h["f"]
	}
	sentinelAt := func(h hand, seq int64, call, ret int, before ...*Entry) {
		s := handOperation(9, 0, "Анна", call, ret)
		s.Sentinel = true
		s.Window = append(before, handEntry(s, seq, 4, call+1))
		h["s"] = s
	}
	tests := map[string]struct {
		change func(hand)
		want   Counts
	}{
		"seen": {func(h hand) {
			f := late(h)
			sentinelAt(h, 7, 70, 80, h.entry('e'), handEntry(f, 6, 3, 59))
		}, Counts{Stored: 1}},
		"seen before it returned": {func(h hand) { h["b"].Outcome, h["b"].Window = Unknown, nil }, Counts{Stored: 1}},
		"closed":                  {func(h hand) { late(h); sentinelAt(h, 6, 70, 80, h.entry('d'), h.entry('e')) }, Counts{NotStored: 1}},
		"no sentinel":             {func(h hand) { late(h) }, Counts{Unsettled: 1}},
		"sentinel too early": {func(h hand) {
			late(h)
			sentinelAt(h, 6, 55, 80, h.entry('d'), h.entry('e'))
		}, Counts{Unsettled: 1}},
		"a hole before the sentinel": {func(h hand) {
			f := late(h)
			x, y := h.entry('x'), h.entry('x')
			x.Seq, y.Seq, x.SentAt, y.SentAt = 7, 8, start+71_000, start+71_000
			y.SenderCount = 2
			_ = f
			sentinelAt(h, 9, 70, 80, x, y)
		}, Counts{Unsettled: 1}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			h := correct()
			test.change(h)
			for mode, d := range verdicts(handConfig, h.events()) {
				got := Counts{Stored: d.Counts.Stored, NotStored: d.Counts.NotStored, Unsettled: d.Counts.Unsettled}
				if d.Status != Verified || got != test.want {
					t.Errorf("%s: %v %+v, want verified %+v\n%v", mode, d.Status, got, test.want, d.CounterExample)
				}
			}
		})
	}
}

// A violation is seen while the run goes on.
func TestLive(t *testing.T) {
	h := correct()
	h.show("c", "bcd")
	v := New(handConfig)
	for _, e := range h.events() {
		e.feed(v)
		if l := v.Live(); e.op == h["c"] && !e.isCall && (l.Violations == 0 || l.First == nil) {
			t.Errorf("after the wrong answer: %+v", l)
		}
	}
	if l := v.Live(); l.CrossChecked == 0 {
		t.Errorf("nothing cross-checked: %+v", l)
	}
}

// A counter-example reads as a case: who, where, what each saw, and why not.
func TestCounterExampleInWords(t *testing.T) {
	h := correct()
	h.show("e", "cxe")
	text := play(handConfig, h.events()).Verdict().CounterExample.String()
	for _, want := range []string{
		"lost write", "seq 4", "north", "south", "worker 1, request 1", "worker 0, request 2", "it saw 3=", "stranger",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in:\n%s", want, text)
		}
	}
}

func TestNonce(t *testing.T) {
	n := Nonce{"k3f9", 7, 1234567}
	for _, text := range []string{
		n.String(), "привет " + n.String() + " 👋", "[dm:x [dm:k:01:2] [dm::1:2] [dm:k:1:99999999999]" + n.String(),
	} {
		if got, ok := FindNonce(text); !ok || got != n {
			t.Errorf("FindNonce(%q) = %v, %v", text, got, ok)
		}
	}
	for _, text := range []string{
		"", "[dm:", "[dm:a:1:2", "[dm:a:1:]", "[dm:a::2]", "[dm:a:01:2]", "[dm:a:1:-2]", "[dm:я:1:2]", "[DM:a:1:2]", "[dm:a:1:2147483648]",
	} {
		if got, ok := FindNonce(text); ok {
			t.Errorf("FindNonce(%q) = %v, want none", text, got)
		}
	}
}

// A stored result can be read back.
func TestNamesReadBack(t *testing.T) {
	for _, c := range Checks() {
		var got Check
		if text, _ := c.MarshalText(); got.UnmarshalText(text) != nil || got != c {
			t.Errorf("%v comes back as %v", c, got)
		}
	}
	for _, s := range []Status{Verified, Violated, Inconclusive} {
		var got Status
		if text, _ := s.MarshalText(); got.UnmarshalText(text) != nil || got != s {
			t.Errorf("%v comes back as %v", s, got)
		}
	}
	if new(Check).UnmarshalText([]byte("x")) == nil || new(Status).UnmarshalText(nil) == nil {
		t.Error("a name that is none has no error")
	}
}

// An unknown operation is settled by a sentinel that was called long enough
// after it, and a stored one by any answer.
func TestUnsettled(t *testing.T) {
	for seed := range uint64(10) {
		for _, stream := range []bool{false, true} {
			s := newSimulation(seed, 8, 40)
			s.lose, s.cfg.Stream = 0.2, stream
			events := s.run()
			v := New(s.cfg)
			for _, e := range events {
				if e.isCall && e.op.Sentinel && v.Unsettled(0) == 0 {
					t.Errorf("seed %d: nothing is unsettled before any sentinel", seed)
					break
				}
				e.feed(v)
				if e.op.Sentinel && !e.isCall {
					break // one is enough
				}
			}
			if n := v.Unsettled(0); n != 0 {
				t.Errorf("seed %d: %d are unsettled after a sentinel", seed, n)
			}
			if v.Unsettled(time.Hour) == 0 {
				t.Errorf("seed %d: none waits for a later sentinel", seed)
			}
			if d := v.Verdict(); d.Counts.Unsettled != 0 {
				t.Errorf("seed %d: Unsettled() is 0, the verdict says %+v", seed, d.Counts)
			}
		}
	}
}

package verify

import (
	"bytes"
	"slices"
	"testing"
)

// What is left is violated in the same way, nothing of it can be left out, and a stored
// history of it comes to the same verdict.
func TestShrink(t *testing.T) {
	for name, fault := range classicFaults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSimulation(4, 8, 40)
			events := s.run()
			ops := returnedOps(events)
			fault.change(s, ops)
			whole := replay(s.cfg, events).Verdict()
			few, verdict := Shrink(s.cfg, ops)
			if verdict.Status != Violated || len(few) == 0 {
				t.Fatalf("%v with %d operations", verdict.Status, len(few))
			}
			same := func(v *Verdict) bool {
				return slices.ContainsFunc(v.Checks[whole.CounterExample.Check].Worst, func(n Violation) bool {
					return n.Anomaly == whole.CounterExample.Anomaly
				})
			}
			if !same(verdict) {
				t.Errorf("%v became\n%v", whole.CounterExample, verdict.CounterExample)
			}
			if len(few) > 4 {
				t.Errorf("%d operations are left of %d", len(few), len(ops))
			}

			var file bytes.Buffer
			h := NewRecorder(&file, s.cfg)
			for _, op := range few {
				_ = h.Record(op)
			}
			h.Omit(int64(len(ops) - len(few)))
			if err := h.Close(); err != nil {
				t.Fatal(err)
			}
			read, _, err := ReadHistory(&file, nil)
			if err != nil || !same(read) {
				t.Errorf("read back: %v, %v", read, err)
			}
		})
	}
	s := newSimulation(4, 8, 40)
	if few, v := Shrink(s.cfg, returnedOps(s.run())); few != nil || v.Status == Violated {
		t.Errorf("of a correct run %d operations are left, %v", len(few), v.Status)
	}
}

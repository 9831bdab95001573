package verify

import (
	"bytes"
	"testing"
)

// Whatever a history file holds, reading it ends with an error or a verdict
// that adds up.
func FuzzReadHistory(f *testing.F) {
	for seed := range uint64(4) {
		s := newSimulation(seed, 2, 3)
		s.lose, s.refuse = 0.2, 0.1
		if seed == 3 {
			s.cfg.Missing = Seq
		}
		plain := store(f, s.cfg, s.run())
		f.Add(plain)
		f.Add(plain[:len(plain)*2/3])
		f.Add(zip(f, plain))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		if len(in) > 1<<16 {
			return
		}
		var count int64
		d, _, err := ReadHistory(bytes.NewReader(in), func(op *Operation) {
			if !op.Sentinel {
				count++
			}
		})
		if err != nil {
			return
		}
		if d.Counts.Sent != count || !d.Counts.addUp() {
			t.Errorf("%d operations, counts %+v", count, d.Counts)
		}
		if (d.Status == Violated) != (d.CounterExample != nil) {
			t.Errorf("%v with counter-example %v", d.Status, d.CounterExample)
		}
		if d.CounterExample != nil && d.CounterExample.String() == "" {
			t.Error("a counter-example without words")
		}
	})
}

// A nonce has exactly one spelling.
func FuzzNonce(f *testing.F) {
	f.Add("привет [dm:k3f9:7:41] 👋")
	f.Add("[dm:a:01:2][dm:a:1:2]")
	f.Fuzz(func(t *testing.T, text string) {
		n, ok := FindNonce(text)
		if ok && !bytes.Contains([]byte(text), []byte(n.String())) {
			t.Errorf("FindNonce(%q) = %v, which is not in it", text, n)
		}
	})
}

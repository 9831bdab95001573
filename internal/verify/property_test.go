package verify

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// A correct server is never called violated, whatever its answers do not show,
// whoever else writes to the log, and however many answers are lost.
func TestCorrectServersAreNeverViolated(t *testing.T) {
	for missing := range Seq | Sender | SenderCount | Text | SentAt + 1 {
		t.Run(fmt.Sprintf("without %s", missing), func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(150) {
				rng := rand.New(rand.NewPCG(seed, uint64(missing)))
				s := newSimulation(rng.Uint64(), 2+rng.IntN(10), 2+rng.IntN(10)*(1+rng.IntN(2)))
				s.cfg.Senders = s.cfg.Senders[:1+rng.IntN(3)]
				s.cfg.Missing = missing
				s.lose, s.refuse = []float64{0, 0.1, 0.5, 0.8, 0.95}[rng.IntN(5)], []float64{0, 0.1}[rng.IntN(2)]
				s.prefix = []int{0, 0, 1, 3, 9, 10, 25}[rng.IntN(7)]
				s.others = []float64{0, 0, 0.1, 0.9}[rng.IntN(4)]
				s.burst = []int{1, 1, 4, 15}[rng.IntN(4)]
				s.alike = rng.IntN(2) == 0
				s.impostor = rng.IntN(3) == 0
				s.second = rng.IntN(3) == 0
				events := s.run()
				without(missing, events)
				if d := replay(s.cfg, events).Verdict(); d.Status == Violated {
					t.Fatalf("seed %d, %+v:\n%v", seed, *s.settings(), d.CounterExample)
				}
			}
		})
	}
}

// settings returns the parameters that a failing case prints.
func (s *simulation) settings() *simulation {
	kept := *s
	kept.rng, kept.log, kept.counters = nil, nil, nil
	return &kept
}

package verify

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// A correct log passes, whatever befell the run.
func TestCorrectRuns(t *testing.T) {
	tests := map[string]func(*simulation){
		"plain":         func(*simulation) {},
		"unknown":       func(s *simulation) { s.lose = 0.2 },
		"refused":       func(s *simulation) { s.refuse = 0.2 },
		"much unknown":  func(s *simulation) { s.lose = 0.8 },
		"all unknown":   func(s *simulation) { s.lose = 1; s.cfg.MinOperations = -1 },
		"not empty":     func(s *simulation) { s.prefix = 37; s.lose, s.refuse = 0.1, 0.1 },
		"three before":  func(s *simulation) { s.prefix = 3 },
		"other writers": func(s *simulation) { s.others = 0.3; s.lose, s.refuse = 0.1, 0.1 },
		"many others":   func(s *simulation) { s.prefix, s.others = 50, 0.9; s.lose = 0.3 },
	}
	for name, adjust := range tests {
		for seed := range uint64(20) {
			t.Run(fmt.Sprintf("%s/%d", name, seed), func(t *testing.T) {
				s := newSimulation(seed, 12, 40)
				adjust(s)
				events := s.run()
				for mode, d := range verdicts(s.cfg, events) {
					if d.Status == Violated || d.Status == Inconclusive && name != "all unknown" {
						t.Errorf("%s: %v %v\n%v", mode, d.Status, d.Reasons, d.CounterExample)
					}
					if d.Counts.Sent != 12*40 || !d.Counts.addUp() {
						t.Errorf("%s: counts do not add up: %+v", mode, d.Counts)
					}
					if s.lose == 0.2 && d.Counts.Unsettled > 0 {
						t.Errorf("%s: %d operations are unsettled though the log is closed", mode, d.Counts.Unsettled)
					}
				}
			})
		}
	}
}

// verdicts are those of a live run, of a streamed one, and of its history.
func verdicts(cfg Config, events []event) map[string]*Verdict {
	stream := cfg
	stream.Stream = true
	return map[string]*Verdict{
		"live":   play(cfg, events).Verdict(),
		"stream": play(stream, events).Verdict(),
		"replay": replay(cfg, events).Verdict(),
	}
}

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

package verify

import (
	"fmt"
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
					if c := d.Counts; c.Sent != 12*40 || c.OK+c.Failed+c.Unknown != c.Sent ||
						c.Stored+c.NotStored+c.Unsettled != c.Unknown || c.Unsettled < 0 {
						t.Errorf("%s: counts do not add up: %+v", mode, c)
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

package main

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"time"

	"dummymessenger/internal/lab"
	"dummymessenger/internal/measure"
)

var (
	memory = figure{"peak memory", "MiB"} // VmHWM
	growth = figure{"at the end ÷ halfway", ""}
)

// filledUp measures the larger of the servers at 500 busy connections to each.
func (b *bench) filledUp(s *servers) *contender {
	loaded := b.workers(s, 500)
	return &contender{name: s.name, on: s, run: func(ctx context.Context) (sample, error) {
		// Several loads in a row, since a collector's peak is a matter of luck.
		for range b.rounds {
			if _, err := loaded.run(ctx); err != nil {
				return nil, err
			}
		}
		var most float64
		for _, p := range s.processes {
			peak, err := peakMemory(p.Pid())
			if err != nil {
				return nil, err
			}
			most = max(most, peak)
		}
		return sample{memory: most}, nil
	}}
}

// streaming measures the client over many requests.
func (b *bench) streaming() *contender {
	var watching sync.WaitGroup
	var peaks []float64 // sampled evenly in time, and so in requests
	many := load{
		args: []string{"--workers", "50", "--requests", strconv.Itoa(b.stream), "--stream"},
		started: func(p *lab.Process) {
			watching.Go(func() { peaks = watchMemory(p, 20*time.Millisecond) })
		},
	}
	return b.sends("client", b.inMemory(), many, func(run *measure.Run, s sample) error {
		watching.Wait()
		if len(peaks) < 2 {
			return fmt.Errorf("the client's memory was seen only %d times in %.1f s", len(peaks), run.Total)
		}
		s[memory] = peaks[len(peaks)-1]
		s[growth] = s[memory] / peaks[len(peaks)/2]
		return nil
	})
}

// watchMemory samples the peak memory of p until it ends.
func watchMemory(p *lab.Process, every time.Duration) (peaks []float64) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-p.Done():
			return peaks
		case <-ticker.C:
			if peak, err := peakMemory(p.Pid()); err == nil { // it may end just now
				peaks = append(peaks, peak)
			}
		}
	}
}

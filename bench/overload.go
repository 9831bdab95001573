package main

import (
	"cmp"
	"context"
	"fmt"

	"dummymessenger/internal/measure"
)

// An overload says how long the replicas' queues are, how many workers reach the
// peak and how many offer twice as much.
type overload struct {
	flags           []string // of the server
	queue           int
	peak, workers   int
	stored, refused target
}

// What is measured of an overload.
var (
	offered    = figure{"offered", "/s"}
	refusals   = figure{"refused", "/s"}
	refusedP99 = figure{"p99 of the refused", "ms"}
	late       = figure{"late or never sent", ""}
	acceptedBy = figure{"p99 of the accepted ÷ draining a full queue", ""}
)

// notStored is how the client names a refusal by a full queue.
const notStored = "status 503, not stored"

func (b *bench) overload(o overload) []wanted {
	peak := b.workers(b.ours("peak", 2, o.flags...), o.peak)
	twice := b.ours("overload", 2, append(o.flags, "--max-queue", fmt.Sprint(o.queue))...)
	overloaded := &contender{name: twice.name, on: twice, run: func(ctx context.Context) (sample, error) {
		rate := 2 * peak.samples[len(peak.samples)-1][throughput]
		args := append(b.timed(o.workers), "--rate", fmt.Sprintf("%.0f", rate))
		return b.sends(twice.name, twice, load{args: args, overload: true}, func(run *measure.Run, s sample) error {
			for _, f := range run.Failures {
				if f.Reason != notStored {
					return fmt.Errorf("%d requests ended in %q, not in %q", f.Count, f.Reason, notStored)
				}
			}
			p99 := cmp.Or(run.Service.P99, run.Service.Max) // no P99 of few
			s[offered], s[refusals] = rate, float64(run.Failed)/run.Total
			s[late] = float64(run.Late+run.Dropped) / float64(run.Sent+run.Dropped)
			s[acceptedBy] = p99 / (float64(o.queue) / (run.Throughput / 2) * 1000)
			if run.Refused != nil {
				s[refusedP99] = cmp.Or(run.Refused.P99, run.Refused.Max)
			}
			return nil
		}).run(ctx)
	}}
	return []wanted{
		{fmt.Sprintf("2 replicas with queues of %d messages, twice the peak offered: stored ÷ peak", o.queue),
			throughput, overloaded, peak, o.stored},
		{"the same: p99 of the refused, all with 503 and not_stored", refusedP99, overloaded, nil, o.refused},
		{"the same: refused", refusals, overloaded, nil, target{}},
		{"the same: offered", offered, overloaded, nil, target{}},
		{"the same: part of it that the client sent late, or could not send", late, overloaded, nil, target{}},
		// 2 is as it should be: a batch as long as the queue may go first.
		{"the same: p99 of the accepted ÷ time to drain a full queue", acceptedBy, overloaded, nil, target{}},
	}
}

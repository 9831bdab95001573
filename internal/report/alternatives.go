package report

import (
	"slices"

	"dummymessenger/internal/report/lang"
	"dummymessenger/internal/verify"
)

// alternatives say in words what the plots show, for people who cannot see them.
type alternatives struct{ Frontier, Spectrum, Scatter, Throughput string }

func (l words) alternatives(r *Result, d *plots) alternatives {
	run := r.Run
	violations := int64(0)
	if r.Verdict != nil {
		for _, c := range r.Verdict.Checks {
			violations += c.Violations
		}
	}
	a := alternatives{
		Spectrum: l.Say("Percentiles of all replicas: %s.", l.percentiles(&run.Latency)),
		Scatter: l.Say("%s; the slowest took %s ms; not answered: %s.",
			verify.Quantity{N: int64(len(d.Ops.Call)), Noun: "request"}, lang.Amount(run.Latency.Max), lang.Count(run.Failed+run.Unknown)),
	}
	if len(d.Ops.Seq) > 0 {
		a.Frontier = l.Say("%s in %s s, from seq %d to %d; %s.", verify.Quantity{N: int64(len(d.Ops.Call)), Noun: "request"},
			l.Seconds(run.Total),
			slices.Min(d.Ops.Seq), slices.Max(d.Ops.Seq), verify.Quantity{N: violations, Noun: "violation"})
	}
	if len(d.Throughput[0]) > 0 {
		sums := make([]float64, len(d.Throughput[0]))
		for _, column := range d.Throughput[1:] {
			for i := range column {
				sums[i] += column[i]
			}
		}
		a.Throughput = l.Say("From %s to %s per second, on average %s.", lang.Amount(slices.Min(sums)),
			lang.Amount(slices.Max(sums)), lang.Amount(run.Throughput))
	}
	return a
}

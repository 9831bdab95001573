package report

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"dummymessenger/internal/measure"
	"dummymessenger/internal/report/lang"
	"dummymessenger/internal/verify"
)

// A Threshold is a limit on a figure of a run, such as p99<200ms.
type Threshold struct {
	text   string
	figure thresholdFigure
	less   bool    // the figure must be less than limit, else greater
	limit  float64 // milliseconds, or a number
}

// A thresholdFigure is one that a Threshold may be about.
type thresholdFigure struct {
	name       string
	latency    bool // milliseconds, 0 if the run was too short for it
	samples    int  // how many answers it takes
	percentile bool
	of         func(*measure.Run) float64
}

// thresholdFigures are all figures. Percentiles rise.
var thresholdFigures = []thresholdFigure{
	{name: "mean", latency: true, samples: 1, of: func(r *measure.Run) float64 { return r.Latency.Mean }},
	{name: "p50", latency: true, percentile: true, samples: 20, of: func(r *measure.Run) float64 { return r.Latency.P50 }},
	{name: "p90", latency: true, percentile: true, samples: 100, of: func(r *measure.Run) float64 { return r.Latency.P90 }},
	{name: "p95", latency: true, percentile: true, samples: 200, of: func(r *measure.Run) float64 { return r.Latency.P95 }},
	{name: "p99", latency: true, percentile: true, samples: 1000, of: func(r *measure.Run) float64 { return r.Latency.P99 }},
	{name: "p999", latency: true, percentile: true, samples: 10000, of: func(r *measure.Run) float64 { return r.Latency.P999 }},
	{name: "max", latency: true, samples: 1, of: func(r *measure.Run) float64 { return r.Latency.Max }},
	{name: "throughput", samples: 1, of: func(r *measure.Run) float64 { return r.Throughput }},
	{name: "failed", samples: 1, of: func(r *measure.Run) float64 { return float64(r.Failed) }},
	{name: "unknown", samples: 1, of: func(r *measure.Run) float64 { return float64(r.Unknown) }},
}

// atLeast returns what the figure cannot be less than: a percentile is no less than a
// lower one, nor than the fastest answer. It returns 0 if nothing is known.
func (f *thresholdFigure) atLeast(r *measure.Run) float64 {
	if !f.percentile {
		return f.of(r)
	}
	least := r.Latency.Min
	for _, lower := range thresholdFigures {
		if lower.percentile && lower.samples <= f.samples {
			least = max(least, lower.of(r))
		}
	}
	return least
}

// ParseThreshold reads "NAME<LIMIT" or "NAME>LIMIT": a time for a latency
// ("p99<200ms"), a number for throughput (per second), failed and unknown.
func ParseThreshold(s string) (Threshold, error) {
	i := strings.IndexAny(s, "<>")
	if i < 0 {
		return Threshold{}, fmt.Errorf("threshold %q: write it like p99<200ms or throughput>1000", s)
	}
	name, limit := strings.TrimSpace(s[:i]), strings.TrimSpace(s[i+1:])
	at := slices.IndexFunc(thresholdFigures, func(l thresholdFigure) bool { return l.name == name })
	if at < 0 {
		var names []string
		for _, l := range thresholdFigures {
			names = append(names, l.name)
		}
		return Threshold{}, fmt.Errorf("threshold %q: the figures are %s", s, strings.Join(names, ", "))
	}
	t := Threshold{text: s, figure: thresholdFigures[at], less: s[i] == '<'}
	if t.figure.latency {
		d, err := time.ParseDuration(limit)
		if err != nil {
			return Threshold{}, fmt.Errorf("threshold %q: %q is not a time like 200ms", s, limit)
		}
		if t.less && d <= 0 {
			return Threshold{}, fmt.Errorf("threshold %q: no latency is less than %s; give a time of more than 0", s, limit)
		}
		t.limit = float64(d) / float64(time.Millisecond)
		return t, nil
	}
	n, err := strconv.ParseFloat(limit, 64)
	if err != nil || math.IsNaN(n) || math.IsInf(n, 0) {
		return Threshold{}, fmt.Errorf("threshold %q: %q is not a number", s, limit)
	}
	if t.less && n <= 0 {
		return Threshold{}, fmt.Errorf("threshold %q: nothing is less than %s; for none at all, write %s<1", s, limit, name)
	}
	t.limit = n
	return t, nil
}

// String is t as it was written.
func (t Threshold) String() string { return t.text }

// IsLatency reports whether t limits a time, and how many answers a run needs to tell.
func (t Threshold) IsLatency() (samples int, ok bool) {
	return t.figure.samples, t.figure.latency && t.less
}

// Value is t's figure of a run, and its limit, both in milliseconds if it is a latency.
func (t Threshold) Value(r *measure.Run) (value, limit float64) { return t.figure.of(r), t.limit }

// Undecided reports whether r is too short for t's figure and its other figures do not
// decide t either.
func (t Threshold) Undecided(r *measure.Run) bool {
	if !t.figure.latency || t.figure.of(r) != 0 {
		return false
	}
	least := t.figure.atLeast(r)
	return least == 0 || t.less && least < t.limit || !t.less && least <= t.limit
}

// Crossed reports whether r misses t, and how. A figure for which the run was too
// short is a miss, unless a lower percentile shows that the threshold held.
func (t Threshold) Crossed(r *measure.Run) (how verify.Sentence, crossed bool) {
	value := t.figure.of(r)
	switch {
	case t.Undecided(r):
		return verify.Sentence{Form: "%s: too few answers to tell", Args: []any{t.text}}, true
	case t.figure.latency && value == 0:
		if !t.less {
			return verify.Sentence{}, false
		}
		return verify.Sentence{Form: "%s: it was at least %s ms", Args: []any{t.text, lang.Amount(t.figure.atLeast(r))}}, true
	case t.less && value < t.limit || !t.less && value > t.limit:
		return verify.Sentence{}, false
	case t.figure.latency:
		return verify.Sentence{Form: "%s: it was %s ms", Args: []any{t.text, lang.Amount(value)}}, true
	}
	return verify.Sentence{Form: "%s: it was %s", Args: []any{t.text, lang.Count(int64(value))}}, true
}

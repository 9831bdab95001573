package report

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Threshold is a limit on a figure of a run, such as p99<200ms.
type Threshold struct {
	text  string
	name  string
	less  bool    // the figure must be less than limit, else greater
	limit float64 // milliseconds, or a number
}

var thresholdNames = []string{"mean", "p50", "p90", "p95", "p99", "p999", "max", "throughput", "failed", "unknown"}

// ParseThreshold reads "NAME<LIMIT" or "NAME>LIMIT": a time for a latency
// ("p99<200ms"), a number for throughput (per second), failed and unknown.
func ParseThreshold(s string) (Threshold, error) {
	i := strings.IndexAny(s, "<>")
	if i < 0 {
		return Threshold{}, fmt.Errorf("threshold %q: write it like p99<200ms or throughput>1000", s)
	}
	t := Threshold{text: s, name: strings.TrimSpace(s[:i]), less: s[i] == '<'}
	limit := strings.TrimSpace(s[i+1:])
	switch t.name {
	case "throughput", "failed", "unknown":
		n, err := strconv.ParseFloat(limit, 64)
		if err != nil {
			return Threshold{}, fmt.Errorf("threshold %q: %q is not a number", s, limit)
		}
		t.limit = n
	default:
		if !slices.Contains(thresholdNames, t.name) {
			return Threshold{}, fmt.Errorf("threshold %q: the figures are %s", s, strings.Join(thresholdNames, ", "))
		}
		d, err := time.ParseDuration(limit)
		if err != nil {
			return Threshold{}, fmt.Errorf("threshold %q: %q is not a time like 200ms", s, limit)
		}
		t.limit = float64(d) / float64(time.Millisecond)
	}
	return t, nil
}

// Crossed tells in words how r misses t; it is empty if r does not. A figure
// for which the run was too short is a miss: nothing shows that it held.
func (t Threshold) Crossed(r Run) string {
	var value float64
	l := r.Latency
	latency := true
	switch t.name {
	case "mean":
		value = l.Mean
	case "p50":
		value = l.P50
	case "p90":
		value = l.P90
	case "p95":
		value = l.P95
	case "p99":
		value = l.P99
	case "p999":
		value = l.P999
	case "max":
		value = l.Max
	case "throughput":
		value, latency = r.Throughput, false
	case "failed":
		value, latency = float64(r.Failed), false
	case "unknown":
		value, latency = float64(r.Unknown), false
	}
	if latency && value == 0 {
		return fmt.Sprintf("%s: too few answers to tell", t.text)
	}
	if t.less && value < t.limit || !t.less && value > t.limit {
		return ""
	}
	if latency {
		return fmt.Sprintf("%s: it was %s ms", t.text, decimal(value))
	}
	return fmt.Sprintf("%s: it was %s", t.text, Count(int64(value)))
}

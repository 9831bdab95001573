package loadtest

import (
	"math"
	"testing"
	"time"

	"dummymessenger/internal/report"
)

// Exact samples and histograms come to the same figures within a histogram's precision.
func TestRecorders(t *testing.T) {
	for _, exact := range []bool{true, false} {
		r := newRecorder(2, 2, exact)
		for i := range 2000 {
			d := time.Duration(i+1) * time.Millisecond / 10
			r.add(i%2, sample{replica: i % 2, response: 2 * d, service: d})
		}
		response, service, of := r.summaries()
		near := func(name string, got, want float64) {
			if math.Abs(got-want) > want*0.002 {
				t.Errorf("exact %t: %s = %v ms, want %v", exact, name, got, want)
			}
		}
		near("min", service.Min, 0.1)
		near("mean", service.Mean, 100.05)
		near("p50", service.P50, 100)
		near("p90", service.P90, 180)
		near("p99", service.P99, 198)
		near("max", service.Max, 200)
		near("response p50", response.P50, 200)
		near("first replica's max", of[0].Max, 399.8)
		if service.Count != 2000 || of[1].Count != 1000 {
			t.Errorf("exact %t: %d samples, %d of the second replica, want 2000 and 1000", exact, service.Count, of[1].Count)
		}
		if service.P999 != 0 || of[0].P99 == 0 {
			t.Errorf("exact %t: p99.9 of 2000 samples is %v, p99 of 1000 is %v; want none and one", exact, service.P999, of[0].P99)
		}
	}
}

func TestFewSamples(t *testing.T) {
	if got := exactSummary(nil); got != (report.Latency{}) {
		t.Errorf("summary of nothing = %+v", got)
	}
	got := exactSummary([]time.Duration{3e6, 1e6, 2e6})
	if want := (report.Latency{Count: 3, Min: 1, Mean: 2, Max: 3}); got != want {
		t.Errorf("summary = %+v, want %+v", got, want)
	}
	r := newRecorder(1, 1, false)
	if response, _, _ := r.summaries(); response != (report.Latency{}) {
		t.Errorf("summary of an empty histogram = %+v", response)
	}
}

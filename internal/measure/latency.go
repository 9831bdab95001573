package measure

import (
	"math"
	"slices"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// exactLimit is how many latencies are kept one by one. Longer runs use
// histograms.
const exactLimit = 1_000_000

// keptLatencies is how many a bounded Recorder keeps before it adds them to its
// histograms.
const keptLatencies = 1000

// enoughBeyond is how many samples must lie beyond a percentile.
const enoughBeyond = 10

// latencies are how long requests took: each of them exactly, or a histogram of
// them in microseconds to three significant digits, up to ten minutes, which
// takes 170 KB whatever their number.
type latencies struct {
	exact     []time.Duration
	counted   int                     // the first of exact that the histogram has too
	histogram *hdrhistogram.Histogram // nil until it is asked for
	forgotten bool                    // exact is not all
}

func (l *latencies) add(d time.Duration) { l.exact = append(l.exact, d) }

// distribution returns the histogram, nil if there is nothing in it.
func (l *latencies) distribution() *hdrhistogram.Histogram {
	const longest = 10 * time.Minute
	if l.histogram == nil && len(l.exact) > 0 {
		l.histogram = hdrhistogram.New(1, longest.Microseconds(), 3)
	}
	for _, d := range l.exact[l.counted:] {
		l.histogram.RecordValue(min(max(1, d.Microseconds()), longest.Microseconds())) // cannot be out of range
	}
	l.counted = len(l.exact)
	return l.histogram
}

// forget keeps the histogram only.
func (l *latencies) forget() {
	l.distribution()
	if l.exact = l.exact[:0]; cap(l.exact) > 2*keptLatencies {
		l.exact = nil // the run has been exact up to here
	}
	l.counted, l.forgotten = 0, true
}

func (l *latencies) summary() Latency {
	if l.forgotten {
		return summaryOf(l.distribution())
	}
	n := len(l.exact)
	if n == 0 {
		return Latency{}
	}
	sorted := slices.Clone(l.exact)
	slices.Sort(sorted)
	var sum time.Duration
	for _, d := range sorted {
		sum += d
	}
	return summary(int64(n), milliseconds(sorted[0]), milliseconds(sum)/float64(n), milliseconds(sorted[n-1]), func(q float64) float64 {
		return milliseconds(sorted[int64(math.Ceil(q*float64(n)-1e-6))-1]) // nearest rank
	})
}

func summaryOf(h *hdrhistogram.Histogram) Latency {
	if h == nil {
		return Latency{}
	}
	return summary(h.TotalCount(), float64(h.Min())/1000, h.Mean()/1000, float64(h.Max())/1000, func(q float64) float64 {
		return float64(h.ValueAtQuantile(q*100)) / 1000
	})
}

func summary(n int64, least, mean, most float64, quantile func(float64) float64) Latency {
	l := Latency{Count: n, Min: least, Mean: mean, Max: most}
	for _, p := range []struct {
		q  float64
		at *float64
	}{{0.5, &l.P50}, {0.9, &l.P90}, {0.95, &l.P95}, {0.99, &l.P99}, {0.999, &l.P999}} {
		if float64(n)*(1-p.q) >= enoughBeyond-1e-6 {
			*p.at = quantile(p.q)
		}
	}
	return l
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

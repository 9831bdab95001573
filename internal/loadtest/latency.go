package loadtest

import (
	"math"
	"slices"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"dummymessenger/internal/report"
)

// exactLimit is how many samples are kept one by one, 24 bytes each. Longer
// runs use histograms.
const exactLimit = 1_000_000

// enoughBeyond is how many samples must lie beyond a percentile.
const enoughBeyond = 10

// A sample is how long one request took.
type sample struct {
	replica           int
	response, service time.Duration // from when it was due; from when it was sent
}

// A histogram counts latencies in microseconds to three significant digits, up
// to ten minutes, in 170 KB whatever their number.
type histogram struct {
	mu sync.Mutex
	h  *hdrhistogram.Histogram
}

func newHistogram() *histogram {
	return &histogram{h: hdrhistogram.New(1, (10 * time.Minute).Microseconds(), 3)}
}

func (h *histogram) add(d time.Duration) {
	us := min(max(1, d.Microseconds()), (10 * time.Minute).Microseconds())
	h.mu.Lock()
	defer h.mu.Unlock()
	h.h.RecordValue(us) // cannot be out of range
}

func (h *histogram) summary() report.Latency {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := h.h.TotalCount()
	if n == 0 {
		return report.Latency{}
	}
	return summary(n, float64(h.h.Min())/1000, h.h.Mean()/1000, float64(h.h.Max())/1000, func(q float64) float64 {
		return float64(h.h.ValueAtQuantile(q*100)) / 1000
	})
}

// exactSummary sorts samples.
func exactSummary(samples []time.Duration) report.Latency {
	if len(samples) == 0 {
		return report.Latency{}
	}
	slices.Sort(samples)
	var sum time.Duration
	for _, d := range samples {
		sum += d
	}
	n := int64(len(samples))
	return summary(n, milliseconds(samples[0]), milliseconds(sum)/float64(n), milliseconds(samples[n-1]), func(q float64) float64 {
		return milliseconds(samples[int64(math.Ceil(q*float64(n)-1e-6))-1]) // nearest rank
	})
}

func summary(n int64, least, mean, most float64, quantile func(float64) float64) report.Latency {
	l := report.Latency{Count: n, Min: least, Mean: mean, Max: most}
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

// A recorder collects the latencies of a run, either as samples, each worker
// its own, or in histograms that all share.
type recorder struct {
	samples [][]sample // by worker; nil if there are histograms

	replicas          int
	response, service *histogram
	responseOf        []*histogram // by replica

	refused *histogram // service times of those that failed
}

func newRecorder(workers, replicas int, exact bool) *recorder {
	r := &recorder{replicas: replicas, refused: newHistogram()}
	if exact {
		r.samples = make([][]sample, workers)
		return r
	}
	r.response, r.service = newHistogram(), newHistogram()
	for range replicas {
		r.responseOf = append(r.responseOf, newHistogram())
	}
	return r
}

// add is called by worker only.
func (r *recorder) add(worker int, s sample) {
	if r.samples != nil {
		r.samples[worker] = append(r.samples[worker], s)
		return
	}
	r.response.add(s.response)
	r.service.add(s.service)
	r.responseOf[s.replica].add(s.response)
}

// summaries is called when all workers have ended.
func (r *recorder) summaries() (response, service report.Latency, byReplica []report.Latency) {
	if r.samples == nil {
		for _, h := range r.responseOf {
			byReplica = append(byReplica, h.summary())
		}
		return r.response.summary(), r.service.summary(), byReplica
	}
	var responses, services []time.Duration
	of := make([][]time.Duration, r.replicas)
	for _, samples := range r.samples {
		for _, s := range samples {
			responses = append(responses, s.response)
			services = append(services, s.service)
			of[s.replica] = append(of[s.replica], s.response)
		}
	}
	for _, d := range of {
		byReplica = append(byReplica, exactSummary(d))
	}
	return exactSummary(responses), exactSummary(services), byReplica
}

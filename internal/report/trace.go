package report

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"dummymessenger/internal/verify"
)

const (
	maxMarks   = 8000 // answered operations kept; beyond it every second is dropped, again and again
	maxBad     = 4000 // operations kept that were not answered
	maxBuckets = 1200
	bucketTime = 50 * time.Millisecond
)

// A mark is an operation as the plots show it.
type mark struct {
	call, ret               time.Duration
	seq                     int64 // 0: not shown
	worker, number, replica int
	outcome                 verify.Outcome
	sender, reason          string
}

func (m *mark) wait() time.Duration { return m.ret - m.call }

// A bucket is a stretch of time, by when operations returned.
type bucket struct {
	ok   []int64 // by replica
	slow mark    // the slowest answered one
}

// A Trace collects what the plots of a run need, in bounded memory: of a long
// run a sample of the answered operations, but always the slowest of each
// stretch of time and what was not answered. Its counts are exact. Sentinels
// are not looked at. Its methods may be called concurrently.
type Trace struct {
	warmup time.Duration

	mu      sync.Mutex
	begin   time.Duration // the earliest call so far
	end     time.Duration // the latest return
	any     bool
	marks   []mark
	every   int64 // one in so many answered operations is kept
	ok      int64 // answered, warm-up included
	bad     []mark
	badSeen int64
	width   time.Duration // of a bucket
	buckets []bucket
	waits   *hdrhistogram.Histogram   // all replicas, microseconds
	waitsOf []*hdrhistogram.Histogram // by replica; nil if it answered nothing
	senders map[string][]int64        // answered, by replica
	counts  []Replica                 // OK, Failed, Unknown only
	reasons map[Failure]int64
	first   time.Duration // of the measured part: the earliest call,
	last    time.Duration // and the latest return
}

// NewTrace returns a Trace of a run whose first requests, for the time of
// warmup, are not measured.
func NewTrace(warmup time.Duration) *Trace {
	return &Trace{warmup: warmup, every: 1, width: bucketTime, waits: newWaits(), senders: map[string][]int64{}, reasons: map[Failure]int64{}, first: -1}
}

func newWaits() *hdrhistogram.Histogram {
	return hdrhistogram.New(1, (10 * time.Minute).Microseconds(), 3)
}

// Add takes an operation that has returned.
func (t *Trace) Add(op *verify.Operation) {
	if op.Sentinel {
		return
	}
	m := mark{
		call: op.Call, ret: op.Return, worker: op.Worker, number: op.Number, replica: op.Replica,
		outcome: op.Outcome, sender: op.Sender, reason: op.Reason, seq: ownSeq(op),
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.any || m.call < t.begin {
		t.begin = m.call
	}
	t.any = true
	t.end = max(t.end, m.ret)
	t.addPoint(m)
	if m.call >= t.begin+t.warmup {
		t.addFigures(&m)
	}
}

// ownSeq is where an answer shows the operation's own message.
func ownSeq(op *verify.Operation) int64 {
	for _, e := range slices.Backward(op.Window) {
		if e.Text == op.Text {
			return e.Seq
		}
	}
	if n := len(op.Window); n > 0 {
		return op.Window[n-1].Seq
	}
	return 0
}

func (t *Trace) addPoint(m mark) {
	if m.outcome != verify.OK {
		t.badSeen++
		if len(t.bad) < maxBad {
			t.bad = append(t.bad, m)
		}
		return
	}
	if t.ok%t.every == 0 {
		t.marks = append(t.marks, m)
		if len(t.marks) > maxMarks {
			for i := range len(t.marks) / 2 {
				t.marks[i] = t.marks[2*i]
			}
			t.marks = t.marks[:len(t.marks)/2]
			t.every *= 2
		}
	}
	t.ok++
	for int(m.ret/t.width) >= maxBuckets {
		t.widen()
	}
	i := int(m.ret / t.width)
	for len(t.buckets) <= i {
		t.buckets = append(t.buckets, bucket{})
	}
	b := &t.buckets[i]
	b.ok = countAt(b.ok, m.replica, 1)
	if m.wait() > b.slow.wait() {
		b.slow = m
	}
	t.senders[m.sender] = countAt(t.senders[m.sender], m.replica, 1)
}

// widen makes one bucket of every two.
func (t *Trace) widen() {
	t.width *= 2
	for i := range (len(t.buckets) + 1) / 2 {
		b := t.buckets[2*i]
		if 2*i+1 < len(t.buckets) {
			other := t.buckets[2*i+1]
			for r, n := range other.ok {
				b.ok = countAt(b.ok, r, n)
			}
			if other.slow.wait() > b.slow.wait() {
				b.slow = other.slow
			}
		}
		t.buckets[i] = b
	}
	t.buckets = t.buckets[:(len(t.buckets)+1)/2]
}

func countAt(counts []int64, i int, n int64) []int64 {
	for len(counts) <= i {
		counts = append(counts, 0)
	}
	counts[i] += n
	return counts
}

func (t *Trace) addFigures(m *mark) {
	if t.first < 0 || m.call < t.first {
		t.first = m.call
	}
	t.last = max(t.last, m.ret)
	for len(t.counts) <= m.replica {
		t.counts = append(t.counts, Replica{})
		t.waitsOf = append(t.waitsOf, nil)
	}
	n := &t.counts[m.replica]
	switch m.outcome {
	case verify.OK:
		n.OK++
		us := min(max(1, m.wait().Microseconds()), (10 * time.Minute).Microseconds())
		t.waits.RecordValue(us)          // cannot be out of range
		if t.waitsOf[m.replica] == nil { // 170 KB, and a history may name any replica
			t.waitsOf[m.replica] = newWaits()
		}
		t.waitsOf[m.replica].RecordValue(us)
		return
	case verify.Failed:
		n.Failed++
	default:
		n.Unknown++
	}
	t.reasons[Failure{Outcome: m.outcome.String(), Reason: m.reason}]++
}

// Waits are the median and the 99th percentile of what the callers of answered
// requests have waited so far, in milliseconds.
func (t *Trace) Waits() (p50, p99 float64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return float64(t.waits.ValueAtQuantile(50)) / 1000, float64(t.waits.ValueAtQuantile(99)) / 1000
}

// Run is what a stored history tells of the measurements of its run.
func (t *Trace) Run(cfg verify.Config) *Run {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := &Run{ID: cfg.Run, Workers: cfg.Workers, Latency: latencyOf(t.waits)}
	if cfg.Start != 0 {
		r.Started = time.UnixMicro(cfg.Start).Add(t.begin).UTC()
	}
	if t.first >= 0 {
		r.Total = (t.last - t.first).Seconds()
	}
	for i := range max(len(cfg.Replicas), len(t.counts)) {
		replica := Replica{URL: replicaLabel(cfg.Replicas, i)}
		if i < len(t.counts) {
			n := t.counts[i]
			replica.OK, replica.Failed, replica.Unknown = n.OK, n.Failed, n.Unknown
			if t.waitsOf[i] != nil {
				replica.Latency = latencyOf(t.waitsOf[i])
			}
		}
		if r.Total > 0 {
			replica.Throughput = float64(replica.OK) / r.Total
		}
		r.OK += replica.OK
		r.Failed += replica.Failed
		r.Unknown += replica.Unknown
		r.Throughput += replica.Throughput
		r.Replicas = append(r.Replicas, replica)
	}
	r.Sent = r.OK + r.Failed + r.Unknown
	for _, name := range slices.Sorted(maps.Keys(t.senders)) {
		s := Sender{Name: name}
		for _, n := range t.senders[name] {
			s.OK += n
		}
		r.Senders = append(r.Senders, s)
	}
	for f, n := range t.reasons {
		f.Count = n
		r.Failures = append(r.Failures, f)
	}
	slices.SortFunc(r.Failures, func(a, b Failure) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Outcome, b.Outcome), cmp.Compare(a.Reason, b.Reason))
	})
	return r
}

// latencyOf leaves percentiles out that fewer than ten samples lie beyond.
func latencyOf(h *hdrhistogram.Histogram) Latency {
	n := h.TotalCount()
	if n == 0 {
		return Latency{}
	}
	ms := func(us int64) float64 { return float64(us) / 1000 }
	l := Latency{Count: n, Min: ms(h.Min()), Mean: h.Mean() / 1000, Max: ms(h.Max())}
	for _, p := range []struct {
		percent float64
		at      *float64
	}{{50, &l.P50}, {90, &l.P90}, {95, &l.P95}, {99, &l.P99}, {99.9, &l.P999}} {
		if float64(n)*(100-p.percent) >= 1000-1e-4 {
			*p.at = ms(h.ValueAtQuantile(p.percent))
		}
	}
	return l
}

func replicaLabel(names []string, i int) string {
	if i < len(names) && names[i] != "" {
		return names[i]
	}
	return "replica " + Count(int64(i+1))
}

package measure

import (
	"slices"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"dummymessenger/internal/verify"
)

const (
	maxAnswered   = 8000 // marks kept; beyond it every second is dropped, again and again
	maxUnanswered = 4000
	maxBuckets    = 1200
	bucketTime    = 50 * time.Millisecond
)

// A Mark is an operation as the plots show it.
type Mark struct {
	Call, Return            time.Duration
	Seq                     int64 // 0: not shown
	Worker, Number, Replica int
	Outcome                 verify.Outcome
	Sender, Reason          string
}

// Service is how long the operation took from when it was sent.
func (m *Mark) Service() time.Duration { return m.Return - m.Call }

// A Bucket is a stretch of time, by when operations returned.
type Bucket struct {
	OK      []int64 // by replica
	Slowest Mark    // of those answered
}

// A Trace is what the plots of a run need, in bounded memory: of a long run a
// sample of the answered operations, but always the slowest of each stretch of
// time and what was not answered. Warm-up is part of it; sentinels are not.
type Trace struct {
	Begin time.Duration // the earliest call

	Answered []Mark // one in Every
	Every    int64
	Buckets  []Bucket // the first begins at 0
	Width    time.Duration

	Unanswered     []Mark // the first ones
	UnansweredSeen int64  // how many there were

	// What was measured of answered operations: their number by sender and
	// replica, and how long they took, in microseconds from when they were due,
	// in all and at each replica. A histogram is nil if there are none.
	Senders map[string][]int64
	Waits   *hdrhistogram.Histogram
	WaitsAt []*hdrhistogram.Histogram

	begun bool
	ok    int64 // answered
}

func newTrace() *Trace { return &Trace{Every: 1, Width: bucketTime} }

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

func (t *Trace) add(m *Mark) {
	if !t.begun || m.Call < t.Begin {
		t.Begin = m.Call
	}
	t.begun = true
	if m.Outcome != verify.OK {
		t.UnansweredSeen++
		if len(t.Unanswered) < maxUnanswered {
			t.Unanswered = append(t.Unanswered, *m)
		}
		return
	}
	if t.ok%t.Every == 0 {
		t.Answered = append(t.Answered, *m)
		if len(t.Answered) > maxAnswered {
			for i := range len(t.Answered) / 2 {
				t.Answered[i] = t.Answered[2*i]
			}
			t.Answered = t.Answered[:len(t.Answered)/2]
			t.Every *= 2
		}
	}
	t.ok++
	for int(m.Return/t.Width) >= maxBuckets {
		t.widen()
	}
	i := max(0, int(m.Return/t.Width)) // a history may name any time
	for len(t.Buckets) <= i {
		t.Buckets = append(t.Buckets, Bucket{})
	}
	b := &t.Buckets[i]
	b.OK = countAt(b.OK, m.Replica, 1)
	if m.Service() > b.Slowest.Service() {
		b.Slowest = *m
	}
}

// widen makes one bucket of every two.
func (t *Trace) widen() {
	t.Width *= 2
	for i := range (len(t.Buckets) + 1) / 2 {
		b := t.Buckets[2*i]
		if 2*i+1 < len(t.Buckets) {
			other := t.Buckets[2*i+1]
			for r, n := range other.OK {
				b.OK = countAt(b.OK, r, n)
			}
			if other.Slowest.Service() > b.Slowest.Service() {
				b.Slowest = other.Slowest
			}
		}
		t.Buckets[i] = b
	}
	t.Buckets = t.Buckets[:(len(t.Buckets)+1)/2]
}

func countAt(counts []int64, i int, n int64) []int64 {
	for len(counts) <= i {
		counts = append(counts, 0)
	}
	counts[i] += n
	return counts
}

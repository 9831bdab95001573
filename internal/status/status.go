// Package status shows how a replica did in the last minutes, second by second.
//
// It counts nothing: once a second it reads what internal/metrics has counted
// anyway, so a message costs nothing more.
package status

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"dummymessenger/internal/metrics"
)

// Config is what a Recorder shows besides the metrics. Everybody who can connect sees all of it.
type Config struct {
	Version  string
	Database string // its kind
	Snapshot func() metrics.Snapshot
}

// seconds is how many are remembered.
const seconds = 300

// A Recorder remembers the last five minutes. New makes one, Run fills it.
type Recorder struct {
	cfg   Config
	began time.Time

	mu     sync.Mutex
	points []point // the last ones, one for each second
}

// A point is what happened in one second.
type point struct {
	at               time.Time // its end
	answered, failed uint64    // messages
	p50, p99         *float64  // seconds, estimated; nil if there was no message
	batch            *float64  // messages in one transaction, on average; nil if there was none
}

// New returns a Recorder of a replica that starts now.
func New(cfg Config) *Recorder {
	return &Recorder{cfg: cfg, began: time.Now()}
}

// Run remembers each second until ctx ends.
func (r *Recorder) Run(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	last, lastAt := r.cfg.Snapshot(), time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now, at := r.cfg.Snapshot(), time.Now()
		r.add(difference(last, now, at.Sub(lastAt), at))
		last, lastAt = now, at
	}
}

func (r *Recorder) add(p point) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.points) == seconds {
		r.points = append(r.points[:0], r.points[1:]...)
	}
	r.points = append(r.points, p)
}

// difference is what happened between two snapshots, a time apart that is a
// second if the machine is not too busy, as counts of one second.
func difference(a, b metrics.Snapshot, apart time.Duration, at time.Time) point {
	per := func(n uint64) uint64 { return uint64(float64(n)/apart.Seconds() + .5) }
	p := point{at: at, answered: per(b.Answered - a.Answered), failed: per(max(b.Failed, a.Failed) - a.Failed)}
	within := make([]uint64, len(b.Latency))
	for i := range within {
		within[i] = b.Latency[i] - a.Latency[i]
	}
	p.p50, p.p99 = quantile(within, .5), quantile(within, .99)
	if n := b.Batches - a.Batches; n > 0 {
		mean := (b.Batched - a.Batched) / float64(n)
		p.batch = &mean
	}
	return p
}

// quantile estimates from how many values are within each bound of
// metrics.Bounds, taking them as spread evenly between two bounds, as
// Prometheus does. What is above the last bound counts as that.
func quantile(within []uint64, q float64) *float64 {
	all := within[len(within)-1]
	if all == 0 {
		return nil
	}
	rank := q * float64(all)
	lower, below := 0.0, uint64(0)
	for i, upper := range metrics.Bounds() {
		if n := within[i]; float64(n) >= rank {
			lower += (upper - lower) * (rank - float64(below)) / float64(n-below)
			break
		}
		lower, below = upper, within[i]
	}
	return &lower
}

// answer is the JSON that the page reads. Its columns have one entry for each
// second, the newest last; times are Unix milliseconds.
type answer struct {
	Version   string `json:"version"`
	Database  string `json:"database"`
	StartedAt int64  `json:"started_at"`
	Now       int64  `json:"now"`

	Queue       int   `json:"queue"`
	Connections int64 `json:"connections"`
	Refused     int64 `json:"connections_refused"`
	Watchers    int   `json:"watchers"`
	LastSeq     int64 `json:"last_seq"`

	Seconds columns `json:"seconds"`
}

type columns struct {
	At       []int64    `json:"at"`
	Answered []uint64   `json:"answered"`
	Failed   []uint64   `json:"failed"`
	P50      []*float64 `json:"p50"`
	P99      []*float64 `json:"p99"`
	Batch    []*float64 `json:"batch"`
}

// ServeHTTP answers with everything that is remembered.
func (r *Recorder) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	now := r.cfg.Snapshot()
	a := answer{
		Version: r.cfg.Version, Database: r.cfg.Database,
		StartedAt: r.began.UnixMilli(), Now: time.Now().UnixMilli(),
		Queue: now.Queue, Connections: now.Open, Refused: now.Refused, Watchers: now.Watchers, LastSeq: now.LastSeq,
	}

	// Empty columns are arrays, too.
	c := columns{At: []int64{}, Answered: []uint64{}, Failed: []uint64{}, P50: []*float64{}, P99: []*float64{}, Batch: []*float64{}}
	r.mu.Lock()
	for _, p := range r.points {
		c.At = append(c.At, p.at.UnixMilli())
		c.Answered = append(c.Answered, p.answered)
		c.Failed = append(c.Failed, p.failed)
		c.P50 = append(c.P50, p.p50)
		c.P99 = append(c.P99, p.p99)
		c.Batch = append(c.Batch, p.batch)
	}
	r.mu.Unlock()
	a.Seconds = c

	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(a) // if this fails, the caller has gone
}

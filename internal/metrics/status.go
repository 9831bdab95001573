package metrics

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// remembered is how many seconds a Recorder shows.
const remembered = 300

// A Recorder shows how a replica did in the last five minutes, second by second. It
// counts nothing: once a second it reads what Metrics has counted anyway, so a message
// costs nothing more.
type Recorder struct {
	metrics  *Metrics
	database string
	began    time.Time

	mu      sync.Mutex
	seconds columns
}

// columns have one entry for each second, the newest last.
type columns struct {
	At       []int64    `json:"at"` // its end, in Unix milliseconds
	Answered []uint64   `json:"answered"`
	Failed   []uint64   `json:"failed"`
	P50      []*float64 `json:"p50"` // seconds, estimated; nil if there was no message
	P99      []*float64 `json:"p99"`
	Batch    []*float64 `json:"batch"` // messages in one transaction, on average; nil if there was none
}

// NewRecorder returns a Recorder of a replica that starts now, on a database of this
// kind. Everybody who can connect sees all that it shows.
func NewRecorder(m *Metrics, database string) *Recorder {
	return &Recorder{metrics: m, database: database, began: time.Now()}
}

// Run remembers each second until ctx ends.
func (r *Recorder) Run(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	last := r.metrics.snapshot()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now := r.metrics.snapshot()
		r.add(last, now)
		last = now
	}
}

// add remembers what happened between two snapshots, a second apart if the machine is
// not too busy, as counts of one second.
func (r *Recorder) add(a, b snapshot) {
	apart := b.at.Sub(a.at).Seconds()
	perSecond := func(n uint64) uint64 { return uint64(float64(n)/apart + .5) }
	within := make([]uint64, len(b.latency))
	for i := range within {
		within[i] = b.latency[i] - a.latency[i]
	}
	var batch *float64
	if n := b.batches - a.batches; n > 0 {
		batch = new((b.batched - a.batched) / float64(n))
	}

	r.mu.Lock()
	defer r.mu.Unlock()
	s := &r.seconds
	s.At = remember(s.At, b.at.UnixMilli())
	s.Answered = remember(s.Answered, perSecond(b.answered-a.answered))
	s.Failed = remember(s.Failed, perSecond(max(b.failed, a.failed)-a.failed))
	s.P50 = remember(s.P50, quantile(within, .5))
	s.P99 = remember(s.P99, quantile(within, .99))
	s.Batch = remember(s.Batch, batch)
}

func remember[T any](column []T, value T) []T {
	if len(column) == remembered {
		column = append(column[:0], column[1:]...)
	}
	return append(column, value)
}

// quantile estimates from how many values are within each bound of seconds, taking them
// as spread evenly between two bounds, as Prometheus does. What is above the last bound
// counts as that. The result is nil if there are no values.
func quantile(within []uint64, q float64) *float64 {
	all := within[len(within)-1]
	if all == 0 {
		return nil
	}
	rank := q * float64(all)
	lower, below := 0.0, uint64(0)
	for i, upper := range seconds {
		if n := within[i]; float64(n) >= rank {
			lower += (upper - lower) * (rank - float64(below)) / float64(n-below)
			break
		}
		lower, below = upper, within[i]
	}
	return &lower
}

// status is the JSON that the page reads. Times are Unix milliseconds.
type status struct {
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

// ServeHTTP answers with everything that is remembered.
func (r *Recorder) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	m := r.metrics
	s := status{
		Version: m.version, Database: r.database,
		StartedAt: r.began.UnixMilli(), Now: time.Now().UnixMilli(),
		Queue: m.queue(), Watchers: m.watchers(), LastSeq: int64(read(m.lastSeq).GetGauge().GetValue()),
	}
	s.Connections, s.Refused = m.connections()
	r.mu.Lock()
	s.Seconds = r.seconds
	body, err := json.Marshal(s) // under mu, for the columns are changed in place
	r.mu.Unlock()
	if err != nil {
		panic(err) // numbers and valid UTF-8 can be encoded
	}
	w.Header().Set("Content-Type", "application/json")
	w.Write(body)
}

// A snapshot is the counters of messages at one moment.
type snapshot struct {
	at       time.Time
	answered uint64   // messages answered with 200
	failed   uint64   // messages answered otherwise
	latency  []uint64 // of both: how many took up to seconds[i]; the last element counts all
	batches  uint64   // transactions with messages
	batched  float64  // messages in them
}

// snapshot reads the counters while they go on counting.
func (m *Metrics) snapshot() snapshot {
	route := m.routes["/messages"]
	answered := uint64(read(route.ok).GetCounter().GetValue())
	latency, batch := read(route.latency.(prometheus.Metric)).GetHistogram(), read(m.batch).GetHistogram()
	s := snapshot{at: time.Now(), answered: answered, batches: batch.GetSampleCount(), batched: batch.GetSampleSum()}
	for _, b := range latency.GetBucket() {
		s.latency = append(s.latency, b.GetCumulativeCount())
	}
	all := latency.GetSampleCount()
	s.latency = append(s.latency, all)
	s.failed = max(all, answered) - answered // they are not read at the same instant
	return s
}

func read(m prometheus.Metric) *dto.Metric {
	var read dto.Metric
	if err := m.Write(&read); err != nil {
		panic(err) // only for metrics that are malformed
	}
	return &read
}

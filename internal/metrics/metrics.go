// Package metrics counts what a replica does, for Prometheus and its own status page.
package metrics

import (
	"log/slog"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"dummymessenger/internal/groupcommit"
	"dummymessenger/internal/messenger"
	"dummymessenger/internal/program"
	"dummymessenger/internal/server"
)

const prefix = "dummymessenger_"

// Upper bounds of buckets: seconds from a quick flush to the longest wait that is
// allowed by default; messages up to the largest batch.
var (
	seconds = []float64{.0005, .001, .002, .003, .005, .0075, .01, .015, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}
	sizes   = []float64{1, 2, 5, 10, 20, 50, 100, 200, 500, 1000}
)

// Metrics are one replica's, in a registry of their own. Callers cannot make their
// labels take many values.
type Metrics struct {
	version  string
	registry *prometheus.Registry
	factory  promauto.Factory // adds to registry

	requests *prometheus.CounterVec
	routes   map[string]*route // children looked up once, not per request
	refusals map[string]prometheus.Counter
	replays  prometheus.Counter

	queueWait, lockWait, commit, batch prometheus.Histogram
	batches                            *prometheus.CounterVec
	stored                             prometheus.Counter // child of batches
	lastSeq                            prometheus.Gauge
	newest                             atomic.Int64 // date of the newest message that we stored, in Unix microseconds

	// These are called when the metrics are read.
	queue, watchers func() int
	connections     func() (open, refused int64)
}

type route struct {
	ok      prometheus.Counter  // child of requests; nil elsewhere
	latency prometheus.Observer // nil for /events, which lasts as long as the caller watches
}

// elsewhere is the label of requests that no route answers.
const elsewhere = "none"

// New returns Metrics of a replica of this build.
func New(build program.Build) *Metrics {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m := &Metrics{
		version:  build.Version,
		registry: registry,
		factory:  promauto.With(prometheus.WrapRegistererWithPrefix(prefix, registry)),
		routes:   make(map[string]*route),
		refusals: make(map[string]prometheus.Counter),

		queue:       func() int { return 0 },
		watchers:    func() int { return 0 },
		connections: func() (int64, int64) { return 0, 0 },
	}
	m.replays = m.factory.NewCounter(prometheus.CounterOpts{Name: "replays_total",
		Help: "Requests answered with the answer of an earlier one with the same Idempotency-Key."})
	m.lastSeq = m.factory.NewGauge(prometheus.GaugeOpts{Name: "last_seq",
		Help: "Newest message that this replica knows of: when it started, or stored by it since."})
	m.queueWait = m.histogram("queue_wait_seconds", "Time a message waited until it was taken into a batch.", seconds)
	m.lockWait = m.histogram("lock_wait_seconds", "Time until the log's lock was granted, or the append failed.", seconds)
	m.commit = m.histogram("commit_duration_seconds", "Time from there to the end of the transaction.", seconds)
	m.batch = m.histogram("batch_messages", "Messages in one transaction.", sizes)
	m.gauge("clock_held_seconds", "How far the newest message that this replica stored is dated ahead of this machine's clock: "+
		"the database's clock was set back, which holds the dates of new messages, or the two clocks differ. "+
		"0 until it stores one.", m.clockHeld)
	m.factory.NewGauge(prometheus.GaugeOpts{Name: "build_info", Help: "Always 1; the labels tell what runs.",
		ConstLabels: prometheus.Labels{"version": build.Version, "revision": build.Revision, "goversion": build.Go}}).Set(1)

	m.requests = m.counters("http_requests_total",
		"Requests answered, by route and status code; code 0 is a connection cut instead.", "route", "code")
	latency := m.factory.NewHistogramVec(prometheus.HistogramOpts{Name: "http_request_duration_seconds",
		Help: "Time from a request's headers to its answer.", Buckets: seconds}, []string{"route"})
	for _, path := range []string{
		"/messages", "/history", "/", "/page/", "/status", "/status.json", "/livez", "/readyz", "/metrics", "/openapi.yaml", "/docs",
	} {
		m.routes[path] = &route{m.requests.WithLabelValues(path, "200"), latency.WithLabelValues(path)}
	}
	m.routes["/events"] = &route{ok: m.requests.WithLabelValues("/events", "200")}
	m.routes[elsewhere] = &route{latency: latency.WithLabelValues(elsewhere)}

	// What alerts and the dashboard query exists before its first event, which a rate
	// would otherwise miss.
	for _, status := range server.Statuses() {
		m.requests.WithLabelValues("/messages", strconv.Itoa(status))
	}
	refusals := m.counters("refusals_total",
		"Requests answered with a problem, by reason; those to /readyz are not counted.", "reason")
	for _, reason := range server.Reasons() {
		m.refusals[reason] = refusals.WithLabelValues(reason)
	}
	m.batches = m.counters("batches_total",
		"Transactions by outcome; after unavailable and unwritable nothing was stored.", "outcome")
	m.stored = m.batches.WithLabelValues("stored")
	for kind := range messenger.Unknown + 1 {
		m.batches.WithLabelValues(outcome(kind))
	}
	return m
}

func (m *Metrics) counters(name, help string, labels ...string) *prometheus.CounterVec {
	return m.factory.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
}

func (m *Metrics) histogram(name, help string, buckets []float64) prometheus.Histogram {
	return m.factory.NewHistogram(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets})
}

// gauge adds what value returns whenever the metrics are read.
func (m *Metrics) gauge(name, help string, value func() float64) {
	m.factory.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value)
}

func (m *Metrics) clockHeld() float64 {
	return max(0, time.Until(time.UnixMicro(m.newest.Load())).Seconds())
}

// Handler answers GET /metrics.
func (m *Metrics) Handler(logger *slog.Logger) http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		ErrorLog:            slog.NewLogLogger(logger.Handler(), slog.LevelWarn),
		MaxRequestsInFlight: 4,
	})
}

// Head sets the newest message of the log at the start.
func (m *Metrics) Head(seq int64) { m.lastSeq.Set(float64(seq)) }

// Queue adds the length of the queue, which n returns.
func (m *Metrics) Queue(n func() int) {
	m.queue = n
	m.gauge("queue_length", "Messages that wait to be taken into a batch.", func() float64 { return float64(n()) })
}

// Watchers adds the number of watchers of /events, which n returns.
func (m *Metrics) Watchers(n func() int) {
	m.watchers = n
	m.gauge("watchers", "Callers who watch the log.", func() float64 { return float64(n()) })
}

// Connections adds the numbers of connections, which n returns.
func (m *Metrics) Connections(n func() (open, refused int64)) {
	m.connections = n
	m.gauge("connections", "Open connections.", func() float64 { open, _ := n(); return float64(open) })
	m.factory.NewCounterFunc(prometheus.CounterOpts{Name: "connections_refused_total",
		Help: "Connections refused because there were too many."},
		func() float64 { _, refused := n(); return float64(refused) })
}

// Certificate adds when the TLS certificate expires.
func (m *Metrics) Certificate(expiry func() time.Time) {
	m.gauge("certificate_expiry_timestamp_seconds", "When the TLS certificate expires.",
		func() float64 { return float64(expiry().Unix()) })
}

// Request is for server.Config.Observe.
func (m *Metrics) Request(r server.Request) {
	path := r.Route
	if m.routes[path] == nil {
		path = elsewhere
	}
	route := m.routes[path]
	if route.latency != nil {
		route.latency.Observe(r.Took.Seconds())
	}
	if r.Status == http.StatusOK && route.ok != nil {
		route.ok.Inc()
	} else {
		m.requests.WithLabelValues(path, strconv.Itoa(r.Status)).Inc()
	}
	if refused, ok := m.refusals[r.Reason]; ok && path != "/readyz" {
		refused.Inc()
	}
	if r.Replayed {
		m.replays.Inc()
	}
}

// Commit is for groupcommit.Config.Observe.
func (m *Metrics) Commit(c groupcommit.Commit) {
	m.lockWait.Observe(c.LockWait.Seconds())
	for _, wait := range c.Waits {
		m.queueWait.Observe(wait.Seconds())
	}
	if c.Err != nil {
		m.batches.WithLabelValues(outcome(messenger.KindOf(c.Err))).Inc()
	} else if c.Size > 0 {
		m.stored.Inc()
	}
	if c.Size > 0 {
		m.batch.Observe(float64(c.Size))
		m.commit.Observe(c.Took.Seconds())
	}
	if c.Head > 0 {
		m.lastSeq.Set(float64(c.Head))
		m.newest.Store(c.SentAt.UnixMicro())
	}
}

func outcome(kind messenger.Kind) string {
	switch kind {
	case messenger.Unavailable:
		return "unavailable"
	case messenger.Unwritable:
		return "unwritable"
	}
	return "unknown"
}

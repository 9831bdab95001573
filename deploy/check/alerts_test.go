package check

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/util/annotations"
	"go.yaml.in/yaml/v3"

	"dummymessenger/internal/groupcommit"
	"dummymessenger/internal/messenger"
	"dummymessenger/internal/metrics"
	"dummymessenger/internal/program"
	"dummymessenger/internal/server"
)

// A replica is one of ours, whose database does as the test says.
type replica struct {
	metrics http.Handler
	front   http.Handler
	store   *store
	refused int64 // connections
	expiry  time.Time
	defect  atomic.Bool // the log fails in a way that nobody foresaw
}

// A store is a log that keeps nothing but numbers.
type store struct {
	messenger.Store // of which nothing else is called

	mu    sync.Mutex
	seq   int64
	fails error
	slow  time.Duration // a commit
	held  time.Duration // the lock, by somebody else
	ahead time.Duration // the clock
}

func (s *store) Append(ctx context.Context, take func() []messenger.Draft) (messenger.Appended, error) {
	s.mu.Lock()
	fails, slow, held, ahead := s.fails, s.slow, s.held, s.ahead
	s.mu.Unlock()
	time.Sleep(held)
	var appended messenger.Appended
	if messenger.KindOf(fails) == messenger.Unavailable {
		return appended, fails
	}
	drafts := take()
	time.Sleep(slow)
	if fails != nil {
		return appended, fails
	}
	for _, d := range drafts {
		s.seq++
		appended.Results = append(appended.Results, messenger.Result{Message: messenger.Message{
			Seq: s.seq, Sender: d.Sender, SenderCount: s.seq, Text: d.Text, SentAt: time.Now().Add(ahead)}})
	}
	return appended, nil
}

func (s *store) set(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

type appendFunc func(ctx context.Context, d messenger.Draft) (messenger.Answer, error)

func (f appendFunc) Append(ctx context.Context, d messenger.Draft) (messenger.Answer, error) {
	return f(ctx, d)
}

// newReplica returns a replica that works until ctx ends.
func newReplica(ctx context.Context) *replica {
	logger := slog.New(slog.DiscardHandler)
	counted := metrics.New(program.Build{Version: "test"})
	r := &replica{store: &store{}, expiry: time.Now().AddDate(0, 3, 0), metrics: counted.Handler(logger)}
	combiner := groupcommit.New(groupcommit.Config{Store: r.store, Encode: server.AppendMessage, Observe: counted.Commit})
	go combiner.Run(ctx)
	r.front = server.New(server.Config{
		Log: appendFunc(func(ctx context.Context, d messenger.Draft) (messenger.Answer, error) {
			if r.defect.Load() {
				return messenger.Answer{}, errors.New("unforeseen")
			}
			return combiner.Append(ctx, d)
		}),
		Logger: logger, Observe: counted.Request, RequestTimeout: 5 * time.Second,
		Authorized: func(token string) bool { return token == "right" },
	}).Handler()
	counted.Queue(combiner.Waiting)
	counted.Watchers(func() int { return 0 })
	counted.Connections(func() (int64, int64) { return 1, r.refused })
	counted.Certificate(func() time.Time { return r.expiry })
	return r
}

// post sends a message and waits for the answer.
func (r *replica) post(token string) {
	request := httptest.NewRequest("POST", "/messages", strings.NewReader(`{"sender":"a","text":"b"}`))
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+token)
	r.front.ServeHTTP(httptest.NewRecorder(), request)
}

// A history is what Prometheus has scraped: the samples of each series.
type history map[string]*storageSeries

type storageSeries struct {
	labels  labels.Labels
	samples []chunks.Sample
}

// scrape reads /metrics as the Prometheus of our example does.
func (h history) scrape(t *testing.T, r *replica) {
	t.Helper()
	w := httptest.NewRecorder()
	r.metrics.ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	now := model.TimeFromUnixNano(time.Now().UnixNano())
	decoder := expfmt.SampleDecoder{
		Dec:  expfmt.NewDecoder(bufio.NewReader(w.Body), expfmt.NewFormat(expfmt.TypeTextPlain)),
		Opts: &expfmt.DecodeOptions{Timestamp: now},
	}
	for {
		var vector model.Vector
		if err := decoder.Decode(&vector); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
		for _, s := range vector {
			b := labels.NewScratchBuilder(8)
			for name, value := range s.Metric {
				b.Add(string(name), string(value))
			}
			b.Add("instance", "127.0.0.1:8001")
			b.Add("job", "dummymessenger")
			b.Sort()
			l := b.Labels()
			if h[l.String()] == nil {
				h[l.String()] = &storageSeries{labels: l}
			}
			h[l.String()].samples = append(h[l.String()].samples, sample{int64(now), float64(s.Value)})
		}
	}
}

// A sample is a value at a time in Unix milliseconds.
type sample struct {
	t int64
	f float64
}

func (s sample) T() int64                      { return s.t }
func (s sample) ST() int64                     { return 0 }
func (s sample) F() float64                    { return s.f }
func (s sample) H() *histogram.Histogram       { return nil }
func (s sample) FH() *histogram.FloatHistogram { return nil }
func (s sample) Type() chunkenc.ValueType      { return chunkenc.ValFloat }
func (s sample) Copy() chunks.Sample           { return s }

// Querier implements storage.Queryable.
func (h history) Querier(int64, int64) (storage.Querier, error) {
	return &storage.MockQuerier{SelectMockFunction: func(_ bool, _ *storage.SelectHints, matchers ...*labels.Matcher) storage.SeriesSet {
		found := &seriesSet{at: -1}
		for _, s := range h {
			if matches(s.labels, matchers) {
				found.series = append(found.series, storage.NewListSeries(s.labels, s.samples))
			}
		}
		return found
	}}, nil
}

func matches(l labels.Labels, matchers []*labels.Matcher) bool {
	for _, m := range matchers {
		if !m.Matches(l.Get(m.Name)) {
			return false
		}
	}
	return true
}

type seriesSet struct {
	series []storage.Series
	at     int
}

func (s *seriesSet) Next() bool                        { s.at++; return s.at < len(s.series) }
func (s *seriesSet) At() storage.Series                { return s.series[s.at] }
func (s *seriesSet) Err() error                        { return nil }
func (s *seriesSet) Warnings() annotations.Annotations { return nil }

// An alert is one of our rules.
type alert struct {
	Alert, Expr string
	For         string
}

func alerts(t *testing.T) (all []alert) {
	t.Helper()
	var file struct{ Groups []struct{ Rules []alert } }
	read(t, "deploy/prometheus/alerts.yml", &file, yaml.Unmarshal)
	for _, group := range file.Groups {
		all = append(all, group.Rules...)
	}
	return all
}

// fires reports whether a fires at some time from began to now, evaluated as often
// as in our example.
func (h history) fires(t *testing.T, a alert, began time.Time) bool {
	t.Helper()
	const step = 15 * time.Second
	pending, err := model.ParseDuration("0s")
	if a.For != "" {
		pending, err = model.ParseDuration(a.For)
	}
	if err != nil {
		t.Fatal(err)
	}
	engine := promql.NewEngine(promql.EngineOpts{
		MaxSamples: 1e7, Timeout: time.Hour, LookbackDelta: 5 * time.Minute, Parser: parser.NewParser(parser.Options{}),
	})
	defer engine.Close()
	query, err := engine.NewRangeQuery(t.Context(), h, nil, a.Expr, began, time.Now(), step)
	if err != nil {
		t.Fatalf("%s: %v", a.Alert, err)
	}
	defer query.Close()
	result := query.Exec(t.Context())
	matrix, err := result.Matrix()
	if err != nil {
		t.Fatalf("%s: %v", a.Alert, err)
	}
	for _, series := range matrix {
		var since, last int64
		for _, p := range series.Floats {
			if last == 0 || p.T-last > step.Milliseconds() {
				since = p.T
			}
			if last = p.T; p.T-since >= time.Duration(pending).Milliseconds() {
				return true
			}
		}
	}
	return false
}

// Each alert is evaluated by Prometheus' own engine on what a replica of ours shows.
// None fires while all is well; each fires at its trouble, also at the first burst,
// which lies between two scrapes.
func TestAlertsFire(t *testing.T) {
	fail := func(kind messenger.Kind) func(*replica) {
		return func(r *replica) {
			r.store.set(func() { r.store.fails = &messenger.Error{Kind: kind, Err: errors.New("made up by this test")} })
		}
	}
	const scrape, burst = 15 * time.Second, 10 * time.Second
	troubles := map[string]struct {
		lasts  time.Duration
		begin  func(*replica)
		second func(*replica) // what happens in each second of it
	}{
		"DatabaseRefuses":     {burst, fail(messenger.Unwritable), nil},
		"DatabaseUnavailable": {burst, fail(messenger.Unavailable), nil},
		"OutcomesUnknown":     {burst, fail(messenger.Unknown), nil},
		"CallersToldUnknown":  {burst, fail(messenger.Unknown), nil},
		"QueueLong": {90 * time.Second, func(r *replica) { r.store.set(func() { r.store.held = 2 * time.Minute }) }, func(r *replica) {
			for range 500 {
				go r.post("right")
			}
		}},
		"Overloaded": {burst, func(r *replica) { r.store.set(func() { r.store.held = 4 * time.Second }) }, func(r *replica) {
			for range 3000 {
				go r.post("right")
			}
		}},
		"Unauthorized": {burst, nil, func(r *replica) {
			for range 60 {
				r.post("wrong")
			}
		}},
		"UnforeseenError":    {burst, func(r *replica) { r.defect.Store(true) }, nil},
		"CommitsSlow":        {15 * time.Minute, func(r *replica) { r.store.set(func() { r.store.slow = 300 * time.Millisecond }) }, nil},
		"ConnectionsRefused": {burst, func(r *replica) { r.refused++ }, nil},
		"CertificateEnds":    {burst, func(r *replica) { r.expiry = time.Now().AddDate(0, 0, 10) }, nil},
		"ClockHeld":          {2 * time.Minute, func(r *replica) { r.store.set(func() { r.store.ahead = time.Hour }) }, nil},
		"FileDescriptors":    {scrape, func(*replica) { lowerFileLimit(t) }, nil},
	}
	all := alerts(t)
	for _, a := range all {
		t.Run(a.Alert, func(t *testing.T) {
			trouble, ok := troubles[a.Alert]
			if !ok {
				t.Fatal("this test does not know how to bring it about")
			}
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				r, seen, start := newReplica(ctx), history{}, time.Now()
				run := func(lasts time.Duration, second func(*replica)) {
					for end := time.Now().Add(lasts); time.Now().Before(end); time.Sleep(time.Second) {
						synctest.Wait()
						if int(time.Since(start).Seconds())%int(scrape.Seconds()) == 0 {
							seen.scrape(t, r)
						}
						go r.post("right")
						if second != nil {
							second(r)
						}
					}
				}
				run(10*time.Minute+time.Second, nil) // a scrape has just been
				for _, other := range all {
					if seen.fires(t, other, start) {
						t.Errorf("%s fires while all is well", other.Alert)
					}
				}
				began := time.Now()
				if trouble.begin != nil {
					trouble.begin(r)
				}
				run(trouble.lasts, trouble.second)
				r.defect.Store(false)
				r.store.set(func() { r.store.fails, r.store.slow, r.store.held = nil, 0, 0 })
				run(time.Minute, nil)
				if !seen.fires(t, a, began) {
					t.Error("it does not fire at its trouble")
				}
			})
		})
	}
	if len(all) != len(troubles) {
		t.Errorf("%d alerts, %d troubles", len(all), len(troubles))
	}
}

// lowerFileLimit lets the process open hardly more files than it has open.
func lowerFileLimit(t *testing.T) {
	t.Helper()
	for range 50 { // so that a few more or less make no difference
		file, err := os.Open(os.DevNull)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { file.Close() })
	}
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip(err)
	}
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	lower := syscall.Rlimit{Cur: uint64(len(open)) + 3, Max: limit.Max}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &lower); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
			t.Error(err)
		}
	})
}

// Whatever an alert or the dashboard selects is there before the first request.
func TestSeriesAreThereFromTheStart(t *testing.T) {
	var dashboard struct {
		Panels []struct{ Targets []struct{ Expr string } }
	}
	read(t, "deploy/grafana/dashboard.json", &dashboard, json.Unmarshal)
	var expressions []string
	for _, a := range alerts(t) {
		expressions = append(expressions, a.Expr)
	}
	for _, panel := range dashboard.Panels {
		for _, target := range panel.Targets {
			expressions = append(expressions, grafana.Replace(target.Expr))
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	seen := history{}
	seen.scrape(t, newReplica(ctx))
	for _, expression := range expressions {
		parsed, err := parser.NewParser(parser.Options{}).ParseExpr(expression)
		if err != nil {
			t.Fatal(err)
		}
		parser.Inspect(parsed, func(node parser.Node, _ []parser.Node) error {
			selector, ok := node.(*parser.VectorSelector)
			if !ok {
				return nil
			}
			for _, s := range seen {
				if matches(s.labels, selector.LabelMatchers) {
					return nil
				}
			}
			t.Errorf("%s is not in /metrics at the start", selector)
			return nil
		})
	}
}

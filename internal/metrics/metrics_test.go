package metrics

import (
	"errors"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"dummymessenger/internal/groupcommit"
	"dummymessenger/internal/messenger"
	"dummymessenger/internal/program"
	"dummymessenger/internal/server"
)

func TestMetrics(t *testing.T) {
	m := New(program.Build{Version: "v1.2.3", Revision: "abc"})
	m.Head(9)
	if got := testutil.ToFloat64(m.lastSeq); got != 9 {
		t.Errorf("last_seq at the start = %v, want 9", got)
	}
	m.Queue(func() int { return 7 })
	m.Connections(func() (int64, int64) { return 5, 2 })
	m.Certificate(func() time.Time { return time.Unix(1_900_000_000, 0) })

	m.Request(server.Request{Route: "/messages", Status: 200, Took: 2 * time.Millisecond})
	m.Request(server.Request{Route: "/messages", Status: 200, Took: 40 * time.Millisecond, Replayed: true})
	m.Request(server.Request{Route: "/messages", Status: 503, Reason: "overloaded"})
	m.Request(server.Request{Route: "/readyz", Status: 503, Reason: "database-unavailable"})
	m.Request(server.Request{Status: 404, Reason: "not-found"})

	m.Commit(groupcommit.Commit{Size: 3, Waits: make([]time.Duration, 3), LockWait: time.Millisecond, Took: time.Millisecond, Head: 12})
	m.Commit(groupcommit.Commit{LockWait: time.Millisecond, Err: &messenger.Error{Kind: messenger.Unavailable}})
	m.Commit(groupcommit.Commit{Size: 2, Waits: make([]time.Duration, 2), Err: errors.New("unforeseen")})
	m.Commit(groupcommit.Commit{}) // everybody had gone

	if got := m.clockHeld(); got != 0 {
		t.Errorf("before any message is stored, the clock is held for %v s", got)
	}
	m.Commit(groupcommit.Commit{Size: 1, Waits: make([]time.Duration, 1), Head: 12, SentAt: time.Now().Add(time.Hour)})
	if got := m.clockHeld(); got < 3500 || got > 3600 {
		t.Errorf("an hour ahead, the clock is held for %v s", got)
	}

	w := httptest.NewRecorder()
	m.Handler(slog.New(slog.DiscardHandler)).ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	got := w.Body.String()
	for _, want := range []string{
		`dummymessenger_http_requests_total{code="200",route="/messages"} 2`,
		`dummymessenger_http_requests_total{code="503",route="/messages"} 1`,
		`dummymessenger_http_requests_total{code="404",route="none"} 1`,
		`dummymessenger_http_request_duration_seconds_bucket{route="/messages",le="0.05"} 3`,
		`dummymessenger_http_requests_total{code="504",route="/messages"} 0`,
		`dummymessenger_refusals_total{reason="overloaded"} 1`,
		`dummymessenger_refusals_total{reason="database-unavailable"} 0`,
		`dummymessenger_refusals_total{reason="not-found"} 1`,
		`dummymessenger_replays_total 1`,
		`dummymessenger_queue_length 7`,
		`dummymessenger_queue_wait_seconds_count 6`,
		`dummymessenger_lock_wait_seconds_count 5`,
		`dummymessenger_commit_duration_seconds_count 3`,
		`dummymessenger_batch_messages_sum 6`,
		`dummymessenger_batches_total{outcome="stored"} 2`,
		`dummymessenger_batches_total{outcome="unavailable"} 1`,
		`dummymessenger_batches_total{outcome="unknown"} 1`,
		`dummymessenger_last_seq 12`,
		`dummymessenger_connections 5`,
		`dummymessenger_connections_refused_total 2`,
		`dummymessenger_certificate_expiry_timestamp_seconds 1.9e+09`,
		`dummymessenger_build_info{goversion="",revision="abc",version="v1.2.3"} 1`,
		`go_goroutines `,
	} {
		if !strings.Contains(got, want+"\n") && !strings.Contains(got, "\n"+want) {
			t.Errorf("the metrics lack %s", want)
		}
	}
	problems, err := testutil.GatherAndLint(m.registry)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if strings.HasPrefix(p.Metric, prefix) {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
	if t.Failed() {
		t.Log(got)
	}
}

// BenchmarkRequest and BenchmarkCommit are what a request and a batch of 25 pay.
func BenchmarkRequest(b *testing.B) {
	m := New(program.Build{})
	b.ReportAllocs()
	for b.Loop() {
		m.Request(server.Request{Route: "/messages", Status: 200, Took: 3 * time.Millisecond})
	}
}

func BenchmarkCommit(b *testing.B) {
	m := New(program.Build{})
	c := groupcommit.Commit{Size: 25, Waits: make([]time.Duration, 25), LockWait: time.Millisecond, Took: time.Millisecond, Head: 1}
	b.ReportAllocs()
	for b.Loop() {
		m.Commit(c)
	}
}

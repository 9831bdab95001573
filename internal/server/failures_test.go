package server

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"dummymessenger/internal/messenger"
)

// slowLog takes d for each message.
func slowLog(t *testing.T, d time.Duration) Appender {
	log := newLog(t)
	return appendFunc(func(ctx context.Context, draft messenger.Draft) (messenger.Answer, error) {
		select {
		case <-time.After(d):
		case <-ctx.Done():
		}
		return log.Append(ctx, draft)
	})
}

const goodBody = `{"sender":"a","text":"top secret text"}`

func TestFailures(t *testing.T) {
	cause := errors.New("pq: password=hunter2 at 10.0.0.1")
	for _, tt := range []struct {
		err        error
		status     int
		name       string
		outcome    string
		detail     string
		retryAfter string
		logged     bool
	}{
		{cause, 500, "internal", "unknown", "unexpected", "", true},
		{&messenger.Error{Kind: messenger.Internal, Err: cause}, 500, "internal", "unknown", "unexpected", "", true},
		{&messenger.Error{Kind: messenger.Malformed, Err: cause}, 400, "malformed-request", "not_stored", "form", "", false},
		{&messenger.Error{Kind: messenger.Invalid, Err: cause}, 422, "invalid-message", "not_stored", "value", "", false},
		{&messenger.Error{Kind: messenger.KeyReused, Err: cause}, 422, "idempotency-key-reused", "not_stored", "new key", "", false},
		{&messenger.Error{Kind: messenger.Overloaded, Err: cause}, 503, "overloaded", "not_stored", "too many", "1", false},
		{&messenger.Error{Kind: messenger.Unavailable, Err: cause}, 503, "database-unavailable", "not_stored", "try again", "1", true},
		{&messenger.Error{Kind: messenger.Unavailable, Detail: "come <back> soon", Err: cause},
			503, "database-unavailable", "not_stored", "come <back> soon", "1", true},
		{&messenger.Error{Kind: messenger.Unwritable, Err: cause}, 503, "database-unwritable", "not_stored", "refuses", "5", true},
		{&messenger.Error{Kind: messenger.Unwritable, Cause: messenger.DiskFull, Err: cause},
			503, "database-unwritable", "not_stored", "disk is full", "5", true},
		{&messenger.Error{Kind: messenger.Unknown, Err: cause}, 504, "outcome-unknown", "unknown", "Idempotency-Key", "", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			rep := start(t, Config{Log: appendFunc(func(context.Context, messenger.Draft) (messenger.Answer, error) {
				return messenger.Answer{}, tt.err
			})})
			resp, got := rep.do(t, "POST", "/messages", goodBody, asJSON())
			wantProblem(t, resp, got, tt.status, tt.name, tt.outcome, tt.detail)
			if got := resp.Header.Get("Retry-After"); got != tt.retryAfter {
				t.Errorf("Retry-After = %q, want %q", got, tt.retryAfter)
			}
			if strings.Contains(got, "hunter2") {
				t.Errorf("the answer holds the cause: %s", got)
			}
			want := 0
			if tt.logged {
				want = 1
			}
			logged := rep.logged.String()
			if n := strings.Count(logged, "hunter2"); n != want || strings.Count(logged, "\n") != want {
				t.Errorf("the cause was logged %d times, want %d:\n%s", n, want, logged)
			}
			if strings.Contains(logged, "secret") {
				t.Errorf("the log holds the message:\n%s", logged)
			}
		})
	}
}

// Every kind and every cause must have its row, and no row may contradict the kind.
func TestProblemTable(t *testing.T) {
	if got, want := len(problems), int(messenger.Unknown)+1; got != want {
		t.Fatalf("there are %d problems for %d kinds", got, want)
	}
	for i, p := range problems {
		kind := messenger.Kind(i)
		if p.status == 0 || p.name == "" || p.title == "" || p.detail == "" {
			t.Errorf("%v: incomplete: %+v", kind, p)
		}
		if unsettled := p.status == 500 || p.status == 504; unsettled != kind.MayBeStored() {
			t.Errorf("%v: status %d, but MayBeStored() = %v", kind, p.status, kind.MayBeStored())
		}
		if (p.status == 503) != (p.retryAfter > 0) {
			t.Errorf("%v: status %d with Retry-After %d", kind, p.status, p.retryAfter)
		}
	}
	for i, detail := range causes {
		if cause := messenger.Cause(i); (detail == "") != (cause == messenger.NoCause) || (cause.String() == "") != (detail == "") {
			t.Errorf("cause %d, %q: the detail is %q", i, cause, detail)
		}
	}
}

func TestRequestTimeout(t *testing.T) {
	log := appendFunc(func(ctx context.Context, d messenger.Draft) (messenger.Answer, error) {
		<-ctx.Done()
		return messenger.Answer{}, &messenger.Error{Kind: messenger.Unknown, Err: ctx.Err()}
	})
	rep := start(t, Config{RequestTimeout: 20 * time.Millisecond, Log: log})
	resp, got := rep.do(t, "POST", "/messages", goodBody, asJSON())
	wantProblem(t, resp, got, 504, "outcome-unknown", "unknown", "")
}

func TestPanic(t *testing.T) {
	log := newLog(t)
	rep := start(t, Config{Log: appendFunc(func(ctx context.Context, d messenger.Draft) (messenger.Answer, error) {
		if d.Sender == "a" {
			panic("hunter2")
		}
		return log.Append(ctx, d)
	})})
	resp, got := rep.do(t, "POST", "/messages", goodBody, asJSON())
	wantProblem(t, resp, got, 500, "internal", "unknown", "unexpected")
	if strings.Contains(got, "hunter2") {
		t.Errorf("the answer holds the panic: %s", got)
	}
	if !resp.Close {
		t.Error("the connection was kept")
	}
	logged := rep.logged.String()
	if strings.Count(logged, "msg=panic") != 1 || !strings.Contains(logged, "hunter2") || !strings.Contains(logged, "failures_test.go") {
		t.Errorf("want the panic and its stack in the log once:\n%s", logged)
	}
	if strings.Contains(logged, "secret") {
		t.Errorf("the log holds the message:\n%s", logged)
	}
	rep.post(t, "b", "still there")
}

// An answer that was begun cannot be taken back: its connection is cut, and it
// does not count as an answer.
func TestPanicInAnswer(t *testing.T) {
	seen := make(chan Request, 2)
	s := New(Config{Logger: discard, Observe: func(r Request) { seen <- r }})
	s.handle("GET", "/half", func(w *response, r *http.Request) error {
		w.Write([]byte("half of it"))
		panic("hunter2")
	})
	srv := newHTTPServer(t, s.Handler())
	if resp, err := http.Get(srv + "/half"); err == nil {
		defer resp.Body.Close()
		t.Errorf("GET /half = %s, want the connection cut", resp.Status)
	}
	if got := <-seen; got.Route != "/half" || got.Status != 0 {
		t.Errorf("observed %+v, want status 0", got)
	}
	if resp, err := http.Get(srv + "/livez"); err != nil {
		t.Error(err)
	} else {
		resp.Body.Close()
	}
}

func TestCallerHangsUp(t *testing.T) {
	if logged := hangUp(t, &messenger.Error{Kind: messenger.Unavailable, Err: context.Canceled}); logged != "" {
		t.Errorf("a caller who hung up is in the log:\n%s", logged)
	}
	if logged := hangUp(t, errors.New("unforeseen")); !strings.Contains(logged, "level=ERROR") {
		t.Errorf("what nobody foresaw is not in the log of errors: %q", logged)
	}
}

// hangUp returns what is logged when the caller hangs up and the log then fails with failure.
func hangUp(t *testing.T, failure error) string {
	t.Helper()
	ended := make(chan error, 1)
	entered := make(chan struct{})
	log := appendFunc(func(ctx context.Context, d messenger.Draft) (messenger.Answer, error) {
		close(entered)
		<-ctx.Done()
		ended <- context.Cause(ctx)
		return messenger.Answer{}, failure
	})
	rep := start(t, Config{RequestTimeout: patience, Log: log})
	conn := dial(t, rep)
	write(t, conn, postHead+"Content-Length: 25\r\n\r\n"+`{"sender":"a","text":"b"}`)
	<-entered
	conn.Close()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("Append's context ended with %v, want it cancelled", err)
	}
	rep.stop()
	<-rep.done // by now everything is logged
	return rep.logged.String()
}

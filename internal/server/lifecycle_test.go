package server

import (
	"bufio"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"dummymessenger/internal/feed"
	"dummymessenger/internal/messenger"
	"dummymessenger/internal/store/memory"
)

var discard = slog.New(slog.DiscardHandler)

func newHTTPServer(t *testing.T, h http.Handler) string {
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return srv.URL
}

// heldLog stores nothing until released.
type heldLog struct {
	Appender
	entered chan struct{} // receives once for each message
	release chan struct{} // closed to let them all through
}

func newHeldLog(t *testing.T) *heldLog {
	return &heldLog{newLog(t), make(chan struct{}, 100), make(chan struct{})}
}

func (l *heldLog) Append(ctx context.Context, d messenger.Draft) (messenger.Answer, error) {
	l.entered <- struct{}{}
	select {
	case <-l.release:
		return l.Appender.Append(ctx, d)
	case <-ctx.Done():
		return messenger.Answer{}, &messenger.Error{Kind: messenger.Unknown, Err: ctx.Err()}
	}
}

func TestGracefulShutdown(t *testing.T) {
	const inFlight = 5
	log := newHeldLog(t)
	rep := start(t, Config{Log: log, RequestTimeout: patience, ShutdownTimeout: patience})

	var group sync.WaitGroup
	for range inFlight {
		conn := dial(t, rep)
		write(t, conn, postHead+"Content-Length: 25\r\n\r\n"+`{"sender":"a","text":"b"}`)
		group.Go(func() {
			resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Errorf("a request in flight was cut off: %v", err)
				return
			}
			defer resp.Body.Close()
			if resp.StatusCode != 200 || !resp.Close {
				t.Errorf("status = %s, close = %v, want 200 and the connection closed", resp.Status, resp.Close)
			}
		})
	}
	for range inFlight {
		<-log.entered
	}
	idle := dial(t, rep)
	idleReader := bufio.NewReader(idle)
	write(t, idle, "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
	readResponse(t, idleReader)

	rep.stop()
	eventually(t, "connections are refused", func() bool {
		conn, err := net.Dial("tcp", rep.addr)
		if err == nil {
			conn.Close()
		}
		return err != nil
	})
	wantClosed(t, idleReader)
	select {
	case <-rep.done:
		t.Fatal("Serve returned while requests were in flight")
	default:
	}
	close(log.release)
	group.Wait()
	<-rep.done
	if rep.err != nil {
		t.Errorf("Serve() = %v, want nil", rep.err)
	}
}

func TestDrain(t *testing.T) {
	t.Parallel()
	const drain = 4 * short
	rep := start(t, Config{DrainDelay: drain})
	if resp, got := rep.do(t, "GET", "/readyz", "", nil); resp.StatusCode != 200 {
		t.Fatalf("GET /readyz = %s: %s, want 200", resp.Status, got)
	}
	began := time.Now()
	rep.stop()
	eventually(t, "/readyz fails", func() bool {
		resp, got := rep.do(t, "GET", "/readyz", "", nil)
		if resp.StatusCode == 200 {
			return false
		}
		wantProblem(t, resp, got, 503, "stopping", "not_stored", "shutting down")
		return true
	})
	// Callers that have not checked /readyz yet are still served.
	resp, got := rep.do(t, "POST", "/messages", goodBody, asJSON())
	if resp.StatusCode != 200 || !resp.Close {
		t.Errorf("POST /messages while draining = %s: %s, close = %v, want 200 and the connection closed", resp.Status, got, resp.Close)
	}
	<-rep.done
	if took := time.Since(began); took < drain {
		t.Errorf("Serve returned after %v, want at least %v", took, drain)
	}
	if rep.err != nil {
		t.Errorf("Serve() = %v, want nil", rep.err)
	}
}

func TestShutdownTimeout(t *testing.T) {
	log := newHeldLog(t)
	rep := start(t, Config{Log: log, RequestTimeout: patience, ShutdownTimeout: 20 * time.Millisecond})
	conn := dial(t, rep)
	write(t, conn, postHead+"Content-Length: 25\r\n\r\n"+`{"sender":"a","text":"b"}`)
	<-log.entered
	rep.stop()
	resp, got := readResponse(t, bufio.NewReader(conn))
	wantProblem(t, resp, got, 504, "outcome-unknown", "unknown", "")
	<-rep.done
	if rep.err != nil {
		t.Errorf("Serve() = %v, want nil, as everybody was answered", rep.err)
	}
}

func TestShutdownCutsOff(t *testing.T) {
	t.Parallel()
	entered, release := make(chan struct{}), make(chan struct{})
	defer close(release)
	short := 20 * time.Millisecond
	rep := start(t, Config{ShutdownTimeout: short, Log: appendFunc(func(context.Context, messenger.Draft) (messenger.Answer, error) {
		close(entered)
		<-release // whatever its context says
		return messenger.Answer{}, errors.New("too late")
	})})
	conn := dial(t, rep)
	write(t, conn, postHead+"Content-Length: 25\r\n\r\n"+`{"sender":"a","text":"b"}`)
	<-entered
	rep.stop()
	wantClosed(t, conn)
	<-rep.done
	if !errors.Is(rep.err, context.DeadlineExceeded) {
		t.Errorf("Serve() = %v, want an error that says that requests were cut off", rep.err)
	}
}

func TestServeFails(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln.Close()
	if err := New(Config{Logger: discard}).Serve(t.Context(), ln); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Serve on a closed listener = %v, want %v", err, net.ErrClosed)
	}
}

func TestHealth(t *testing.T) {
	var ready error
	rep := start(t, Config{
		ReadyTimeout: 20 * time.Millisecond,
		Ready: func(ctx context.Context) error {
			if errors.Is(ready, context.DeadlineExceeded) {
				<-ctx.Done()
				return ctx.Err()
			}
			return ready
		},
	})
	secret := errors.New("hunter2")
	for _, tt := range []struct {
		name   string
		ready  error
		status int
		typ    string
		detail string
	}{
		{"ready", nil, 200, "", ""},
		{"unavailable", &messenger.Error{Kind: messenger.Unavailable, Detail: "the database is away", Err: secret},
			503, "database-unavailable", "the database is away"},
		{"unwritable", &messenger.Error{Kind: messenger.Unwritable, Err: secret}, 503, "database-unwritable", "refuses"},
		{"unknown", &messenger.Error{Kind: messenger.Unknown, Err: secret}, 503, "database-unavailable", "cannot be reached"},
		{"an error without a kind", secret, 503, "database-unavailable", "cannot be reached"},
		{"no answer", context.DeadlineExceeded, 503, "database-unavailable", "cannot be reached"},
		{"ready again", nil, 200, "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ready = tt.ready
			resp, got := rep.do(t, "GET", "/readyz", "", nil)
			if tt.status != 200 {
				wantProblem(t, resp, got, tt.status, tt.typ, "not_stored", tt.detail)
				if strings.Contains(got, "hunter2") {
					t.Errorf("the answer holds the cause: %s", got)
				}
			} else if resp.StatusCode != 200 || got != "ok\n" {
				t.Errorf("GET /readyz = %s: %q, want 200 and ok", resp.Status, got)
			}
			for _, method := range []string{"GET", "HEAD"} {
				if resp, _ := rep.do(t, method, "/livez", "", nil); resp.StatusCode != 200 {
					t.Errorf("%s /livez = %s, want 200", method, resp.Status)
				}
			}
		})
	}
	if got := rep.appends.Load(); got != 0 {
		t.Errorf("Append was called %d times, want 0", got)
	}
}

// Until the log is open the server does not read it, and answers with what it waits for.
func TestOpening(t *testing.T) {
	var log struct{ feed.Log } // nil: a call would panic
	rep := start(t, Config{
		Opening: "SQLite",
		Feed:    feed.New(feed.Config{Log: &log}),
		Ready:   func(context.Context) error { t.Error("Ready was called"); return nil },
	})
	for _, path := range []string{"/readyz", "/events", "/events?after=3", "/history", "/history?before=3"} {
		resp, got := rep.do(t, "GET", path, "", nil)
		wantProblem(t, resp, got, 503, "database-unavailable", "not_stored", "waits for its database (SQLite)")
		if resp.Header.Get("Retry-After") == "" {
			t.Errorf("GET %s has no Retry-After", path)
		}
	}
	for _, path := range []string{"/livez", "/", "/openapi.yaml"} {
		if resp, _ := rep.do(t, "GET", path, "", nil); resp.StatusCode != 200 {
			t.Errorf("GET %s = %s, want 200", path, resp.Status)
		}
	}
	if logged := rep.logged.String(); logged != "" {
		t.Errorf("whoever opens the log says what keeps it, but the log holds:\n%s", logged)
	}

	opened := memory.New().Open()
	s := New(Config{Opening: "SQLite", Feed: feed.New(feed.Config{Log: &log}), Ready: opened.Ready, Logger: discard})
	log.Log = opened
	s.LogOpened(opened.LogID())
	for _, path := range []string{"/readyz", "/history"} {
		w := httptest.NewRecorder()
		if s.Handler().ServeHTTP(w, httptest.NewRequest("GET", path, nil)); w.Code != 200 {
			t.Errorf("GET %s of an open log = %d %s", path, w.Code, w.Body)
		}
	}
}

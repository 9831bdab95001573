// With the instrumentation of fuzzing, what validates documents takes minutes to compile.
//go:build !fuzzing

package server_test

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"dummymessenger/internal/feed"
	"dummymessenger/internal/groupcommit"
	"dummymessenger/internal/messenger"
	"dummymessenger/internal/metrics"
	"dummymessenger/internal/program"
	"dummymessenger/internal/server"
	"dummymessenger/internal/store/sqlite"
)

const patience = 20 * time.Second

// A running replica on an SQLite file of its own.
type running struct {
	*server.Server
	url  string
	stop context.CancelFunc
	ln   net.Listener
}

// start serves an ordinary configuration, modified by change.
func start(t *testing.T, change func(*server.Config)) *running {
	t.Helper()
	logger := slog.New(slog.DiscardHandler)
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "messages.db"), logger)
	if err != nil {
		t.Fatal(err)
	}
	combiner := groupcommit.New(groupcommit.Config{Store: store, Encode: server.AppendMessage, Logger: logger})
	counted := metrics.New(program.Build{Version: "test"})
	watched := feed.New(feed.Config{Log: store, Encode: server.AppendEvent, Logger: logger})
	recorder := metrics.NewRecorder(counted, "SQLite")
	cfg := server.Config{Log: combiner, Ready: combiner.Ready, Logger: logger, Metrics: counted.Handler(logger), Observe: counted.Request,
		Feed: watched, Status: recorder}
	if change != nil {
		change(&cfg)
	}
	r := &running{Server: server.New(cfg)}
	r.LogOpened("of-this-test")
	counted.Queue(combiner.Waiting)
	counted.Watchers(watched.Watchers)
	counted.Connections(r.Connections)
	if r.ln, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	r.url = "http://" + r.ln.Addr().String()

	serving, stop := context.WithCancel(context.Background())
	combining, stopCombining := context.WithCancel(context.Background())
	r.stop = stop
	var served, combined sync.WaitGroup
	served.Go(func() { r.Serve(serving, r.ln) })
	combined.Go(func() { combiner.Run(combining) })
	combined.Go(func() { recorder.Run(combining) })
	t.Cleanup(func() {
		stop()
		r.ln.Close()
		served.Wait()
		stopCombining()
		combined.Wait()
		watched.Close()
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// client keeps no connections, so that requests do not affect each other.
var client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}

func send(t *testing.T, req *http.Request) (*http.Response, []byte) {
	t.Helper()
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, body
}

const goodBody = `{"sender":"Анна","text":"привет"}`

func request(t *testing.T, method, url, body string, header ...string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if method == "POST" {
		req.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	return req
}

// failing is a log that cannot be appended to.
type failing struct{ err error }

func (f failing) Append(context.Context, messenger.Draft) (messenger.Answer, error) {
	return messenger.Answer{}, f.err
}

func eventually(t *testing.T, cond func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !cond(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited %v in vain", patience)
		}
	}
}

// nothing is a log to watch that has no messages, or cannot be read.
type nothing struct{ err error }

func (n nothing) Head(context.Context) (int64, error) { return 0, n.err }

func (n nothing) Read(context.Context, int64, int) ([]messenger.Message, error) { return nil, n.err }

// watch opens a stream and reads n events.
func watch(t *testing.T, req *http.Request, n int) (resp *http.Response, data []string) {
	t.Helper()
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	for lines := bufio.NewScanner(resp.Body); len(data) < n && lines.Scan(); {
		if event, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
			data = append(data, event)
		}
	}
	return resp, data
}

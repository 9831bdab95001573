package server

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"dummymessenger/internal/messenger"
)

// patience is how long a test waits for what must happen.
const patience = 20 * time.Second

// short is a limit that a test exceeds on purpose. Ordinary requests stay below it,
// even on a slow machine.
const short = time.Second / 2

// A replica is a Server at work.
type replica struct {
	addr    string
	appends atomic.Int64 // calls of Append
	logged  logBuffer
	stop    context.CancelFunc
	done    chan struct{}
	err     error // of Serve, once done
}

// start serves cfg, with what it lacks filled in, until the test ends.
func start(t *testing.T, cfg Config) *replica {
	t.Helper()
	rep := &replica{done: make(chan struct{})}
	if cfg.Log == nil {
		cfg.Log = newLog(t)
	}
	log := cfg.Log
	cfg.Log = appendFunc(func(ctx context.Context, d messenger.Draft) (messenger.Answer, error) {
		rep.appends.Add(1)
		return log.Append(ctx, d)
	})
	cfg.Logger = slog.New(slog.NewTextHandler(&rep.logged, nil))

	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	rep.addr = ln.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	rep.stop = cancel
	go func() {
		defer close(rep.done)
		rep.err = New(cfg).Serve(ctx, ln)
	}()
	t.Cleanup(func() {
		cancel()
		http.DefaultClient.CloseIdleConnections()
		<-rep.done
	})
	return rep
}

// An appendFunc is a log that a test makes up, mostly to fail.
type appendFunc func(ctx context.Context, d messenger.Draft) (messenger.Answer, error)

func (f appendFunc) Append(ctx context.Context, d messenger.Draft) (messenger.Answer, error) {
	return f(ctx, d)
}

type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// do sends a request and returns its response and the response's body.
func (rep *replica) do(t *testing.T, method, path, body string, header http.Header) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, "http://"+rep.addr+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if header != nil {
		req.Header = header
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	return resp, readAll(t, resp)
}

func readAll(t *testing.T, resp *http.Response) string {
	t.Helper()
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// asJSON is the header of an ordinary request, with more pairs added.
func asJSON(pairs ...string) http.Header {
	h := http.Header{"Content-Type": {"application/json"}}
	for i := 0; i < len(pairs); i += 2 {
		h.Add(pairs[i], pairs[i+1])
	}
	return h
}

type shownMessage struct {
	Seq         int64  `json:"seq"`
	Sender      string `json:"sender"`
	SenderCount int64  `json:"sender_count"`
	Text        string `json:"text"`
	SentAt      string `json:"sent_at"`
}

// post sends a message and returns the window it was answered with.
func (rep *replica) post(t *testing.T, sender, text string) []shownMessage {
	t.Helper()
	body, err := json.Marshal(map[string]string{"sender": sender, "text": text})
	if err != nil {
		t.Fatal(err)
	}
	resp, got := rep.do(t, "POST", "/messages", string(body), asJSON())
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("POST /messages = %s: %s, want 200", resp.Status, got)
	}
	return window(t, got)
}

func window(t *testing.T, body string) []shownMessage {
	t.Helper()
	var answer struct {
		Messages []shownMessage `json:"messages"`
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		t.Fatalf("answer %s: %v", body, err)
	}
	if len(answer.Messages) == 0 {
		t.Fatalf("answer %s holds no message", body)
	}
	return answer.Messages
}

// wantProblem checks that resp is a problem with this status, this last part
// of its type ("" for about:blank), and a detail that contains detail.
func wantProblem(t *testing.T, resp *http.Response, body string, status int, name, outcome, detail string) {
	t.Helper()
	var p map[string]any
	if err := json.Unmarshal([]byte(body), &p); err != nil {
		t.Fatalf("%s with body %q: %v", resp.Status, body, err)
	}
	wantType := "about:blank"
	if name != "" {
		wantType = typePrefix + name
	}
	if resp.StatusCode != status || p["status"] != float64(status) {
		t.Errorf("status = %d, in the body %v, want %d (%s)", resp.StatusCode, p["status"], status, body)
	}
	if got := resp.Header.Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("Content-Type = %q, want application/problem+json", got)
	}
	if p["type"] != wantType {
		t.Errorf("type = %v, want %v", p["type"], wantType)
	}
	if p["outcome"] != outcome {
		t.Errorf("outcome = %v, want %v", p["outcome"], outcome)
	}
	if title, _ := p["title"].(string); title == "" {
		t.Errorf("title is empty in %s", body)
	}
	if got, _ := p["detail"].(string); got == "" || !strings.Contains(got, detail) {
		t.Errorf("detail = %q, want something with %q", got, detail)
	}
	if len(p) != 5 {
		t.Errorf("problem = %v, want five members", p)
	}
	wantCommonHeaders(t, resp)
}

func wantCommonHeaders(t *testing.T, resp *http.Response) {
	t.Helper()
	for name, want := range map[string]string{
		"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store", "Content-Security-Policy": inert[0],
	} {
		if got := resp.Header.Get(name); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
}

// eventually waits until cond holds.
func eventually(t *testing.T, what string, cond func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !cond(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited %v in vain: %s", patience, what)
		}
	}
}

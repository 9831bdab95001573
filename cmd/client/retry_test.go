package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"dummymessenger/internal/measure"
	"dummymessenger/internal/verify"
)

// If an earlier try may have stored the message, the outcome stays unknown, for
// the reason of that try, whatever later tries return.
func TestLeftOpenByAnEarlierTry(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	tries := map[string]int{}
	m := newMemory()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		key := r.Header.Get("Idempotency-Key")
		mu.Lock()
		tries[key]++
		try := tries[key]
		mu.Unlock()
		var draft struct{ Sender, Text string }
		if err := json.UnmarshalRead(r.Body, &draft, json.MatchCaseInsensitiveNames(true)); err != nil {
			http.Error(w, "bad request", http.StatusBadRequest)
			return
		}
		switch {
		case !strings.HasSuffix(key, ":7]"):
			answer(w, m.add(draft.Sender, draft.Text, key))
		case try == 1:
			hijack(w, "")
		default:
			refuse(w, 503, "not_stored")
		}
	}))
	t.Cleanup(s.Close)
	_, r := try(t, t.Context(), "-c", "10", "-n", "200", "--retries", "1", "--seed", "7", s.URL) // else chance may let few senders fail
	want := measure.Failure{Outcome: "unknown", Reason: "closed before the answer", Count: 10}
	if len(r.Run.Failures) != 1 || !reflect.DeepEqual(r.Run.Failures[0], want) {
		t.Errorf("failures %v, want %v", r.Run.Failures, want)
	}
}

// One replica refuses connections: its requests count as failed, not unknown.
func TestConnectionRefused(t *testing.T) {
	t.Parallel()
	m := newMemory()
	_, r := try(t, t.Context(), "-c", "10", "-n", "400", newReplica(t, m, nil), closedURL(t))
	want := measure.Failure{Outcome: "failed", Reason: "connection refused", Count: r.Run.Failed}
	if len(r.Run.Failures) != 1 || !reflect.DeepEqual(r.Run.Failures[0], want) || r.Run.Failed < 100 {
		t.Errorf("failures %v, want some 200 of %v", r.Run.Failures, want)
	}
	if r.Run.Replicas[1].Failed != r.Run.Failed {
		t.Errorf("the failures count for the wrong replica: %+v", r.Run.Replicas)
	}
}

// Some answered requests are replayed, and their answers compared.
func TestReplays(t *testing.T) {
	t.Parallel()
	m := newMemory()
	args := []string{"-c", "10", "-n", "1000", "--retries", "2", "--replays", "10"}
	status, r := try(t, t.Context(), append(args, newReplica(t, m, nil), newReplica(t, m, nil))...)
	exactly := r.Verdict.Checks[verify.ExactlyOnce]
	if status != exitVerified || r.Run.Sent != 1000 || r.Run.Latency.Count != 1000 || r.Run.Unreplayed != 0 {
		t.Errorf("status %d, sent %d, unreplayed %d", status, r.Run.Sent, r.Run.Unreplayed)
	}
	if r.Run.Replayed < 50 || r.Run.Replayed > 200 || exactly.Saw != r.Run.Replayed {
		t.Errorf("replayed %d, of which the check saw %d, want some 100", r.Run.Replayed, exactly.Saw)
	}
	if n := len(m.log); n != 1002 {
		t.Errorf("the log has %d messages, want 1000 and two sentinels", n)
	}
}

// With retries every request reaches the replica that is running.
func TestConnectionRefusedRetried(t *testing.T) {
	t.Parallel()
	m := newMemory()
	_, r := try(t, t.Context(), "-c", "10", "-n", "200", "--retries", "10", newReplica(t, m, nil), closedURL(t))
	if r.Run.OK < 198 || r.Run.Retried < 50 {
		t.Errorf("ok %d, retried %d, want nearly all of 200, and many", r.Run.OK, r.Run.Retried)
	}
}

// Which requests are retried, and which only with an idempotency key.
func TestTriedAgain(t *testing.T) {
	t.Parallel()
	keyless := filepath.Join(t.TempDir(), "keyless")
	if err := os.WriteFile(keyless, []byte(`{"path": "/messages",
		"answer": {"messages": "messages", "seq": "seq", "sender": "sender",
		"sender_count": "sender_count", "text": "text", "sent_at": "sent_at"}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	status := func(status int) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) { w.WriteHeader(status) }
	}
	for name, test := range map[string]struct {
		answer  func(http.ResponseWriter)
		keyed   bool // tried again under a key
		without bool // and without one
	}{
		"no answer":       {func(w http.ResponseWriter) { hijack(w, "") }, true, false},
		"cut off":         {func(w http.ResponseWriter) { hijack(w, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{") }, true, false},
		"429":             {status(429), true, true},
		"502":             {status(502), true, false},
		"503":             {status(503), true, false},
		"503, not stored": {func(w http.ResponseWriter) { refuse(w, 503, "not_stored") }, true, true},
		"504":             {status(504), true, false},
		"500":             {status(500), false, false},
		"302":             {status(302), false, false},
		"400":             {status(400), false, false},
		"404":             {status(404), false, false},
		"not ours":        {func(w http.ResponseWriter) { w.Write([]byte("<html>please log in</html>")) }, false, false},
	} {
		for _, keys := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, keys %t", name, keys), func(t *testing.T) {
				t.Parallel() // they wait before they try again
				fault := func(w http.ResponseWriter, number int64, _ func() []message) bool {
					if number == 50 {
						test.answer(w)
					}
					return number == 50
				}
				args := []string{"-c", "4", "-n", "200", "--retries", "2", "--replays", "0"}
				if !keys {
					args = append(args, "--profile", keyless)
				}
				_, r := try(t, t.Context(), append(args, newReplica(t, newMemory(), fault))...)
				again := keys && test.keyed || !keys && test.without
				if (r.Run.Retried == 1) != again || (r.Run.OK == 200) != again {
					t.Errorf("tried again %d times, %d ok, want it again: %t", r.Run.Retried, r.Run.OK, again)
				}
			})
		}
	}
}

// A server may ask for a longer wait than the run has: then the outcome stays.
func TestRetryAfterBeyondTheEnd(t *testing.T) {
	later := func(w http.ResponseWriter, number int64, _ func() []message) bool {
		w.Header().Set("Retry-After", "3600")
		refuse(w, 503, "not_stored")
		return true
	}
	start := time.Now()
	_, r := try(t, t.Context(), "-c", "2", "--duration", "500ms", "--retries", "3", newReplica(t, newMemory(), later))
	if took := time.Since(start); took > 8*time.Second || r.Run.Retried != 0 || r.Run.Failed == 0 || r.Run.Failed != r.Run.Sent {
		t.Errorf("it took %v, tried again %d times, %d of %d failed", took, r.Run.Retried, r.Run.Failed, r.Run.Sent)
	}
}

package main

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/go-json-experiment/json"

	"dummymessenger/internal/report"
	"dummymessenger/internal/verify"
)

// What an earlier try left open stays open, for that try's reason, whatever is
// said of the later ones.
func TestLeftOpenByAnEarlierTry(t *testing.T) {
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
	_, r := try(t, t.Context(), "-c", "10", "-n", "200", "--retries", "1", s.URL)
	want := report.Failure{Outcome: "unknown", Reason: "closed before the answer", Count: 10}
	if len(r.Run.Failures) != 1 || r.Run.Failures[0] != want {
		t.Errorf("failures %v, want %v", r.Run.Failures, want)
	}
}

// One replica that nobody listens at: its requests certainly failed.
func TestConnectionRefused(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln.Close()
	m := newMemory()
	_, r := try(t, t.Context(), "-c", "10", "-n", "400", newReplica(t, m, nil), "http://"+ln.Addr().String())
	want := report.Failure{Outcome: "failed", Reason: "connection refused", Count: r.Run.Failed}
	if len(r.Run.Failures) != 1 || r.Run.Failures[0] != want || r.Run.Failed < 100 {
		t.Errorf("failures %v, want some 200 of %v", r.Run.Failures, want)
	}
	if r.Run.Replicas[1].Failed != r.Run.Failed {
		t.Errorf("the failures count for the wrong replica: %+v", r.Run.Replicas)
	}
}

// Some answered requests are replayed, and their answers compared.
func TestReplays(t *testing.T) {
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

// With retries a request finds the replica that is there.
func TestConnectionRefusedRetried(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln.Close()
	m := newMemory()
	_, r := try(t, t.Context(), "-c", "10", "-n", "200", "--retries", "10", newReplica(t, m, nil), "http://"+ln.Addr().String())
	if r.Run.OK < 198 || r.Run.Retried < 50 {
		t.Errorf("ok %d, retried %d, want nearly all of 200, and many", r.Run.OK, r.Run.Retried)
	}
}

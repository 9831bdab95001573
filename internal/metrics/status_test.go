package metrics

import (
	"encoding/json"
	"math"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"dummymessenger/internal/groupcommit"
	"dummymessenger/internal/program"
	"dummymessenger/internal/server"
)

// A minute of a replica: busy, then idle, then refusing.
func TestRecorder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		counted := New(program.Build{Version: "v1"})
		counted.Queue(func() int { return 3 })
		counted.Watchers(func() int { return 2 })
		counted.Connections(func() (int64, int64) { return 5, 1 })
		r := NewRecorder(counted, "SQLite")
		go r.Run(t.Context())
		synctest.Wait()
		time.Sleep(500 * time.Millisecond) // between two looks
		for range 100 {
			counted.Request(server.Request{Route: "/messages", Status: 200, Took: 4 * time.Millisecond})
		}
		counted.Commit(groupcommit.Commit{Size: 20, Head: 20})
		counted.Commit(groupcommit.Commit{Size: 80, Head: 100})
		time.Sleep(2 * time.Second)
		counted.Request(server.Request{Route: "/messages", Status: 503, Took: time.Minute, Reason: "overloaded"})
		counted.Request(server.Request{Route: "/livez", Status: 200})
		time.Sleep(time.Second)
		a := ask(t, r)
		if a.Version != "v1" || a.Database != "SQLite" || a.Queue != 3 || a.Watchers != 2 || a.Connections != 5 ||
			a.Refused != 1 || a.LastSeq != 100 {
			t.Errorf("the answer is %+v", a)
		}
		if a.Now-a.StartedAt != 3500 {
			t.Errorf("it has been running for %d ms, want 3500", a.Now-a.StartedAt)
		}
		s := a.Seconds
		if len(s.At) != 3 || s.Answered[0] != 100 || s.Answered[1] != 0 || s.Answered[2] != 0 || s.Failed[0] != 0 || s.Failed[2] != 1 {
			t.Fatalf("the seconds are %+v, want 100 answered in the first, 1 failed in the third", s)
		}
		if p := s.P50[0]; p == nil || *p < .003 || *p > .005 {
			t.Errorf("p50 = %v, want between the bounds of 4 ms", p)
		}
		if s.P50[1] != nil || s.Batch[1] != nil {
			t.Error("a second without messages has a latency or a batch")
		}
		if p := s.P99[2]; p == nil || *p != 10 {
			t.Errorf("p99 of a minute = %v, want the last bound", p)
		}
		if b := s.Batch[0]; b == nil || *b != 50 {
			t.Errorf("messages in a transaction = %v, want 50", b)
		}

		time.Sleep(10 * time.Minute)
		if n := len(ask(t, r).Seconds.At); n != remembered {
			t.Errorf("%d seconds are remembered, want %d", n, remembered)
		}
	})
}

func TestQuantile(t *testing.T) {
	within := make([]uint64, len(seconds)+1)
	if got := quantile(within, .5); got != nil {
		t.Errorf("quantile of nothing = %v, want none", *got)
	}
	for i := range within { // ten values in each
		within[i] = uint64(10 * (i + 1))
	}
	for q, want := range map[float64]float64{0.5 / float64(len(within)): seconds[0] / 2, 1: seconds[len(seconds)-1]} {
		if got := quantile(within, q); got == nil || math.Abs(*got-want) > 1e-9 {
			t.Errorf("quantile(%v) = %v, want %v", q, got, want)
		}
	}
}

func ask(t *testing.T, h http.Handler) (a status) {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", "/status.json", nil))
	if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil {
		t.Fatalf("%s: %v", w.Body, err)
	}
	return a
}

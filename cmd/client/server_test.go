package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// A memory is a correct log that all replicas of a test share.
type memory struct {
	clock func() time.Time // dates the messages

	mu     sync.Mutex
	log    []message
	counts map[string]int64
	keys   map[string]int // answered: length of the log then

	keyless bool // idempotency keys are ignored
}

type message struct {
	Seq         int64  `json:"seq"`
	Sender      string `json:"sender"`
	SenderCount int64  `json:"sender_count"`
	Text        string `json:"text"`
	SentAt      string `json:"sent_at"`
}

func newMemory() *memory {
	return &memory{clock: time.Now, counts: map[string]int64{}, keys: map[string]int{}}
}

// add stores a message and returns its window, oldest first. The window may
// be changed.
func (m *memory) add(sender, text, key string) []message {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := m.keys[key]
	if key == "" || n == 0 || m.keyless {
		m.counts[sender]++
		m.log = append(m.log, message{
			int64(len(m.log) + 1), sender, m.counts[sender], text,
			m.clock().UTC().Format("2006-01-02T15:04:05.000000Z"),
		})
		n = len(m.log)
		m.keys[key] = n
	}
	return append([]message(nil), m.log[max(0, n-10):n]...)
}

// A fault handles the number-th request (1, 2, 3 …) itself and returns true,
// or leaves it to the correct server. It may store the message.
type fault func(w http.ResponseWriter, number int64, store func() []message) bool

// newReplica serves m over HTTP. fault may be nil.
func newReplica(t *testing.T, m *memory, fault fault) (url string) {
	var requests atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var draft struct{ Sender, Text string }
		if err := json.NewDecoder(r.Body).Decode(&draft); err != nil || r.Method != "POST" || r.URL.Path != "/messages" {
			http.Error(w, "bad request", http.StatusBadRequest)
			return
		}
		store := func() []message { return m.add(draft.Sender, draft.Text, r.Header.Get("Idempotency-Key")) }
		if fault == nil || !fault(w, requests.Add(1), store) {
			answer(w, store())
		}
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func answer(w http.ResponseWriter, window []message) {
	w.Header().Set("Content-Type", "application/json")
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	if err := e.Encode(map[string]any{"messages": window}); err != nil {
		panic(err)
	}
}

func refuse(w http.ResponseWriter, status int, outcome string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"type":"about:blank","status":%d,"outcome":%q}`, status, outcome)
}

// hijack takes the connection over and ends it after sending raw.
func hijack(w http.ResponseWriter, raw string) {
	c, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		panic(err)
	}
	if raw != "" {
		fmt.Fprint(c, raw)
	}
	c.Close()
}

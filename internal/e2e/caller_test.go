package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"time"
)

// A message is one as answers show it.
type message struct {
	Seq         int64  `json:"seq"`
	Sender      string `json:"sender"`
	SenderCount int64  `json:"sender_count"`
	Text        string `json:"text"`
	SentAt      string `json:"sent_at"`
}

// An operation is one POST and what came of it.
type operation struct {
	Sender, Text string
	Call, Return time.Time // they carry the monotonic clock
	OK           bool      // else the message may be stored or not
	Window       []message // if OK
}

// A response is an answer, read to its end.
type response struct {
	status int
	header http.Header
	body   []byte
}

// caller has enough idle connections for every worker to keep its own.
var caller = &http.Client{
	Transport: &http.Transport{MaxIdleConnsPerHost: 100, IdleConnTimeout: time.Minute},
	Timeout:   patience,
}

// post sends one message. key may be empty.
func post(ctx context.Context, replicaURL, sender, text, key string) (response, error) {
	body, err := json.Marshal(map[string]string{"sender": sender, "text": text})
	if err != nil {
		return response{}, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, replicaURL+"/messages", bytes.NewReader(body))
	if err != nil {
		return response{}, err
	}
	request.Header.Set("Content-Type", "application/json")
	if key != "" {
		request.Header.Set("Idempotency-Key", key)
	}
	return read(caller.Do(request))
}

func get(ctx context.Context, url string) (response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return response{}, err
	}
	return read(caller.Do(request))
}

func read(r *http.Response, err error) (response, error) {
	if err != nil {
		return response{}, err
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	return response{r.StatusCode, r.Header, body}, err
}

// window is the messages of a 200.
func (r response) window() ([]message, error) {
	if r.status != http.StatusOK {
		return nil, fmt.Errorf("status %d: %s", r.status, r.body)
	}
	var answer struct {
		Messages []message `json:"messages"`
	}
	err := json.Unmarshal(r.body, &answer)
	return answer.Messages, err
}

// problem is the members of a problem document that the contract names.
type problem struct {
	Type    string `json:"type"`
	Title   string `json:"title"`
	Status  int    `json:"status"`
	Detail  string `json:"detail"`
	Outcome string `json:"outcome"`
}

func (r response) problem(t *testing.T) (p problem) {
	t.Helper()
	if got := r.header.Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("Content-Type of status %d = %q, want application/problem+json", r.status, got)
	}
	if err := json.Unmarshal(r.body, &p); err != nil {
		t.Errorf("status %d with body %q: %v", r.status, r.body, err)
	}
	return p
}

// mustPost sends one message that must be stored, and returns its window.
func mustPost(t *testing.T, replicaURL, sender, text, key string) (response, []message) {
	t.Helper()
	r, err := post(t.Context(), replicaURL, sender, text, key)
	if err != nil {
		t.Fatal(err)
	}
	window, err := r.window()
	if err != nil {
		t.Fatal(err)
	}
	return r, window
}

// Workers send one message after the other, each of a random sender of ten to
// a random replica.
const workers = 50

// load runs the workers until each has sent perWorker messages or, the replicas
// being gone, got no answer. It returns all operations and the errors of those
// that were not answered with 200.
func load(ctx context.Context, perWorker int, urls func() []string) (all []operation, failures []error) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for n := range perWorker {
				op, err := send(ctx, urls(), fmt.Sprintf("worker %d, message %d 🙂", w, n))
				mu.Lock()
				all = append(all, op)
				if err != nil {
					failures = append(failures, err)
				}
				mu.Unlock()
				if err != nil {
					return
				}
			}
		})
	}
	wg.Wait()
	return all, failures
}

// loadUntil runs n workers until stop is closed, whatever they are answered.
func loadUntil(ctx context.Context, n int, stop <-chan struct{}, urls func() []string) (all []operation, failures []error) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	for w := range n {
		wg.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				op, err := send(ctx, urls(), fmt.Sprintf("worker %d, message %d", w, n))
				mu.Lock()
				all = append(all, op)
				if err != nil {
					failures = append(failures, err)
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return all, failures
}

func send(ctx context.Context, urls []string, text string) (operation, error) {
	op := operation{Sender: fmt.Sprintf("отправитель %d", rand.N(10)), Text: text, Call: time.Now()}
	r, err := post(ctx, urls[rand.N(len(urls))], op.Sender, op.Text, "")
	op.Return = time.Now()
	if err == nil {
		op.Window, err = r.window()
	}
	op.OK = err == nil
	return op, err
}

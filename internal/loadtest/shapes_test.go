package loadtest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"dummymessenger/internal/verify"
)

// Answers in the shapes that a profile can tell.
func TestShapes(t *testing.T) {
	want := []verify.Entry{{Seq: 1, Sender: "a", Text: "x"}, {Seq: 2, Sender: "b", Text: "y"}}
	for answer, body := range map[string]string{
		`"seq": "0", "sender": "1", "text": "2"`:                                   `[[1, "a", "x"], [2, "b", "y"]]`,
		`"seq": "0", "sender": "1.0", "text": "1.1"`:                               `[[1, ["a", "x"]], [2, ["b", "y"]]]`,
		`"keyed": true, "seq": "n", "sender": "s", "text": "t"`:                    `{"1": {"n": 1, "s": "a", "t": "x"}, "2": {"n": 2, "s": "b", "t": "y"}}`,
		`"messages": "d.m", "keyed": true, "text": "2", "seq": "0", "sender": "1"`: `{"d": {"k": 1, "m": { "z" : [1, "a", "x"] , "]": [2, "b", "y"]}}, "c": {}}`,
	} {
		p, err := ParseProfile(fmt.Appendf(nil, `{"path": "/", "answer": {%s}}`, answer))
		if err != nil {
			t.Fatal(err)
		}
		d := newDecoder(p)
		for range 2 { // the second time from what is known
			if window, err := d.decode([]byte(body)); err != nil || !reflect.DeepEqual(entries(window), want) {
				t.Errorf("%s is read from %s as %v, %v", answer, body, entries(window), err)
			}
		}
		for cut := range len(body) {
			if window, err := d.decode([]byte(body[:cut])); err == nil {
				t.Errorf("%s is read from %s as %v", answer, body[:cut], entries(window))
			}
		}
	}
}

// Equal numbers are the server's fault, not the profile's.
func TestEqualNumbersBlameNoProfile(t *testing.T) {
	for _, order := range []string{"asc", "desc"} {
		p, err := ParseProfile(fmt.Appendf(nil, `{"path": "/", "answer": {"seq": "seq", "text": "text", "order": %q}}`, order))
		if err != nil {
			t.Fatal(err)
		}
		test, err := New(Config{URLs: []string{"http://127.0.0.1:1"}, Requests: 1, Profile: p})
		if err != nil {
			t.Fatal(err)
		}
		for _, body := range []string{
			`[{"seq": 1, "text": "own"}, {"seq": 1, "text": "another"}]`, `[{"seq": 1, "text": "another"}, {"seq": 1, "text": "own"}]`,
		} {
			if r := test.classify("own", response{status: 200, body: []byte(body)}, nil); r.outcome != verify.OK {
				t.Errorf("order %s, %s: %q, want it left to the checks", order, body, r.detail)
			}
		}
	}
}

// A wrong URL or profile is found out by the first answers, and a replica alone that
// refuses is not mistaken for that.
func TestGivesUp(t *testing.T) {
	var requests atomic.Int64
	reply := func(status int, body string) string {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			requests.Add(1)
			w.WriteHeader(status)
			fmt.Fprint(w, body)
		}))
		t.Cleanup(s.Close)
		return s.URL
	}
	for name, url := range map[string]string{
		"not found": reply(404, "no such page"), "another page": reply(200, "<html>"), "refused": reply(422, `{"detail": "text"}`),
	} {
		requests.Store(0)
		test, err := New(Config{URLs: []string{url}, Requests: 5000, Workers: 10})
		if err != nil {
			t.Fatal(err)
		}
		r := test.Run(t.Context(), nil)
		if !r.GaveUp || r.Sent > hopeless+10 || requests.Load() != r.Sent || len(r.Failures) != 1 || r.Failures[0].First == "" {
			t.Errorf("%s: gave up %t after %d requests (%d came), %v", name, r.GaveUp, r.Sent, requests.Load(), r.Failures)
		}
	}
	busy, err := New(Config{URLs: []string{reply(503, "busy")}, Requests: 100, Workers: 10})
	if err != nil {
		t.Fatal(err)
	}
	if r := busy.Run(t.Context(), nil); r.GaveUp || r.Sent != 100 {
		t.Errorf("a server that is busy is given up after %d requests", r.Sent)
	}
}

// Texts keep to what the server takes.
func TestPlainShortTexts(t *testing.T) {
	var wrong atomic.Value
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text := r.URL.Query().Get("text")
		nonce, ok := verify.FindNonce(text)
		rest := strings.TrimPrefix(text, nonce.String())
		if !ok || len(text) > 100 || strings.ContainsFunc(rest, func(c rune) bool { return c != ' ' && (c < 'a' || c > 'z') }) {
			wrong.Store(text)
		}
		fmt.Fprintf(w, `[{"t": %q}]`, text)
	}))
	defer s.Close()
	p, err := ParseProfile([]byte(`{"path": "/", "request": {"as": "query", "texts": "plain"}, "answer": {"text": "t"}}`))
	if err != nil {
		t.Fatal(err)
	}
	test, err := New(Config{URLs: []string{s.URL}, Requests: 3000, Workers: 10, Profile: p, MaxText: 100, Timeout: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	if r := test.Run(t.Context(), nil); r.OK != 3000 || wrong.Load() != nil {
		t.Errorf("%d answered, and %v was sent", r.OK, wrong.Load())
	}
	if _, err := New(Config{URLs: []string{s.URL}, Requests: 1, MaxText: 10}); err == nil {
		t.Error("texts of 10 characters are promised, and the mark alone is longer")
	}
}

package probe

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"dummymessenger/internal/loadtest"
	"dummymessenger/internal/verify"
)

// A message as the servers of this test keep it.
type message struct {
	seq, count   int
	sender, text string
	at           time.Time
}

// A log is a correct one.
type log struct {
	mu  sync.Mutex
	all []message
}

func (l *log) append(sender, text string) (window []message) {
	l.mu.Lock()
	defer l.mu.Unlock()
	m := message{seq: len(l.all) + 1, count: 1, sender: sender, text: text, at: time.Now()}
	for _, other := range l.all {
		if other.sender == sender {
			m.count++
		}
	}
	l.all = append(l.all, m)
	return l.all[max(0, len(l.all)-10):len(l.all):len(l.all)]
}

type object = map[string]any

// body reads the fields of a JSON body, nil if one is missing.
func body(r *http.Request, names ...string) (values []string) {
	var fields map[string]string
	if json.NewDecoder(r.Body).Decode(&fields) != nil {
		return nil
	}
	for _, name := range names {
		if fields[name] == "" {
			return nil
		}
		values = append(values, fields[name])
	}
	return values
}

func write(w http.ResponseWriter, status int, v any) {
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v)
}

func each1(window []message, f func(message) any) (all []any) {
	for _, m := range window {
		all = append(all, f(m))
	}
	return all
}

// servers are shapes of all kinds.
var servers = map[string]func(*log, *http.ServeMux){
	"query parameters, newest first, with an OpenAPI document": func(l *log, mux *http.ServeMux) {
		mux.HandleFunc("GET /openapi.json", func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, `{"paths": {"/send_msg": {"post": {"parameters": [{"name": "sender_name", "in": "query"}, {"name": "msg_text", "in": "query"}]}},
				"/health": {"get": {}}}}`)
		})
		mux.HandleFunc("POST /send_msg", func(w http.ResponseWriter, r *http.Request) {
			if r.FormValue("sender_name") == "" || r.FormValue("msg_text") == "" {
				write(w, 422, object{})
				return
			}
			window := l.append(r.FormValue("sender_name"), r.FormValue("msg_text"))
			var all []any
			for i := range window {
				m := window[len(window)-1-i]
				all = append(all, object{"message_id": m.seq, "sender": m.sender, "user_message_count": m.count, "text": m.text,
					"created_at": m.at.UTC().Format("2006-01-02T15:04:05.000000")})
			}
			write(w, 200, all)
		})
	},
	"fields told by a refusal": func(l *log, mux *http.ServeMux) {
		mux.HandleFunc("POST /api/messages", func(w http.ResponseWriter, r *http.Request) {
			values := body(r, "nickname", "content_text")
			if values == nil {
				write(w, 422, object{"detail": []any{
					object{"loc": []string{"body", "nickname"}, "type": "missing"}, object{"loc": []string{"body", "content_text"}, "type": "missing"}}})
				return
			}
			write(w, 201, object{"data": object{"items": each1(l.append(values[0], values[1]), func(m message) any {
				return object{"number": m.seq, "author": object{"nick": m.sender, "nth": m.count}, "what": m.text, "created": m.at.UnixMilli()}
			})}})
		})
	},
	"a body by reference in an OpenAPI document": func(l *log, mux *http.ServeMux) {
		mux.HandleFunc("GET /openapi.json", func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, `{"paths": {"/v2/post": {"put": {"requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/In"}}}}}}},
				"components": {"schemas": {"In": {"properties": {"user": {"type": "string"}, "message": {"type": "string"}}}}}}`)
		})
		mux.HandleFunc("PUT /v2/post", func(w http.ResponseWriter, r *http.Request) {
			values := body(r, "user", "message")
			if values == nil {
				write(w, 400, object{"error": "user and message"})
				return
			}
			write(w, 200, object{"last": each1(l.append(values[0], values[1]), func(m message) any {
				return object{"id": fmt.Sprint(m.seq), "user": m.sender, "message": m.text, "count": m.count, "date": float64(m.at.UnixMicro()) / 1e6}
			})})
		})
	},
	"names that tell nothing": func(l *log, mux *http.ServeMux) {
		mux.HandleFunc("POST /messages", func(w http.ResponseWriter, r *http.Request) {
			values := body(r, "what", "who")
			if values == nil {
				write(w, 422, object{"detail": []any{object{"loc": []string{"body", "what"}}, object{"loc": []string{"body", "who"}}}})
				return
			}
			write(w, 200, each1(l.append(values[1], values[0]), func(m message) any {
				return object{"n": m.seq, "who": m.sender, "what": m.text, "nth": m.count}
			}))
		})
	},
	"fields named one after the other, in words": func(l *log, mux *http.ServeMux) {
		mux.HandleFunc("POST /messages", func(w http.ResponseWriter, r *http.Request) {
			var fields map[string]string
			json.NewDecoder(r.Body).Decode(&fields)
			for _, name := range []string{"username", "content"} {
				if fields[name] == "" {
					write(w, 422, object{"detail": "field '" + name + "' is required"})
					return
				}
			}
			write(w, 200, each1(l.append(fields["username"], fields["content"]), func(m message) any {
				return object{"id": m.seq, "username": m.sender, "content": m.text, "count": m.count}
			}))
		})
	},
	"arrays": func(l *log, mux *http.ServeMux) {
		mux.HandleFunc("POST /send", func(w http.ResponseWriter, r *http.Request) {
			values := body(r, "name", "text")
			if values == nil {
				write(w, 400, object{})
				return
			}
			write(w, 200, each1(l.append(values[0], values[1]), func(m message) any {
				return []any{m.seq, m.sender, m.text, m.at.UTC().Format(time.RFC3339Nano), m.count}
			}))
		})
	},
	"numbered keys, the count beside": func(l *log, mux *http.ServeMux) {
		mux.HandleFunc("POST /message", func(w http.ResponseWriter, r *http.Request) {
			values := body(r, "sender", "message")
			if values == nil {
				write(w, 400, object{})
				return
			}
			window := l.append(values[0], values[1])
			var keyed []string
			for i, m := range window {
				data, _ := json.Marshal(object{"id": m.seq, "sender": m.sender, "message": m.text})
				keyed = append(keyed, fmt.Sprintf("%q: %s", fmt.Sprint(i+1), data))
			}
			fmt.Fprintf(w, `{"count": %d, "messages": {%s}}`, window[len(window)-1].count, strings.Join(keyed, ", "))
		})
	},
	"windows of one sender": func(l *log, mux *http.ServeMux) {
		mux.HandleFunc("POST /messages", func(w http.ResponseWriter, r *http.Request) {
			values := body(r, "sender", "text")
			if values == nil {
				write(w, 400, object{})
				return
			}
			l.append(values[0], values[1])
			l.mu.Lock()
			defer l.mu.Unlock()
			var own []message
			for _, m := range l.all {
				if m.sender == values[0] {
					own = append(own, m)
				}
				if m.text == values[1] {
					break
				}
			}
			write(w, 200, each1(own[max(0, len(own)-10):], func(m message) any {
				return object{"seq": m.seq, "sender": m.sender, "text": m.text, "sender_count": m.count}
			}))
		})
	},
	"no numbers, local time": func(l *log, mux *http.ServeMux) {
		mux.HandleFunc("POST /chat", func(w http.ResponseWriter, r *http.Request) {
			values := body(r, "author", "text")
			if values == nil {
				write(w, 400, object{})
				return
			}
			write(w, 200, object{"result": each1(l.append(values[0], values[1]), func(m message) any {
				return object{"author": m.sender, "text": m.text, "at": m.at.In(time.FixedZone("", 3*3600)).Format("2006-01-02 15:04:05.000000")}
			})})
		})
	},
	"short and plain texts": func(l *log, mux *http.ServeMux) {
		mux.HandleFunc("POST /send_message", func(w http.ResponseWriter, r *http.Request) {
			values := body(r, "sender", "text")
			plain := func(c rune) bool {
				return strings.ContainsRune(" []:", c) || c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9'
			}
			if values == nil || len(values[1]) > 200 || strings.ContainsFunc(values[1], func(c rune) bool { return !plain(c) }) {
				write(w, 422, object{"error": "text"})
				return
			}
			write(w, 200, each1(l.append(values[0], values[1]), func(m message) any {
				return object{"id": m.seq, "sender": m.sender, "text": m.text, "count": m.count, "ts": m.at.UnixMicro()}
			}))
		})
	},
	"GET": func(l *log, mux *http.ServeMux) {
		mux.HandleFunc("GET /message", func(w http.ResponseWriter, r *http.Request) {
			if r.FormValue("username") == "" || r.FormValue("text") == "" {
				write(w, 400, object{})
				return
			}
			write(w, 200, object{"ok": true, "messages": each1(l.append(r.FormValue("username"), r.FormValue("text")), func(m message) any {
				return object{"id": m.seq, "username": m.sender, "text": m.text, "number": m.count, "at": m.at.UTC().Format(time.RFC3339Nano)}
			})})
		})
	},
}

func probed(t *testing.T, handler http.Handler) (*httptest.Server, *Finding, error) {
	t.Helper()
	s := httptest.NewServer(handler)
	t.Cleanup(s.Close)
	found, err := Run(t.Context(), Config{URL: s.URL, Mark: "abcdefghij", Client: s.Client()})
	return s, found, err
}

// The profile that is found lets the load tester judge the server rightly.
func TestProbe(t *testing.T) {
	for name, register := range servers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, mux := new(log), http.NewServeMux()
			register(l, mux)
			s, found, err := probed(t, mux)
			if err != nil {
				t.Fatal(err)
			}
			if sent := len(l.all); sent > 40 {
				t.Errorf("%d messages were sent", sent)
			}
			profile, err := loadtest.ParseProfile(found.Profile)
			if err != nil {
				t.Fatalf("%v\n%s", err, found.Profile)
			}
			test, err := loadtest.New(loadtest.Config{URLs: []string{s.URL}, Profile: profile, Requests: 300, Workers: 8, Timeout: 5 * time.Second})
			if err != nil {
				t.Fatal(err)
			}
			run := test.Run(t.Context(), nil)
			verdict := test.Verifier().Verdict()
			want := verify.Verified
			if name == "windows of one sender" {
				want = verify.Violated // as long as the profile does not say that it is meant
			}
			if run.OK != 300 || verdict.Status != want {
				t.Errorf("%d answered, %v: %v\n%v\n%v\n%s", run.OK, verdict.Status, verdict.Reasons, verdict.CounterExample, run.Failures, found.Profile)
			}
			for _, c := range verdict.Checks {
				if c.NotCheckable.Form != "" && (c.Check == verify.Counters) == (name != "no numbers, local time") {
					t.Errorf("%v cannot be checked: %v\n%s", c.Check, c.NotCheckable, found.Profile)
				}
			}
		})
	}
}

// Where there is nothing to find, it says what it saw.
func TestNothingToProbe(t *testing.T) {
	for name, handler := range map[string]http.HandlerFunc{
		"nothing":    http.NotFound,
		"a page":     func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>hello</html>") },
		"errors":     func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "oops", 500) },
		"no list":    func(w http.ResponseWriter, r *http.Request) { write(w, 200, object{"ok": true}) },
		"a redirect": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", http.StatusFound) },
		"endless loop": func(w http.ResponseWriter, r *http.Request) {
			write(w, 200, object{"$ref": "#/$ref", "paths": object{"/": object{"post": object{"requestBody": object{"$ref": "#/paths/~1/post/requestBody"}}}}})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, found, err := probed(t, handler)
			nothing, ok := errors.AsType[*ErrNoWay](err)
			if !ok || found != nil || name != "nothing" && len(nothing.Seen) == 0 {
				t.Errorf("found %v, %v", found, err)
			}
		})
	}
}

// Each kind of answer is told once, and the advice suits what came.
func TestAdvice(t *testing.T) {
	for name, tt := range map[string]struct {
		handler http.HandlerFunc
		advice  string
		most    int // requests that are sent
	}{
		"a token":  {func(w http.ResponseWriter, r *http.Request) { write(w, 401, object{"path": r.URL.Path}) }, "--token-file", 20},
		"errors":   {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "oops", 500) }, "fails with status 500", 70},
		"starting": {func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "not yet", http.StatusServiceUnavailable) }, "fails with status 503", 20},
		"a page":   {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>hello</html>") }, "not JSON, but text/html", 100},
		"https": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://chat.example.org"+r.URL.Path, http.StatusMovedPermanently)
		}, "redirects to https://chat.example.org;", 20},
		"other paths": {http.NotFound, "give the path in the URL", 20},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var requests atomic.Int64
			_, _, err := probed(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				requests.Add(1)
				tt.handler(w, r)
			}))
			nothing, ok := errors.AsType[*ErrNoWay](err)
			if !ok || len(nothing.Seen) > 1 || !strings.Contains(nothing.Advice.String(), tt.advice) {
				t.Errorf("%v, %+v; want %q", err, nothing, tt.advice)
			}
			if n := requests.Load(); n > int64(tt.most) {
				t.Errorf("%d requests, want at most %d", n, tt.most)
			}
		})
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }))
	defer s.Close()
	_, err := Run(t.Context(), Config{URL: s.URL, Mark: "abcdefghij", Token: "wrong", Client: s.Client()})
	if nothing, ok := errors.AsType[*ErrNoWay](err); !ok || !strings.Contains(nothing.Advice.String(), "refuses the token") {
		t.Errorf("with a wrong token, %v, %+v", err, nothing)
	}
}

// A server that closes connections is given up at once.
func TestNoAnswer(t *testing.T) {
	var requests atomic.Int64
	_, _, err := probed(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		requests.Add(1)
		panic(http.ErrAbortHandler)
	}))
	silent, ok := errors.AsType[*ErrNoAnswer](err)
	if !ok || silent.Reason != "closed before the answer" || !strings.HasSuffix(silent.Request, "/messages") || requests.Load() > 4 {
		t.Errorf("%v after %d requests", err, requests.Load())
	}
}

// A path in the URL is part of the profile.
func TestProbePath(t *testing.T) {
	l, mux := new(log), http.NewServeMux()
	mux.HandleFunc("POST /v7/say", func(w http.ResponseWriter, r *http.Request) {
		if values := body(r, "sender", "text"); values != nil {
			write(w, 200, each1(l.append(values[0], values[1]), func(m message) any { return object{"id": m.seq, "text": m.text} }))
		} else {
			write(w, 400, object{})
		}
	})
	s := httptest.NewServer(mux)
	defer s.Close()
	found, err := Run(t.Context(), Config{URL: s.URL + "/v7/say", Mark: "abcdefghij", Client: s.Client()})
	if err != nil {
		t.Fatal(err)
	}
	if p, err := loadtest.ParseProfile(found.Profile); err != nil || p.Path != "/v7/say" {
		t.Errorf("%v\n%s", err, found.Profile)
	}
}

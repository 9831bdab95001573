package e2e

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"dummymessenger/internal/lab/labtest"
)

// loginPage is what a proxy answers with in place of a server.
const loginPage = "<!doctype html><html><body>Please log in</body></html>"

func answerHTML(w http.ResponseWriter, status int) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	fmt.Fprint(w, loginPage)
}

// notOurs are a proxy's answers to a message, which do not tell whether it was stored.
var notOurs = []struct {
	name   string
	answer http.HandlerFunc
}{
	{"a redirection", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/login", http.StatusFound) }},
	{"a redirection of the POST", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/login", http.StatusTemporaryRedirect)
	}},
	{"200 of HTML", func(w http.ResponseWriter, r *http.Request) { answerHTML(w, http.StatusOK) }},
	{"200 of HTML that is called JSON", func(w http.ResponseWriter, r *http.Request) { answerJSON(w, loginPage) }},
	{"200 of other JSON", func(w http.ResponseWriter, r *http.Request) { answerJSON(w, `{"ok":true}`) }},
	{"200 without a message", func(w http.ResponseWriter, r *http.Request) { answerJSON(w, `{"messages":[]}`) }},
	{"200 of other messages", func(w http.ResponseWriter, r *http.Request) {
		answerJSON(w, `{"messages":[{"seq":1,"sender":"Anna","sender_count":1,"text":"older","sent_at":"2026-11-24T10:00:00.123456Z"}]}`)
	}},
	{"201 of the messenger's", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusCreated)
		fmt.Fprint(w, `{"messages":[{"seq":1,"sender":"Anna","sender_count":1,"text":"hello","sent_at":"2026-11-24T10:00:00.123456Z"}]}`)
	}},
	{"403 of HTML", func(w http.ResponseWriter, r *http.Request) { answerHTML(w, http.StatusForbidden) }},
	{"500 of HTML", func(w http.ResponseWriter, r *http.Request) { answerHTML(w, http.StatusInternalServerError) }},
}

func answerJSON(w http.ResponseWriter, body string) {
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprint(w, body)
}

// The examples do not take a proxy's answer for the messenger's, and do not try again
// after one.
func TestExamplesTakeOnlyOurAnswers(t *testing.T) {
	t.Parallel()
	for _, ex := range examplePrograms {
		t.Run(ex.name, func(t *testing.T) {
			t.Parallel()
			labtest.Program(t, ex.needs)
			if ex.name == "curl" {
				labtest.Program(t, "jq")
			}
			for _, tt := range notOurs {
				var mu sync.Mutex
				var asked []string
				proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					mu.Lock()
					asked = append(asked, r.Method+" "+r.URL.Path)
					mu.Unlock()
					if r.URL.Path == "/login" {
						answerHTML(w, http.StatusOK)
						return
					}
					tt.answer(w, r)
				}))
				args := ex.args(t, "Anna", "hello", []string{proxy.URL})
				out, err := exec.CommandContext(t.Context(), args[0], args[1:]...).CombinedOutput()
				proxy.Close()
				if err == nil || !strings.Contains(string(out), "messenger") || strings.Contains(string(out), "Traceback") {
					t.Errorf("%s: %v; want an error that tells of it\n%s", tt.name, err, out)
				}
				if got := strings.Join(asked, ", "); got != "POST /messages" {
					t.Errorf("%s: the proxy was asked %s; want one POST /messages", tt.name, got)
				}
			}
		})
	}
}

// If a proxy answers that a replica is away or overloaded, the examples try again with
// the same key after the time in Retry-After, but do not wait an hour.
func TestExamplesTryAgainBehindProxy(t *testing.T) {
	t.Parallel()
	for _, ex := range examplePrograms {
		t.Run(ex.name, func(t *testing.T) {
			t.Parallel()
			labtest.Program(t, ex.needs)
			db := sqliteDatabase(filepath.Join(t.ArtifactDir(), "messages.db"))
			replica := start(t, 1, db.url).urls()[0]
			var mu sync.Mutex
			var at []time.Time
			keys := map[string]bool{}
			proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				mu.Lock()
				at = append(at, time.Now())
				try := len(at)
				keys[r.Header.Get("Idempotency-Key")] = true
				mu.Unlock()
				switch try {
				case 1:
					answerHTML(w, http.StatusBadGateway)
				case 2:
					w.Header().Set("Retry-After", time.Now().Add(3*time.Second).UTC().Format(http.TimeFormat))
					answerHTML(w, http.StatusServiceUnavailable)
				case 3:
					w.Header().Set("Retry-After", "3600")
					answerHTML(w, http.StatusTooManyRequests)
				case 4:
					answerHTML(w, http.StatusGatewayTimeout)
				default:
					response, body, err := passOn(r, replica)
					if err != nil {
						t.Error(err)
						return
					}
					maps.Copy(w.Header(), response.Header)
					w.WriteHeader(response.StatusCode)
					w.Write(body)
				}
			}))
			defer proxy.Close()
			args := ex.args(t, "Anna", "hello", []string{proxy.URL})
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			if out, err := exec.CommandContext(ctx, args[0], args[1:]...).CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			mu.Lock()
			defer mu.Unlock()
			if got := len(db.table(t)); got != 1 || len(keys) != 1 || len(at) != 5 {
				t.Fatalf("%d messages are stored after %d tries under %d keys, want 1 after 5 under 1", got, len(at), len(keys))
			}
			if wait := at[2].Sub(at[1]); wait < 1500*time.Millisecond {
				t.Errorf("it waited %v, want two to three seconds, until the date of Retry-After", wait)
			}
			if wait := at[3].Sub(at[2]); wait < 9*time.Second {
				t.Errorf("it waited %v, want ten seconds for the hour of Retry-After", wait)
			}
		})
	}
}

// The examples ask a replica on this machine directly, whatever proxy the environment
// names, and others through the proxy.
func TestExamplesAskLoopbackDirectly(t *testing.T) {
	t.Parallel()
	for _, ex := range examplePrograms {
		t.Run(ex.name, func(t *testing.T) {
			t.Parallel()
			labtest.Program(t, ex.needs)
			replica := start(t, 1, sqliteDatabase(filepath.Join(t.ArtifactDir(), "messages.db")).url).urls()[0]
			var asked atomic.Int64
			proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				asked.Add(1)
				answerHTML(w, http.StatusForbidden)
			}))
			defer proxy.Close()
			_, port, _ := strings.Cut(strings.TrimPrefix(replica, "http://"), ":")
			for _, url := range []string{replica, replica + "/", "http://localhost:" + port, "http://a-replica.invalid:" + port} {
				args := ex.args(t, "Anna", "hello", []string{url})
				cmd := exec.CommandContext(t.Context(), args[0], args[1:]...)
				cmd.Env = append(os.Environ(), "no_proxy=", "NO_PROXY=")
				for _, name := range []string{"http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"} {
					cmd.Env = append(cmd.Env, name+"="+proxy.URL)
				}
				foreign := strings.Contains(url, "invalid")
				if foreign && ex.name == "javascript" {
					continue // knows of no proxies
				}
				if out, err := cmd.CombinedOutput(); (err != nil) != foreign || (asked.Load() > 0) != foreign {
					t.Errorf("%s: %v; the proxy was asked %d times\n%s", url, err, asked.Load(), out)
				}
			}
		})
	}
}

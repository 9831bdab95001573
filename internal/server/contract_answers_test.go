// With the instrumentation of fuzzing, what validates documents takes minutes to compile.
//go:build !fuzzing

package server_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"dummymessenger/internal/feed"
	"dummymessenger/internal/messenger"
	"dummymessenger/internal/metrics"
	"dummymessenger/internal/program"
	"dummymessenger/internal/server"
)

// replicaForm is the form of messenger.ReplicaHeader once the log is open.
var replicaForm = regexp.MustCompile(`^[0-9a-f]{16}; log=[0-9A-Za-z-]{1,64}$`)

// TestContract provokes every answer in the document and checks it against the
// document. It fails if the server gives an answer that the document lacks.
func TestContract(t *testing.T) {
	c := openContract(t)
	hold := func(t *testing.T, operation string, resp *http.Response, body []byte, want string) {
		t.Helper()
		got := key(operation, resp.StatusCode, resp.Header.Get("Content-Type"), body)
		if got != operation+": "+want {
			t.Errorf("%s, want %s\n%.500s", got, want, body)
		}
		c.seen[got] = true
		if replica := resp.Header.Values(messenger.ReplicaHeader); len(replica) != 1 || !replicaForm.MatchString(replica[0]) {
			t.Errorf("%s: %s = %q, want one of the form %s", got, messenger.ReplicaHeader, replica, replicaForm)
		}
		if err := c.check(operation, resp, body); err != nil {
			t.Errorf("%s: the answer is not as documented: %v\n%v\n%.500s", got, err, resp.Header, body)
		}
	}

	tell := func(t *testing.T, operation string, req *http.Request, want string) {
		t.Helper()
		resp, body := send(t, req)
		hold(t, operation, resp, body, want)
	}
	get := func(t *testing.T, operation, url, want string, header ...string) {
		t.Helper()
		tell(t, operation, request(t, "GET", url, "", header...), want)
	}

	const post = "POST /messages"
	t.Run("ordinary", func(t *testing.T) {
		r := start(t, nil)
		for range 11 {
			tell(t, post, request(t, "POST", r.url+"/messages", goodBody, "X-Request-Id", "id-1"), "200 application/json")
		}
		for range 2 {
			tell(t, post, request(t, "POST", r.url+"/messages", goodBody, "Idempotency-Key", `"order-17"`), "200 application/json")
		}
		again := request(t, "POST", r.url+"/messages", `{"sender":"Анна","text":"x"}`, "Idempotency-Key", "order-17")
		tell(t, post, again, "422 idempotency-key-reused")
		tell(t, post, request(t, "POST", r.url+"/messages", `{"sender":"Анна"}`), "422 invalid-message")
		tell(t, post, request(t, "POST", r.url+"/messages", `{"sender":null}`), "400 malformed-request")
		tell(t, post, request(t, "POST", r.url+"/messages", goodBody, "Sec-Fetch-Site", "cross-site"), "403 forbidden")
		tell(t, post, request(t, "POST", r.url+"//messages", goodBody), "404 not-found")
		tell(t, post, request(t, "GET", r.url+"/messages", ""), "405 method-not-allowed")
		tell(t, post, request(t, "POST", r.url+"/messages", goodBody, "Content-Type", "text/plain"), "415 unsupported-media-type")
		tell(t, post, request(t, "POST", r.url+"/messages", goodBody, "Content-Encoding", "gzip"), "415 unsupported-media-type")

		large := request(t, "POST", r.url+"/messages", "")
		var never io.Closer
		large.Body, never = io.Pipe()
		large.ContentLength = 64<<10 + 1
		tell(t, post, large, "413 request-entity-too-large")
		never.Close()

		get(t, "GET /livez", r.url+"/livez", "200 text/plain")
		get(t, "GET /readyz", r.url+"/readyz", "200 text/plain")
		get(t, "GET /metrics", r.url+"/metrics", "200 text/plain")
		get(t, "GET /openapi.yaml", r.url+"/openapi.yaml", "200 application/yaml")
	})

	t.Run("watching", func(t *testing.T) {
		r := start(t, nil)
		get(t, "GET /history", r.url+"/history", "200 application/json") // of nothing
		for range 3 {
			send(t, request(t, "POST", r.url+"/messages", goodBody))
		}
		resp, data := watch(t, request(t, "GET", r.url+"/events?after=1", ""), 2)
		hold(t, "GET /events", resp, nil, "200 text/event-stream")
		answer := []byte(`{"messages":[` + strings.Join(data, ",") + `]}`)
		if resp, body := send(t, request(t, "GET", r.url+"/history?before=4&limit=2", "")); string(body) != string(answer) {
			t.Errorf("the events are %s, the history is %s", answer, body)
		} else {
			hold(t, "GET /history", resp, body, "200 application/json")
		}
		get(t, "GET /events", r.url+"/events?after=4", "400 malformed-request")
		get(t, "GET /events", r.url+"/events", "400 malformed-request", "Last-Event-ID", "x")
		get(t, "GET /history", r.url+"/history?limit=201", "400 malformed-request")
	})

	t.Run("watching in vain", func(t *testing.T) {
		away := nothing{&messenger.Error{Kind: messenger.Unavailable, Err: errors.New("made up by this test")}}
		r := start(t, func(cfg *server.Config) { cfg.Feed = feed.New(feed.Config{Log: away, Encode: server.AppendEvent}) })
		get(t, "GET /events", r.url+"/events", "503 database-unavailable")
		get(t, "GET /history", r.url+"/history", "503 database-unavailable")
	})

	t.Run("too many watchers", func(t *testing.T) {
		r := start(t, func(cfg *server.Config) {
			cfg.Feed = feed.New(feed.Config{Log: nothing{}, Encode: server.AppendEvent, MaxWatchers: 1})
		})
		watch(t, request(t, "GET", r.url+"/events", ""), 0)
		get(t, "GET /events", r.url+"/events", "503 overloaded")
	})

	t.Run("pages", func(t *testing.T) {
		r := start(t, nil)
		for operation, file := range map[string]string{"GET /": "", "GET /status": "status", "GET /docs": "docs", "GET /page/{file}": "page/page.css"} {
			resp, body := send(t, request(t, "GET", r.url+"/"+file, ""))
			want := "200 text/html"
			if file == "page/page.css" {
				want = "200 text/css"
			}
			hold(t, operation, resp, body, want)
			get(t, operation, r.url+"/"+file, "304 ", "If-None-Match", resp.Header.Get("ETag"))
		}
		get(t, "GET /page/{file}", r.url+"/page/stream.js", "200 text/javascript")
		get(t, "GET /page/{file}", r.url+"/page/icon.svg", "200 image/svg+xml")
		get(t, "GET /page/{file}", r.url+"/page/nothing", "404 not-found")
		eventually(t, func() bool { // one second is in the columns
			_, body := send(t, request(t, "GET", r.url+"/status.json", ""))
			return !strings.Contains(string(body), `"at":[]`)
		})
		get(t, "GET /status.json", r.url+"/status.json", "200 application/json")
	})

	t.Run("tokens", func(t *testing.T) {
		r := start(t, func(cfg *server.Config) { cfg.Authorized = func(token string) bool { return token == "right" } })
		tell(t, post, request(t, "POST", r.url+"/messages", goodBody), "401 unauthorized")
		tell(t, post, request(t, "POST", r.url+"/messages", goodBody, "Authorization", "Bearer wrong"), "401 unauthorized")
		tell(t, post, request(t, "POST", r.url+"/messages", goodBody, "Authorization", "Bearer right"), "200 application/json")
		get(t, "GET /events", r.url+"/events", "401 unauthorized")
		get(t, "GET /history", r.url+"/history", "401 unauthorized")
	})

	t.Run("slow body", func(t *testing.T) {
		r := start(t, func(cfg *server.Config) { cfg.ReadTimeout = 50 * time.Millisecond })
		slow := request(t, "POST", r.url+"/messages", "")
		var never io.Closer
		slow.Body, never = io.Pipe()
		slow.ContentLength = 30
		tell(t, post, slow, "408 request-timeout")
		never.Close()
	})

	for kind, want := range map[messenger.Kind]string{
		messenger.Internal:    "500 internal",
		messenger.Overloaded:  "503 overloaded",
		messenger.Unavailable: "503 database-unavailable",
		messenger.Unwritable:  "503 database-unwritable",
		messenger.Unknown:     "504 outcome-unknown",
	} {
		t.Run(want, func(t *testing.T) {
			failure := &messenger.Error{Kind: kind, Err: errors.New("made up by this test")}
			r := start(t, func(cfg *server.Config) {
				cfg.Log = failing{failure}
				cfg.Ready = func(context.Context) error { return failure }
			})
			tell(t, post, request(t, "POST", r.url+"/messages", goodBody), want)
			if !strings.HasPrefix(want, "503") {
				want = "503 database-unavailable"
			}
			get(t, "GET /readyz", r.url+"/readyz", want)
		})
	}

	t.Run("too many connections", func(t *testing.T) {
		r := start(t, func(cfg *server.Config) { cfg.MaxConnections = 1 })
		conn, err := net.Dial("tcp", r.ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		eventually(t, func() bool { open, _ := r.Connections(); return open == 1 })
		tell(t, post, request(t, "POST", r.url+"/messages", goodBody), "503 too-many-connections")
		for _, path := range []string{"/readyz", "/events", "/history"} {
			get(t, "GET "+path, r.url+path, "503 too-many-connections")
		}
	})

	t.Run("under another site's name", func(t *testing.T) {
		r := start(t, nil)
		for _, path := range []string{"/events", "/history"} {
			req := request(t, "GET", r.url+path, "")
			req.Host = "chat.example"
			tell(t, "GET "+path, req, "403 forbidden")
		}
	})

	t.Run("stopping", func(t *testing.T) {
		r := start(t, func(cfg *server.Config) { cfg.DrainDelay = time.Hour }) // ended by closing the listener
		r.stop()
		eventually(t, func() bool {
			resp, _ := send(t, request(t, "GET", r.url+"/readyz", ""))
			return resp.StatusCode == 503
		})
		get(t, "GET /readyz", r.url+"/readyz", "503 stopping")
		get(t, "GET /events", r.url+"/events", "503 stopping")
	})

	t.Run("too many readers of metrics", func(t *testing.T) {
		reading, finish := make(chan struct{}), make(chan struct{})
		counted := metrics.New(program.Build{})
		counted.Queue(func() int {
			reading <- struct{}{}
			<-finish
			return 0
		})
		r := start(t, func(cfg *server.Config) { cfg.Metrics = counted.Handler(slog.New(slog.DiscardHandler)) })
		var readers sync.WaitGroup
		for range 4 {
			req := request(t, "GET", r.url+"/metrics", "")
			readers.Go(func() {
				if resp, err := client.Do(req); err == nil {
					resp.Body.Close()
				}
			})
			<-reading
		}
		get(t, "GET /metrics", r.url+"/metrics", "503 text/plain")
		close(finish)
		readers.Wait()
	})

	for k := range c.promised(t) {
		if !c.seen[k] {
			t.Errorf("documented, but not seen in this test: %s", k)
		}
	}
	for k := range c.seen {
		if !c.promised(t)[k] {
			t.Errorf("seen, but not documented: %s", k)
		}
	}
}

// The document and the server accept the same requests.
func TestContractRequests(t *testing.T) {
	c := openContract(t)
	r := start(t, nil)
	const bound = "\U0001F600" // one character, of four bytes
	for name, tt := range map[string]struct {
		body string
		key  string
		good bool
	}{
		"ordinary":              {goodBody, "", true},
		"spaces around":         {" " + goodBody + "\n", "", true},
		"longest sender":        {`{"sender":"` + strings.Repeat(bound, 64) + `","text":"x"}`, "", true},
		"sender too long":       {`{"sender":"` + strings.Repeat(bound, 65) + `","text":"x"}`, "", false},
		"longest text":          {`{"sender":"a","text":"` + strings.Repeat(bound, 4096) + `"}`, "", true},
		"text too long":         {`{"sender":"a","text":"` + strings.Repeat(bound, 4097) + `"}`, "", false},
		"lines in the text":     {`{"sender":"a","text":"\u0001\t\n\r\u2028\u0085"}`, "", true},
		"empty sender":          {`{"sender":"","text":"x"}`, "", false},
		"empty text":            {`{"sender":"a","text":""}`, "", false},
		"no sender":             {`{"text":"x"}`, "", false},
		"no text":               {`{"sender":"a"}`, "", false},
		"another field":         {`{"sender":"a","text":"x","to":"b"}`, "", false},
		"null":                  {`{"sender":"a","text":null}`, "", false},
		"a number":              {`{"sender":1,"text":"x"}`, "", false},
		"an array":              {`[{"sender":"a","text":"x"}]`, "", false},
		"broken off":            {`{"sender":"a"`, "", false},
		"no body":               {``, "", false},
		"NUL in sender":         {`{"sender":"a\u0000","text":"x"}`, "", false},
		"NUL in text":           {`{"sender":"a","text":"x\u0000"}`, "", false},
		"a line in sender":      {`{"sender":"a\n","text":"x"}`, "", false},
		"DEL in sender":         {`{"sender":"a\u007f","text":"x"}`, "", false},
		"C1 control in sender":  {`{"sender":"a\u009f","text":"x"}`, "", false},
		"no-break in sender":    {`{"sender":"a\u00a0b","text":"x"}`, "", true},
		"key":                   {goodBody, "order-17", true},
		"quoted key":            {goodBody, `"order-18"`, true},
		"escapes in a key":      {goodBody, `"a\"b\\c"`, true},
		"backslash in bare key": {goodBody, `a\b`, true},
		"longest key":           {goodBody, strings.Repeat("k", 255), true},
		"longest quoted key":    {goodBody, `"` + strings.Repeat(`\"`, 255) + `"`, true},
		"key too long":          {goodBody, strings.Repeat("k", 256), false},
		"quoted key too long":   {goodBody, `"` + strings.Repeat("k", 256) + `"`, false},
		"space in a key":        {goodBody, "a b", false},
		"space in a quoted key": {goodBody, `"a b"`, false},
		"empty quoted key":      {goodBody, `""`, false},
		"quote in a bare key":   {goodBody, `a"b`, false},
		"open quote":            {goodBody, `"a`, false},
		"wrong escape":          {goodBody, `"a\b"`, false},
		"other than ASCII":      {goodBody, "ключ", false},
	} {
		var header []string
		if tt.key != "" {
			header = []string{"Idempotency-Key", tt.key}
		}
		resp, answer := send(t, request(t, "POST", r.url+"/messages", tt.body, header...))
		if got := resp.StatusCode == 200; got != tt.good {
			t.Errorf("%s: the server says %s, want good = %v: %s", name, resp.Status, tt.good, answer)
		}
		if got, differences := c.ValidateHttpRequest(request(t, "POST", r.url+"/messages", tt.body, header...)); got != tt.good {
			t.Errorf("%s: the document accepts it: %v, want %v: %v", name, got, tt.good, differences)
		}
	}
}

// The check notices an answer that differs from the document in one respect.
func TestContractCatches(t *testing.T) {
	c := openContract(t)
	r := start(t, func(cfg *server.Config) { cfg.Authorized = func(token string) bool { return token == "right" } })
	type answer struct {
		resp *http.Response
		body string
	}
	get := func(operation, token string) answer {
		method, path, _ := strings.Cut(operation, " ")
		resp, body := send(t, request(t, method, r.url+path, goodBody, "Authorization", "Bearer "+token,
			"Idempotency-Key", "one")) // so that all get the same window, of one message
		if err := c.check(operation, resp, body); err != nil {
			t.Fatalf("%s, as it is: %v", operation, err)
		}
		return answer{resp, string(body)}
	}
	for name, tt := range map[string]struct {
		operation, token string
		old, new         string               // in the body
		change           func(*http.Response) // of the rest
	}{
		"a field renamed":       {"POST /messages", "right", `"sent_at"`, `"sentAt"`, nil},
		"a field more":          {"POST /messages", "right", `"seq":`, `"id":7,"seq":`, nil},
		"a field less":          {"POST /messages", "right", `"sender_count":1,`, ``, nil},
		"a number as a string":  {"POST /messages", "right", `"seq":1`, `"seq":"1"`, nil},
		"a number below bounds": {"POST /messages", "right", `"seq":1`, `"seq":0`, nil},
		"a date in short":       {"POST /messages", "right", `Z"`, `+00:00"`, nil},
		"no message":            {"POST /messages", "right", `{"messages":[`, `{"messages":[],"x":[`, nil},
		"another status":        {"POST /messages", "right", "", "", func(r *http.Response) { r.StatusCode = 201 }},
		"another type":          {"POST /messages", "right", "", "", func(r *http.Response) { r.Header.Set("Content-Type", "text/plain") }},
		"a header more":         {"POST /messages", "right", "", "", func(r *http.Response) { r.Header.Set("X-Seq", "1") }},
		"a header's value":      {"POST /messages", "right", "", "", func(r *http.Response) { r.Header.Set("Idempotent-Replayed", "yes") }},
		"a header less":         {"POST /messages", "wrong", "", "", func(r *http.Response) { r.Header.Del("Www-Authenticate") }},
		"an unknown problem":    {"POST /messages", "wrong", "about:blank", "urn:dummymessenger:problem:other", nil},
		"another outcome":       {"POST /messages", "wrong", "not_stored", "unknown", nil},
		"a problem's member":    {"POST /messages", "wrong", `"detail"`, `"details"`, nil},
		"another text":          {"GET /livez", "right", "ok", "yes", nil},
	} {
		a := get(tt.operation, tt.token)
		body := strings.ReplaceAll(a.body, tt.old, tt.new)
		if tt.old == "" {
			body = a.body
		} else if body == a.body {
			t.Fatalf("%s: %s does not occur in %s", name, tt.old, a.body)
		}
		if tt.change != nil {
			tt.change(a.resp)
		}
		if err := c.check(tt.operation, a.resp, []byte(body)); err == nil {
			t.Errorf("%s was not found out: %s", name, body)
		}
	}
}

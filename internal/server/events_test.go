package server

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"dummymessenger/internal/credentials"
	"dummymessenger/internal/feed"
	"dummymessenger/internal/groupcommit"
	"dummymessenger/internal/messenger"
	"dummymessenger/internal/store/sqlite"
)

// startWatched serves a log that can be watched.
func startWatched(t *testing.T, cfg Config, watching feed.Config) (*replica, *feed.Feed, messenger.Store) {
	t.Helper()
	log, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "messages.db"), discard)
	if err != nil {
		t.Fatal(err)
	}
	combiner := groupcommit.New(groupcommit.Config{Store: log, Encode: AppendMessage})
	watching.Log, watching.Encode = log, AppendEvent
	watched := feed.New(watching)
	ended := make(chan struct{})
	go func() { defer close(ended); combiner.Run(t.Context()) }()
	t.Cleanup(func() { // after the server has stopped
		<-ended
		watched.Close()
		if err := log.Close(); err != nil {
			t.Error(err)
		}
	})
	cfg.Log, cfg.Feed = combiner, watched
	return start(t, cfg), watched, log
}

// A stream is an open GET /events.
type stream struct {
	*bufio.Reader
	t    *testing.T
	body io.Closer
}

func (rep *replica) watch(t *testing.T, query string, header http.Header) *stream {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "GET", "http://"+rep.addr+"/events"+query, nil)
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
	t.Cleanup(func() { resp.Body.Close() })
	if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("GET /events%s = %s, %s, want 200 and a stream", query, resp.Status, resp.Header.Get("Content-Type"))
	}
	wantCommonHeaders(t, resp)
	return &stream{bufio.NewReader(resp.Body), t, resp.Body}
}

// event is the next event, and how many heartbeats came before it.
func (s *stream) event() (id, data string, beats int) {
	s.t.Helper()
	for {
		line, err := s.ReadString('\n')
		if err != nil {
			s.t.Fatalf("the stream ended: %v", err)
		}
		switch field, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ":"); field {
		case "id":
			id = strings.TrimPrefix(value, " ")
		case "data":
			data = strings.TrimPrefix(value, " ")
		case "":
			if value != "" || line == ":\n" {
				beats++
			} else if data != "" {
				return id, data, beats
			}
		}
	}
}

func (s *stream) sees(first, last int) {
	s.t.Helper()
	for want := first; want <= last; want++ {
		id, data, _ := s.event()
		if id != fmt.Sprint(want) || !strings.HasPrefix(data, fmt.Sprintf(`{"seq":%d,"sender":`, want)) {
			s.t.Fatalf("event %s: %s, want message %d", id, data, want)
		}
	}
}

func (rep *replica) postMany(t *testing.T, n int) {
	t.Helper()
	for i := range n {
		rep.post(t, "Анна", fmt.Sprint("text\r\n\n: ", i))
	}
}

func TestEvents(t *testing.T) {
	t.Parallel()
	rep, _, _ := startWatched(t, Config{}, feed.Config{})
	rep.postMany(t, 15)
	all, newest := rep.watch(t, "?after=0", nil), rep.watch(t, "", nil)
	fromQuery, fromHeader := rep.watch(t, "?after=12", nil), rep.watch(t, "?after=3", http.Header{"Last-Event-Id": {"13"}})
	all.sees(1, 15)
	newest.sees(6, 15)
	fromQuery.sees(13, 15)
	fromHeader.sees(14, 15)

	_, answer := rep.do(t, "POST", "/messages", goodBody, asJSON())
	for _, s := range []*stream{all, newest, fromQuery, fromHeader} {
		if id, data, _ := s.event(); id != "16" || !strings.HasSuffix(answer, data+"]}") {
			t.Errorf("event %s: %s, want 16 as the answer has it: %s", id, data, answer)
		}
	}
}

// A stream outlives the times that a request may take.
func TestEventsGoOn(t *testing.T) {
	t.Parallel()
	const short = 100 * time.Millisecond
	rep, _, _ := startWatched(t, Config{ReadTimeout: short, WriteTimeout: short, Heartbeat: short / 4}, feed.Config{})
	s := rep.watch(t, "", nil)
	for range 40 { // for ten times as long
		if line, err := s.ReadString('\n'); err != nil || line == "" {
			t.Fatalf("the stream ended: %v", err)
		}
	}
	rep.post(t, "Anna", "still there?")
	if _, data, _ := s.event(); !strings.Contains(data, "still there?") {
		t.Errorf("the event is %s", data)
	}
}

func TestEventsRefused(t *testing.T) {
	t.Parallel()
	rep, _, _ := startWatched(t, Config{}, feed.Config{MaxWatchers: 1})
	for _, tt := range []struct {
		query, lastID string
		detail        string
	}{
		{"?after=x", "", `after is "x"; send a whole number`},
		{"?after=", "", "after is"},
		{"?after=-1", "", "after is"},
		{"?after=1.5", "", "after is"},
		{"?after=9007199254740992", "", "after is"},
		{"?after=1&after=2", "", "2 times"},
		{"?after=%2B0", "", "after is"},
		{"?after=-0", "", "after is"},
		{"?after=0%zz", "", "query cannot be read"},
		{"?after=0;a=b", "", "query cannot be read"},
		{"?after=1", "", "the log ends at 0"},
		{"", "x", "Last-Event-ID is"},
		{"", "+0", "Last-Event-ID is"},
		{"", "7", "the log ends at 0"},
	} {
		header := http.Header{}
		if tt.lastID != "" {
			header.Set("Last-Event-ID", tt.lastID)
		}
		resp, got := rep.do(t, "GET", "/events"+tt.query, "", header)
		wantProblem(t, resp, got, 400, "malformed-request", "not_stored", tt.detail)
	}
	resp, got := rep.do(t, "POST", "/events", "", nil)
	wantProblem(t, resp, got, 405, "", "not_stored", "GET, HEAD only")
	if resp, got := rep.do(t, "HEAD", "/events", "", nil); resp.StatusCode != 200 || got != "" {
		t.Errorf("HEAD /events = %s: %q, want 200", resp.Status, got)
	}

	first := rep.watch(t, "", nil)
	resp, got = rep.do(t, "GET", "/events", "", nil)
	wantProblem(t, resp, got, 503, "overloaded", "not_stored", "too many watch")
	if resp.Header.Get("Retry-After") == "" {
		t.Error("there is no Retry-After")
	}
	first.body.Close()
	eventually(t, "somebody else may watch", func() bool {
		resp, err := http.Get("http://" + rep.addr + "/events")
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		return resp.StatusCode == 200
	})
}

// A body that is announced and never sent delays neither the answer nor the shutdown.
func TestEventsWithABody(t *testing.T) {
	t.Parallel()
	for _, promise := range []string{"Content-Length: 5", "Transfer-Encoding: chunked"} {
		rep, _, _ := startWatched(t, Config{ReadTimeout: 200 * time.Millisecond}, feed.Config{})
		conn := dial(t, rep)
		write(t, conn, "GET /events HTTP/1.1\r\nHost: localhost\r\n"+promise+"\r\n\r\n")
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatalf("%s: %v", promise, err)
		}
		got, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatalf("%s: %v", promise, err)
		}
		wantProblem(t, resp, string(got), 400, "malformed-request", "not_stored", "without one")
	}
}

// Open /events streams do not delay the shutdown.
func TestEventsEndAtShutdown(t *testing.T) {
	t.Parallel()
	for name, drain := range map[string]time.Duration{"at once": 0, "while draining": 300 * time.Millisecond} {
		rep, _, _ := startWatched(t, Config{ShutdownTimeout: time.Hour, DrainDelay: drain}, feed.Config{})
		var streams []*stream
		for range 20 {
			streams = append(streams, rep.watch(t, "", nil))
		}
		began := time.Now()
		rep.stop()
		for _, s := range streams {
			if _, err := io.ReadAll(s); err != nil {
				t.Errorf("%s: the stream was cut: %v", name, err)
			}
		}
		if drain > 0 {
			resp, got := rep.do(t, "GET", "/events", "", nil)
			wantProblem(t, resp, got, 503, "stopping", "not_stored", "shutting down")
		}
		<-rep.done
		if took := time.Since(began); rep.err != nil || took > drain+patience/2 {
			t.Errorf("%s: Serve() = %v after %v, want nil at once", name, rep.err, took)
		}
	}
}

// fill appends 16 MB, more than the system keeps for one connection.
func fill(t *testing.T, log messenger.Store) {
	t.Helper()
	drafts := make([]messenger.Draft, 1000)
	for i := range drafts {
		drafts[i] = messenger.Draft{ID: messenger.KeyID(fmt.Sprint(i)), Sender: "a", Text: strings.Repeat("😀", 4096)}
	}
	if _, err := log.Append(t.Context(), func() []messenger.Draft { return drafts }); err != nil {
		t.Fatal(err)
	}
}

// Neither do watchers with much to read who read slowly or not at all.
func TestSlowEventsEndAtShutdown(t *testing.T) {
	t.Parallel()
	for name, pause := range map[string]time.Duration{"slowly": 10 * time.Millisecond, "not at all": time.Hour} {
		rep, watched, log := startWatched(t, Config{WriteTimeout: time.Hour, ShutdownTimeout: time.Hour}, feed.Config{})
		fill(t, log)
		conn := dial(t, rep)
		if err := conn.SetReadBuffer(4 << 10); err != nil {
			t.Fatal(err)
		}
		write(t, conn, "GET /events?after=0 HTTP/1.1\r\nHost: localhost\r\n\r\n")
		reading := make(chan struct{})
		var read atomic.Int64
		go func() {
			defer close(reading)
			for buf := make([]byte, 1<<10); ; {
				n, err := conn.Read(buf)
				if err != nil {
					return
				}
				if read.Add(int64(n)) < 8<<10 {
					continue // not events yet
				}
				select {
				case <-time.After(pause):
				case <-rep.done:
					return
				}
			}
		}()
		eventually(t, "messages are shown", func() bool { return watched.Watchers() == 1 && read.Load() >= 8<<10 })
		began := time.Now()
		rep.stop()
		<-rep.done
		if took := time.Since(began); rep.err != nil || took > finalGrace+patience/2 {
			t.Errorf("%s: Serve() = %v after %v, want nil within %v", name, rep.err, took, finalGrace)
		}
		conn.Close()
		<-reading
	}
}

// A watcher who reads nothing is disconnected.
func TestEventsNotRead(t *testing.T) {
	t.Parallel()
	rep, watched, log := startWatched(t, Config{WriteTimeout: 100 * time.Millisecond}, feed.Config{})
	fill(t, log)
	conn := dial(t, rep)
	if err := conn.SetReadBuffer(4 << 10); err != nil {
		t.Fatal(err)
	}
	write(t, conn, "GET /events?after=0 HTTP/1.1\r\nHost: localhost\r\n\r\n")
	eventually(t, "somebody watches", func() bool { return watched.Watchers() == 1 })
	eventually(t, "who does not read is let go", func() bool { return watched.Watchers() == 0 })
}

func TestHistory(t *testing.T) {
	t.Parallel()
	rep, _, _ := startWatched(t, Config{}, feed.Config{})
	get := func(query string, want string) {
		t.Helper()
		resp, got := rep.do(t, "GET", "/history"+query, "", nil)
		if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "application/json" {
			t.Fatalf("GET /history%s = %s: %s, want 200", query, resp.Status, got)
		}
		wantCommonHeaders(t, resp)
		if want == "" {
			if got != `{"messages":[]}` {
				t.Errorf("GET /history%s = %s, want no messages", query, got)
			}
			return
		}
		messages := window(t, got)
		if have := fmt.Sprint(messages[0].Seq, "–", messages[len(messages)-1].Seq, " ", len(messages)); have != want {
			t.Errorf("GET /history%s = %s, want %s", query, have, want)
		}
	}
	get("", "")
	rep.postMany(t, 60)
	get("", "11–60 50")
	get("?limit=200", "1–60 60")
	get("?before=61&limit=3", "58–60 3")
	get("?before=11", "1–10 10")
	get("?before=1", "")
	get("?before=9007199254740991&limit=1", "60–60 1")

	_, whole := rep.do(t, "GET", "/history?limit=10", "", nil)
	if _, answer := rep.do(t, "GET", "/history?before=61&limit=10", "", nil); answer != whole {
		t.Errorf("the last ten differ: %s and %s", answer, whole)
	}
	for query, detail := range map[string]string{
		"?before=0": "before is", "?before=x": "before is", "?limit=0": "limit is", "?limit=201": "from 1 to 200",
		"?limit=1&limit=1": "2 times", "?before=%zz": "query cannot be read",
	} {
		resp, got := rep.do(t, "GET", "/history"+query, "", nil)
		wantProblem(t, resp, got, 400, "malformed-request", "not_stored", detail)
	}
	resp, got := rep.do(t, "GET", "/messages", "", nil)
	wantProblem(t, resp, got, 405, "", "not_stored", "POST only")
	if allow := resp.Header.Get("Allow"); allow != "POST" {
		t.Errorf("Allow of /messages = %q, want POST", allow)
	}
}

// A caller who pages back through long messages gets fewer at a time, and all of them.
func TestHistoryOfLongMessages(t *testing.T) {
	t.Parallel()
	rep, _, log := startWatched(t, Config{}, feed.Config{})
	fill(t, log) // 1000
	for before := int64(1001); before > 701; {
		resp, got := rep.do(t, "GET", fmt.Sprint("/history?limit=200&before=", before), "", nil)
		if resp.StatusCode != 200 || len(got) > historyBytes+len(answerHead)+len(answerTail) {
			t.Fatalf("GET /history = %s with %d bytes, want up to %d", resp.Status, len(got), historyBytes)
		}
		messages := window(t, got)
		if last := messages[len(messages)-1].Seq; last != before-1 || len(messages) < defaultHistory {
			t.Fatalf("%d messages to %d before %d, want those right before it, and as many as fit", len(messages), last, before)
		}
		before = messages[0].Seq
	}

	// JSON makes six characters of each.
	longest := messenger.Message{
		Seq: maxSeq, Sender: strings.Repeat("😀", messenger.MaxSender), SenderCount: maxSeq, Text: strings.Repeat("\x01", messenger.MaxText),
	}
	most := slices.Repeat([]messenger.Message{longest}, defaultHistory)
	if got := encodeLast(most); len(got) != len(AppendMessages(nil, most)) {
		t.Errorf("of %d of the longest messages %d bytes are left, want all", len(most), len(got))
	}
}

// Routes that show messages need the token; the page's files do not.
func TestPageAndTokens(t *testing.T) {
	t.Parallel()
	rep, _, _ := startWatched(t, Config{
		Authorized: func(token string) bool { return token == "right" },
		Status:     http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "{}") }),
	}, feed.Config{})
	for _, path := range []string{"/events", "/history"} {
		resp, got := rep.do(t, "GET", path, "", nil)
		wantProblem(t, resp, got, 401, "", "not_stored", "token")
	}
	rep.watch(t, "", http.Header{"Authorization": {"Bearer right"}})
	for path, kind := range map[string]string{
		"/": "text/html", "/status": "text/html", "/page/page.css": "text/css",
		"/page/messenger.js": "text/javascript", "/page/icon.svg": "image/svg+xml",
	} {
		resp, got := rep.do(t, "GET", path, "", nil)
		h := resp.Header
		if resp.StatusCode != 200 || got == "" || !strings.HasPrefix(h.Get("Content-Type"), kind) {
			t.Errorf("GET %s = %s, %s, want 200 and %s", path, resp.Status, h.Get("Content-Type"), kind)
		}
		policy := h.Get("Content-Security-Policy")
		if !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") {
			t.Errorf("GET %s: Content-Security-Policy %q, want a strict one", path, policy)
		}
		if h.Get("Cache-Control") != "no-cache" || h.Get("X-Content-Type-Options") != "nosniff" || h.Get("ETag") == "" {
			t.Errorf("GET %s: headers %v, want no-cache, nosniff and an ETag", path, h)
		}
		resp, got = rep.do(t, "GET", path, "", http.Header{"If-None-Match": {h.Get("ETag")}})
		if resp.StatusCode != 304 || got != "" {
			t.Errorf("GET %s with its ETag = %s, want 304", path, resp.Status)
		}
	}
	for _, path := range []string{"/page/", "/page/none.js", "/page/../server.go", "/index.html"} {
		resp, got := rep.do(t, "GET", path, "", nil)
		wantProblem(t, resp, got, 404, "", "not_stored", "nothing at this path")
	}
	resp, got := rep.do(t, "POST", "/", "", nil)
	wantProblem(t, resp, got, 405, "", "not_stored", "GET, HEAD only")
}

// A stream ends when its own token is withdrawn; streams with other tokens go on.
func TestStreamEndsWithItsToken(t *testing.T) {
	t.Parallel()
	const leaving, staying = "leaving-0123456789", "staying-0123456789"
	path := filepath.Join(t.TempDir(), "tokens")
	replace := func(content string) {
		if err := os.WriteFile(path+".new", []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(path+".new", path); err != nil {
			t.Fatal(err)
		}
	}
	replace(leaving + "\n" + staying + "\n")
	tokens, err := credentials.OpenTokens(path, discard)
	if err != nil {
		t.Fatal(err)
	}
	rep, watched, _ := startWatched(t, Config{Authorized: tokens.Valid}, feed.Config{})
	ends := func(s *stream) {
		t.Helper()
		began := time.Now()
		if _, err := io.Copy(io.Discard, s); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took > 3*time.Second {
			t.Errorf("the stream ended after %v, want two seconds", took)
		}
	}
	one := rep.watch(t, "", http.Header{"Authorization": {"Bearer " + leaving}})
	other := rep.watch(t, "", http.Header{"Authorization": {"Bearer " + staying}})
	replace(staying)
	ends(one)
	if resp, _ := rep.do(t, "POST", "/messages", goodBody, asJSON("Authorization", "Bearer "+staying)); resp.StatusCode != 200 {
		t.Errorf("POST with the other token = %s, want 200", resp.Status)
	}
	other.sees(1, 1)
	replace("") // nobody is let in
	ends(other)
	eventually(t, "nobody watches", func() bool { return watched.Watchers() == 0 })
}

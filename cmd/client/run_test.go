package main

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"dummymessenger/internal/report"
	"dummymessenger/internal/verify"
)

// An outcome is what one call of the client returned and wrote.
type outcome struct {
	status         int
	stdout, stderr string
}

// client runs the client.
func client(ctx context.Context, args ...string) outcome {
	var stdout, stderr bytes.Buffer
	status := run(ctx, args, &stdout, &stderr)
	return outcome{status, stdout.String(), stderr.String()}
}

// try runs the client with --json - and returns what it wrote.
func try(t *testing.T, ctx context.Context, args ...string) (status int, r report.Result) {
	t.Helper()
	got := client(ctx, append([]string{"--json", "-", "-q"}, args...)...)
	if err := json.Unmarshal([]byte(got.stdout), &r); err != nil || r.Run == nil {
		t.Fatalf("client %q: status %d, stdout is not JSON: %v\n%s%s", args, got.status, err, got.stdout, got.stderr)
	}
	t.Logf("client %q: status %d, sent %d, ok %d, failures %v\n%s", args, got.status, r.Run.Sent, r.Run.OK, r.Run.Failures, got.stderr)
	return got.status, r
}

// Without flags the client does what the task asks: 50 workers send 100 requests each, in
// ten names, each to a replica that chance names.
func TestTask(t *testing.T) {
	m := newMemory()
	status, r := try(t, t.Context(), newReplica(t, m, nil), newReplica(t, m, nil))
	if status != exitVerified || r.Run.Workers != 50 || r.Run.OK != 5000 || len(r.Run.Senders) != 10 {
		t.Errorf("status %d, %d workers, %d answered, %d senders", status, r.Run.Workers, r.Run.OK, len(r.Run.Senders))
	}
	for _, of := range [...]struct {
		n, least int64 // 10 standard deviations below the mean
	}{{r.Run.Replicas[0].OK, 2100}, {r.Run.Replicas[1].OK, 2100}, {r.Run.Senders[0].OK, 280}, {r.Run.Senders[9].OK, 280}} {
		if of.n < of.least {
			t.Errorf("replicas %+v, senders %+v: chance divides not like this", r.Run.Replicas, r.Run.Senders)
		}
	}
	if r.Run.Total <= 0 || r.Run.Throughput <= 0 || r.Run.Latency.Mean <= 0 {
		t.Errorf("the three numbers are %v s, %v ms and %v per second", r.Run.Total, r.Run.Latency.Mean, r.Run.Throughput)
	}
}

func TestCorrect(t *testing.T) {
	m := newMemory()
	status, r := try(t, t.Context(), "-c", "20", "--per-worker", "50", newReplica(t, m, nil), newReplica(t, m, nil))
	if status != exitVerified {
		t.Errorf("status %d, want %d", status, exitVerified)
	}
	if r.Run.Sent != 1000 || r.Run.OK != 1000 || r.Run.Latency.Count != 1000 {
		t.Errorf("sent %d, ok %d, latencies %d, want 1000", r.Run.Sent, r.Run.OK, r.Run.Latency.Count)
	}
	if r.Run.Generator.Connections != 40 {
		t.Errorf("%d connections, want one for each of 20 workers and 2 replicas", r.Run.Generator.Connections)
	}
	if n := len(m.log); n != 1002 {
		t.Errorf("the log has %d messages, want 1000 and two sentinels", n)
	}
	if sum := r.Run.Replicas[0].OK + r.Run.Replicas[1].OK; sum != 1000 || r.Run.Replicas[0].OK < 400 {
		t.Errorf("the replicas answered %d and %d", r.Run.Replicas[0].OK, r.Run.Replicas[1].OK)
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	type answering func(w http.ResponseWriter, store func() []message)
	tests := []struct {
		name    string
		answer  answering // of some requests; nil: the server knows no idempotency keys
		args    []string
		status  int
		outcome string
		reason  string
	}{
		{name: "refused and not stored", status: exitFailed, outcome: "failed", reason: "status 503, not stored",
			answer: func(w http.ResponseWriter, _ func() []message) { refuse(w, 503, "not_stored") }},
		{name: "503 of a proxy", status: exitFailed, outcome: "unknown", reason: "status 503",
			answer: func(w http.ResponseWriter, _ func() []message) { w.WriteHeader(503) }},
		{name: "bad request", status: exitFailed, outcome: "failed", reason: "status 422",
			answer: func(w http.ResponseWriter, _ func() []message) { refuse(w, 422, "not_stored") }},
		{name: "504 and stored", status: exitFailed, outcome: "unknown", reason: "status 504",
			answer: func(w http.ResponseWriter, store func() []message) { store(); refuse(w, 504, "unknown") }},
		{name: "closed before the answer", status: exitFailed, outcome: "unknown", reason: "closed before the answer",
			answer: func(w http.ResponseWriter, store func() []message) { store(); hijack(w, "") }},
		{name: "answer cut off", status: exitFailed, outcome: "unknown", reason: "answer cut off",
			answer: func(w http.ResponseWriter, store func() []message) {
				store()
				hijack(w, "HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{\"messages\":[")
			}},
		{name: "garbled answer", status: exitFailed, outcome: "unknown", reason: "garbled answer",
			answer: func(w http.ResponseWriter, store func() []message) {
				store()
				w.Write([]byte(`{"messages":[{"seq":1,`))
			}},
		{name: "no HTTP", status: exitFailed, outcome: "unknown", reason: "malformed HTTP answer",
			answer: func(w http.ResponseWriter, _ func() []message) { hijack(w, "220 mail.example.org\r\n") }},
		{name: "slow", args: []string{"--timeout", "200ms"}, status: exitFailed, outcome: "unknown", reason: "timeout",
			answer: func(_ http.ResponseWriter, store func() []message) {
				store()
				time.Sleep(300 * time.Millisecond) // the fault itself
			}},
		{name: "stored, then closed, retried", args: []string{"--retries", "3"}, status: exitVerified,
			answer: func(w http.ResponseWriter, store func() []message) { store(); hijack(w, "") }},
		{name: "not stored, retried", args: []string{"--retries", "3"}, status: exitVerified,
			answer: func(w http.ResponseWriter, _ func() []message) { refuse(w, 503, "not_stored") }},
		{name: "every repetition stored again", args: []string{"--retries", "1", "--replays", "20"}, status: exitViolated},
		{name: "a gap in a window", status: exitViolated,
			answer: func(w http.ResponseWriter, store func() []message) {
				window := store()
				answer(w, append(window[:3], window[4:]...))
			}},
		{name: "another's message last", status: exitViolated,
			answer: func(w http.ResponseWriter, store func() []message) {
				window := store()
				answer(w, window[:len(window)-1])
			}},
		{name: "text altered", status: exitViolated,
			answer: func(w http.ResponseWriter, store func() []message) {
				window := store()
				window[5].Text += "!"
				answer(w, window)
			}},
		{name: "acknowledged twice", status: exitViolated,
			answer: func(w http.ResponseWriter, store func() []message) { store(); answer(w, store()) }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			m := newMemory()
			m.keyless = test.answer == nil
			wrong := func(w http.ResponseWriter, number int64, store func() []message) bool {
				if test.answer == nil || number%100 != 0 || number >= 450 { // sentinels pass
					return false
				}
				test.answer(w, store)
				return true
			}
			args := append([]string{"-c", "10", "-n", "900", newReplica(t, m, wrong), newReplica(t, m, nil)}, test.args...)
			status, r := try(t, t.Context(), args...)
			if status != test.status {
				t.Errorf("status %d, want %d", status, test.status)
			}
			if r.Run.Sent != 900 {
				t.Errorf("sent %d, want 900", r.Run.Sent)
			}
			if m.keyless && r.Verdict.CounterExample.Check != verify.ExactlyOnce {
				t.Errorf("the counter-example is of %v", r.Verdict.CounterExample.Check)
			}
			if got := r.Run.Refused; (got == nil) != (r.Run.Failed == 0) || got != nil && (got.Count != r.Run.Failed || got.Max <= 0) {
				t.Errorf("latency of refusals is %v, with %d of them", got, r.Run.Failed)
			}
			if test.reason == "" {
				if len(r.Run.Failures) > 0 {
					t.Errorf("failures %v, want none", r.Run.Failures)
				}
				return
			}
			if len(r.Run.Failures) != 1 || r.Run.Failures[0].Outcome != test.outcome || r.Run.Failures[0].Reason != test.reason {
				t.Errorf("failures %v, want some of %s: %s only", r.Run.Failures, test.outcome, test.reason)
			}
		})
	}
}

func TestUsage(t *testing.T) {
	dir := t.TempDir()
	empty, bad, html := filepath.Join(dir, "empty"), filepath.Join(dir, "bad"), filepath.Join(dir, "html")
	for name, text := range map[string]string{empty: "", bad: `{"from":1}`} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	check := func(want int, args ...string) {
		t.Helper()
		if got := client(t.Context(), args...); got.status != want || got.stderr == "" || got.stdout != "" {
			t.Errorf("client %q = %d, want %d and a message on stderr\nstdout: %s\nstderr: %s", args, got.status, want,
				got.stdout, got.stderr)
		}
	}
	for _, args := range [][]string{
		{"--bogus"},
		{"-c", "many"},
		{"-c", "0"},
		{"-n", "0"},
		{"-n", "-5"},
		{"--duration", "0s"},
		{"--rate", "0"},
		{"--rate", "Inf"},
		{"--rate", "NaN"},
		{"-c", "9223372036854775807"},
		{"--fail", "failed<NaN"},
		{"--fail", "throughput>Inf"},
		{"--json", "one", "--history", "one"},
		{"--html", "./one", "--json", "one"},
		{"--json", empty, "--html", filepath.Join(filepath.Dir(empty), "other", "..", "empty")},
		{"report", empty, "-o", empty},
		{"--retries", "-1"},
		{"--timeout", "-1s"},
		{"--clock-allowance", "0"},
		{"--clock-allowance", "-1s"},
		{"ftp://127.0.0.1"},
		{"--fail", "p98<1s"},
		{"--fail", "p99=1s"},
		{"--senders", empty},
		{"--profile", empty},
		{"--no-verify", "--history", "x"},
		{"verify"},
		{"report"},
		{"report", bad, "-o", html, "--lang", "de"},
		{"--annotate", bad},
		{"--json", bad, "--senders", bad}, // an output is no input
		{"--json", bad, "--profile", bad},
		{"--json", bad, "--token-file", bad},
		{"--json", bad, "--ca-file", bad},
	} {
		check(exitUsage, args...)
	}
	check(exitNoInput, "--profile", empty+".missing")
	check(exitNoInput, "report", bad)
	check(exitNoInput, "report", bad, "-o", html)
	check(exitNoInput, "report", bad, "-o", html, "--annotate", bad)
	check(exitNoInput, "compare", bad, bad)
	check(exitFailed, "--html", filepath.Join(dir, "none", "x")) // no server is there: no file is opened
	if data, err := os.ReadFile(bad); err != nil || string(data) != `{"from":1}` {
		t.Errorf("the input holds %q now: %v", data, err)
	}
}

func TestHelp(t *testing.T) {
	if got := client(t.Context(), "--help"); got.status != 0 || !strings.Contains(got.stdout, "--per-worker") {
		t.Errorf("--help = %d\n%s%s", got.status, got.stdout, got.stderr)
	}
	if got := client(t.Context(), "--version"); got.status != 0 || !strings.HasPrefix(got.stdout, "client ") {
		t.Errorf("--version = %d\n%s", got.status, got.stdout)
	}
}

func TestThreshold(t *testing.T) {
	t.Parallel()
	m := newMemory()
	url := newReplica(t, m, nil)
	url2 := newReplica(t, m, nil)
	if status, r := try(t, t.Context(), "-n", "500", "--fail", "p50<1us", "--fail", "failed<1", url,
		url2); status != exitThreshold || len(r.Crossed) != 1 {
		t.Errorf("status %d, crossed %q, want %d and the first", status, r.Crossed, exitThreshold)
	}
	if status, r := try(t, t.Context(), "-n", "500", "--fail", "p50<1h", "--fail", "throughput>1", url,
		url2); status != exitVerified || len(r.Crossed) != 0 {
		t.Errorf("status %d, crossed %q, want none", status, r.Crossed)
	}
}

// An interrupt ends the run. The client verifies and reports the requests so
// far.
func TestInterrupt(t *testing.T) {
	t.Parallel()
	m := newMemory()
	ctx, cancel := context.WithCancel(t.Context())
	interrupt := func(w http.ResponseWriter, number int64, store func() []message) bool {
		if number == 300 {
			cancel()
		}
		return false
	}
	status, r := try(t, ctx, "-n", "1000000", newReplica(t, m, interrupt), newReplica(t, m, nil))
	if status != exitInterrupted || !r.Run.Interrupted {
		t.Errorf("status %d, interrupted %t, want %d", status, r.Run.Interrupted, exitInterrupted)
	}
	if r.Run.OK < 300 || r.Run.OK != r.Run.Sent || r.Run.OK > 2000 {
		t.Errorf("sent %d, ok %d, want all that were sent answered", r.Run.Sent, r.Run.OK)
	}
}

func TestOpenLoop(t *testing.T) {
	m := newMemory()
	status, r := try(t, t.Context(), "-c", "20", "--rate", "1000", "--warmup", "100ms", "--duration", "500ms",
		newReplica(t, m, nil), newReplica(t, m, nil))
	if status != exitVerified {
		t.Errorf("status %d, want %d", status, exitVerified)
	}
	if sum := r.Run.Sent + r.Run.Dropped; sum != 500 {
		t.Errorf("%d sent and %d dropped, want 500 together", r.Run.Sent, r.Run.Dropped)
	}
	if r.Run.Service == nil || r.Run.Latency.Mean < r.Run.Service.Mean {
		t.Errorf("latency %+v, service %+v: waiting for a worker was not counted", r.Run.Latency, r.Run.Service)
	}
}

// One slow request delays those behind it, and the latency shows that
// although their own service was quick.
func TestCoordinatedOmission(t *testing.T) {
	m := newMemory()
	stall := func(w http.ResponseWriter, number int64, store func() []message) bool {
		if number == 50 {
			time.Sleep(300 * time.Millisecond) // the fault itself
		}
		return false
	}
	_, r := try(t, t.Context(), "-c", "1", "--rate", "500", "-n", "300", newReplica(t, m, stall))
	if r.Run.Latency.P90 < 50 || r.Run.Service.P90 > 50 || r.Run.Late < 100 {
		t.Errorf("p90 %v ms of latency and %v ms of service, %d late; want a high and a low one", r.Run.Latency.P90,
			r.Run.Service.P90, r.Run.Late)
	}
}

// A stored history comes to the verdict of the run, whole or cut off.
func TestHistory(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		fault  fault
		status int
	}{
		{"correct", nil, exitVerified},
		{"gap", func(w http.ResponseWriter, number int64, store func() []message) bool {
			window := store()
			if number == 100 {
				window = append(window[:3], window[4:]...)
			}
			answer(w, window)
			return true
		}, exitViolated},
	}
	for _, test := range tests {
		for _, suffix := range []string{".jsonl", ".jsonl.gz"} {
			t.Run(test.name+suffix, func(t *testing.T) {
				t.Parallel()
				m := newMemory()
				name := filepath.Join(t.TempDir(), "history"+suffix)
				status, _ := try(t, t.Context(), "-n", "1000", "--history", name, newReplica(t, m, test.fault), newReplica(t, m, nil))
				if status != test.status {
					t.Errorf("run: status %d, want %d", status, test.status)
				}
				if got := client(t.Context(), "verify", name); got.status != test.status {
					t.Errorf("verify: status %d, want %d\n%s%s", got.status, test.status, got.stdout, got.stderr)
				}
				data, err := os.ReadFile(name)
				if err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(name, data[:len(data)*9/10], 0o600); err != nil {
					t.Fatal(err)
				}
				if got := client(t.Context(), "verify", name); got.status != test.status || !strings.Contains(got.stdout, "cut off") {
					t.Errorf("verify, cut off: status %d, want %d\n%s%s", got.status, test.status, got.stdout, got.stderr)
				}
			})
		}
	}
	if got := client(t.Context(), "verify", "run_test.go"); got.status != exitNoInput {
		t.Errorf("verify of no history: status %d, want %d", got.status, exitNoInput)
	}
}

// How far the clocks may differ is up to the caller, and is kept with the history.
func TestClockAllowance(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		args   []string
		status int
	}{
		{nil, exitViolated},
		{[]string{"--clock-allowance", "10s"}, exitVerified},
	} {
		m := newMemory()
		m.clock = func() time.Time { return time.Now().Add(-5 * time.Second) }
		name := filepath.Join(t.TempDir(), "history")
		args := append([]string{"-n", "500", "--history", name}, test.args...)
		if status, _ := try(t, t.Context(), append(args, newReplica(t, m, nil), newReplica(t, m, nil))...); status != test.status {
			t.Errorf("client %q on a clock 5 s behind = %d, want %d", test.args, status, test.status)
		}
		if got := client(t.Context(), "verify", name); got.status != test.status {
			t.Errorf("verify of the history of client %q = %d, want %d\n%s%s", test.args, got.status, test.status, got.stdout, got.stderr)
		}
	}
}

// A server of another shape: query parameters, the newest message first, no
// counters, dates without a zone.
func TestProfile(t *testing.T) {
	t.Parallel()
	m := newMemory()
	foreign := func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		if r.Method != "PUT" || r.URL.Path != "/chat/send" || !q.Has("who") {
			http.Error(w, "no", http.StatusNotFound)
			return
		}
		type item map[string]any
		items := []item{}
		for _, m := range m.add(q.Get("who"), q.Get("what"), "") {
			items = append([]item{{"id": m.Seq, "from": item{"name": m.Sender}, "what": m.Text,
				"at": strings.TrimSuffix(m.SentAt, "Z")}}, items...)
		}
		if err := json.MarshalWrite(w, items); err != nil {
			panic(err)
		}
	}
	one, two := httptest.NewServer(http.HandlerFunc(foreign)), httptest.NewServer(http.HandlerFunc(foreign))
	defer one.Close()
	defer two.Close()
	profile := filepath.Join(t.TempDir(), "profile.json")
	if err := os.WriteFile(profile, []byte(`{
		"method": "PUT", "path": "/send",
		"request": {"as": "query", "sender": "who", "text": "what"},
		"answer": {"order": "desc", "seq": "id", "sender": "from.name", "text": "what", "sent_at": "at", "date": "isoformat"}
	}`), 0o600); err != nil {
		t.Fatal(err)
	}
	status, r := try(t, t.Context(), "-n", "1000", "--profile", profile, one.URL+"/chat", two.URL+"/chat")
	if status != exitVerified || r.Run.OK != 1000 {
		t.Errorf("status %d, ok %d, want a verified run", status, r.Run.OK)
	}
}

// The text goes to stdout, the progress to stderr, and JSON to its file.
func TestText(t *testing.T) {
	t.Parallel()
	m := newMemory()
	name := filepath.Join(t.TempDir(), "result.json")
	got := client(t.Context(), "-q", "-n", "500", "--json", name, newReplica(t, m, nil), newReplica(t, m, nil))
	if got.status != exitVerified || got.stderr != "" {
		t.Errorf("status %d, stderr %s", got.status, got.stderr)
	}
	for _, s := range []string{"TOTAL TIME", "TIME OF ONE REQUEST", "TOTAL THROUGHPUT", "VERIFIED"} {
		if !strings.Contains(got.stdout, s) {
			t.Errorf("stdout lacks %q:\n%s", s, got.stdout)
		}
	}
	data, err := os.ReadFile(name)
	if err != nil || !bytes.Contains(data, []byte(`"status": "verified"`)) {
		t.Errorf("result %s, %v", data, err)
	}
}

func TestCPUProfile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "cpu.pprof")
	replica := newReplica(t, newMemory(), nil)
	if status, _ := try(t, t.Context(), "-n", "500", "--cpuprofile", file, replica); status != exitVerified {
		t.Errorf("status %d, want %d", status, exitVerified)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if gzip := []byte{0x1f, 0x8b}; !bytes.HasPrefix(data, gzip) { // as profile.proto is stored
		t.Errorf("%d bytes, which are no profile", len(data))
	}
	unwritable := filepath.Join(file, "x")
	if got := client(t.Context(), "--cpuprofile", unwritable, replica); got.status != exitCannotWrite {
		t.Errorf("a profile that cannot be written: status %d, want %d", got.status, exitCannotWrite)
	}
}

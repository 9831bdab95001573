package report

import (
	"bytes"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"dummymessenger/internal/measure"
	"dummymessenger/internal/report/lang"
	"dummymessenger/internal/verify"
)

func exampleRun() *measure.Run {
	l := measure.Latency{Count: 4990, Min: 0.5, Mean: 4.12, P50: 3.9, P90: 5.25, P95: 6.1, P99: 9.84, Max: 14.2}
	return &measure.Run{
		ID: "RUN", Seed: 7, Started: time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC), Workers: 50, Planned: 5000, Timeout: 30,
		Sent: 5000, OK: 4990, Failed: 7, Unknown: 3, Total: 0.4123, Throughput: 12102.8, Latency: l,
		Replicas: []measure.Replica{
			{URL: "http://127.0.0.1:8001", OK: 2500, Failed: 7, Throughput: 6063, Latency: l},
			{URL: "https://a-replica-with-a-long-name.example.org", OK: 2490, Unknown: 3, Throughput: 6039, Latency: l},
		},
		Senders: []measure.Sender{{Name: "Bob", OK: 2500}, {Name: "Анна", OK: 2490}},
		Failures: []measure.Failure{{Outcome: "failed", Reason: "status 503, not stored", Count: 7},
			{Outcome: "unknown", Reason: "timeout", Count: 3}},
		Generator: measure.Generator{Concurrency: 49.8, CPU: 0.71, CPUs: 2, Connections: 100},
	}
}

const exampleText = `5 000 requests, 50 workers, 2 replicas · run RUN, --seed 7

  TOTAL TIME            0.412 s    first request sent to last answer
  TIME OF ONE REQUEST   0.083 ms   total time ÷ answered requests
                         4.12 ms   mean a caller waits, 50 at once
  TOTAL THROUGHPUT     12 103 /s   answered requests, all replicas together

latency   p50 3.90 · p90 5.25 · p95 6.10 · p99 9.84 · max 14.2 ms
outcomes  4 990 answered · 7 failed · 3 unknown
          7 failed: status 503, not stored
          3 unknown: timeout
senders   2, each answered 2 490 (Анна) to 2 500 (Bob) times
client    49.8 of 50 workers waiting, 0.710 of 2 processors busy

replica                      answered per second mean, ms p99, ms failed unknown
http://127.0.0.1:8001           2 500      6 063     4.12    9.84      7       0
…ith-a-long-name.example.org    2 490      6 039     4.12    9.84      0       3
`

func TestText(t *testing.T) {
	var b bytes.Buffer
	r := &Result{Run: exampleRun(), Verdict: &verify.Verdict{
		Status: verify.Violated,
		CounterExample: &verify.Violation{
			Check: verify.Contiguous, Anomaly: "gap", Seq: 12,
			Why:     verify.Sentence{Form: strings.Repeat("seq 12 is missing between 11 and 13, ", 5)},
			Session: []string{"monotonic reads"},
			Witnesses: []verify.Witness{{Worker: 3, Number: 4, Replica: 1, Sender: "Анна", Outcome: "ok", Seq: 13, Window: []verify.Entry{
				{Seq: 11, Sender: "Bob", SenderCount: 5, Text: "hi\n" + strings.Repeat("x", 99), SentAt: 1795514400000000},
				{Seq: 13, Sender: strings.Repeat("Анна", 16), SenderCount: 9, Text: "привет", SentAt: 1795514400000001},
			}}},
		},
		Checks: []verify.CheckResult{
			{Check: verify.InternalConsistency, Saw: 4990, Unit: "windows"},
			{Check: verify.Contiguous, Saw: 4990, Unit: "windows", Violations: 1,
				Worst: []verify.Violation{{Seq: 12, Why: verify.Sentence{Form: "seq 12 is missing"}}}},
			{Check: verify.AbortedRead, Unit: "failed requests"},
			{Check: verify.Counters, NotCheckable: verify.Sentence{Form: "the server shows no counters"},
				Limit: verify.Sentence{Form: strings.Repeat("long ", 30)}},
		},
		Counts: verify.Counts{Sent: 5000, OK: 4990, Failed: 7, Unknown: 3, Stored: 2, NotStored: 1, Others: 1, Sentinels: 2},
	}, Crossed: []verify.Sentence{{Form: "%s: it was %s ms", Args: []any{"p99<1ms", lang.Amount(9.84)}}}}
	if err := WriteText(&b, r, Style{Lang: "en"}); err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(b.String(), lang.Thin, " ")
	for i, want := range strings.Split(strings.TrimSuffix(exampleText, "\n"), "\n") {
		got := strings.Split(text, "\n")[i]
		if want = strings.ReplaceAll(want, lang.Thin, " "); got != want {
			t.Errorf("line %d:\n got %q\nwant %q", i+1, got, want)
		}
	}
	lines := strings.SplitSeq(text, "\n")
	for line := range lines {
		if utf8.RuneCountInString(line) > 80 {
			t.Errorf("over 80 columns: %s", line)
		}
	}
	for _, want := range []string{
		"VIOLATED: answers leave messages out", "gap (contiguous windows, no gap): seq 12", "so this breaks monotonic reads too",
		"worker 3, request 4 at replica 2", "> ", "✗ contiguous windows, no gap      1 violation ",
		"– aborted read  no failures", "– counters      not checkable",
		"– counters: not checkable: the server shows no counters",
		"2 stored, 1 not stored", "1 message of other runs seen", "2 sentinels at the end",
		"threshold not kept  p99<1ms: it was 9.84 ms",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the text lacks %q", want)
		}
	}
	if t.Failed() {
		t.Log(text)
	}
}

// A run in which nothing was answered still has a report.
func TestTextOfNothing(t *testing.T) {
	for _, run := range []*measure.Run{
		{Workers: 1, Replicas: []measure.Replica{{URL: "http://a"}}},
		{Workers: 1, Sent: 3, Failed: 3, Rate: 5, Service: &measure.Latency{}, Dropped: 2, Interrupted: true,
			Replicas: []measure.Replica{{URL: "http://a", Failed: 3}}},
	} {
		var b bytes.Buffer
		if err := WriteText(&b, &Result{Run: run}, Style{Lang: "en"}); err != nil || strings.Contains(b.String(), "NaN") ||
			!strings.Contains(b.String(), "NOT VERIFIED") {
			t.Errorf("%v\n%s", err, &b)
		}
	}
}

func TestThresholds(t *testing.T) {
	run := *exampleRun()
	for s, want := range map[string]string{
		"p99<10ms":         "",
		"p99 < 9.84ms":     "p99 < 9.84ms: it was 9.84 ms",
		"mean<4ms":         "mean<4ms: it was 4.12 ms",
		"p999<1h":          "p999<1h: too few answers to tell",
		"max>1s":           "max>1s: it was 14.2 ms",
		"throughput>12000": "",
		"throughput>20000": "throughput>20000: it was 12 102",
		"failed<1":         "failed<1: it was 7",
		"unknown<4":        "",
		"p50<1us":          "p50<1us: it was 3.90 ms",
		"p999<1us":         "p999<1us: it was at least 9.84 ms",
		"p999<9840us":      "p999<9840us: it was at least 9.84 ms",
		"p999>9ms":         "",
		"p999>9840us":      "p999>9840us: too few answers to tell",
	} {
		th, err := ParseThreshold(s)
		if err != nil {
			t.Errorf("ParseThreshold(%q): %v", s, err)
			continue
		}
		how, crossed := th.Crossed(&run)
		if got := strings.ReplaceAll(how.String(), lang.Thin, " "); got != want || crossed != (want != "") {
			t.Errorf("%q is crossed by %q, want %q", s, got, want)
		}
	}
	for _, s := range []string{"", "p99", "p99<", "p99<5", "p98<5ms", "failed<1ms", "p99=5ms",
		"p99<0ms", "p99<-200ms", "failed<0", "throughput<-1"} {
		if _, err := ParseThreshold(s); err == nil {
			t.Errorf("ParseThreshold(%q) has no error", s)
		}
	}
}

// Where a run is too short for a percentile, lower ones may decide.
func TestThresholdsOfShortRuns(t *testing.T) {
	for _, tt := range []struct {
		threshold string
		latency   measure.Latency
		want      string
		undecided bool
	}{
		{"p99<1us", measure.Latency{Count: 50, Min: 0.5, P50: 1.54, Max: 9}, "p99<1us: it was at least 1.54 ms", false},
		{"p99<5ms", measure.Latency{Count: 150, Min: 0.5, P50: 1.54, P90: 6, Max: 9}, "p99<5ms: it was at least 6 ms", false},
		{"p99<50ms", measure.Latency{Count: 150, Min: 0.5, P50: 1.54, P90: 6, Max: 9}, "p99<50ms: too few answers to tell", true},
		{"p50<1ms", measure.Latency{Count: 3, Min: 2, Mean: 3, Max: 4}, "p50<1ms: it was at least 2 ms", false},
		{"p50<3ms", measure.Latency{Count: 3, Min: 2, Mean: 3, Max: 4}, "p50<3ms: too few answers to tell", true},
		{"p99>1ms", measure.Latency{Count: 50, Min: 0.5, P50: 1.54, Max: 9}, "", false},
		{"p99>2ms", measure.Latency{Count: 50, Min: 0.5, P50: 1.54, Max: 9}, "p99>2ms: too few answers to tell", true},
		{"p99<5ms", measure.Latency{}, "p99<5ms: too few answers to tell", true},
		{"max<5ms", measure.Latency{}, "max<5ms: too few answers to tell", true},
		{"failed<5", measure.Latency{}, "", false},
	} {
		th, err := ParseThreshold(tt.threshold)
		if err != nil {
			t.Fatal(err)
		}
		run := &measure.Run{Latency: tt.latency}
		how, crossed := th.Crossed(run)
		if how.String() != tt.want || crossed != (tt.want != "") || th.Undecided(run) != tt.undecided {
			t.Errorf("%s of %+v is crossed by %q, undecided %t, want %q, %t", tt.threshold, tt.latency, how, th.Undecided(run), tt.want,
				tt.undecided)
		}
	}
}

// The rate was not kept if requests waited for a worker or were never sent. A
// request that was sent a few milliseconds late does not count.
func TestRateKept(t *testing.T) {
	for _, tt := range []struct {
		name string
		run  func(r *measure.Run, g *measure.Generator)
		kept bool
	}{
		{"one of 15 a little late", func(r *measure.Run, g *measure.Generator) {
			r.Rate, r.Workers, r.Sent, r.Late, r.Latency.Mean, g.Concurrency = 15, 1, 15, 1, 4.2, 0.06
		}, true},
		{"a hiccup of 20 ms at a high rate", func(r *measure.Run, g *measure.Generator) {
			r.Rate, r.Late, r.Latency.Mean, g.Concurrency = 5000, 100, 4.4, 20
		}, true},
		{"all workers busy", func(r *measure.Run, g *measure.Generator) {
			r.Rate, r.Late, r.Latency.Mean, g.Concurrency = 5000, 2000, 6, 45
		}, false},
		{"servers that stood still for a while", func(r *measure.Run, g *measure.Generator) {
			r.Rate, r.Late, r.Latency.Mean, g.Concurrency = 1000, 500, 90, 2
		}, false},
		{"dropped", func(r *measure.Run, _ *measure.Generator) { r.Rate, r.Dropped = 5000, 500 }, false},
		{"a few of those due at the very end", func(r *measure.Run, _ *measure.Generator) { r.Rate, r.Dropped = 5000, 3 }, true},
	} {
		r := exampleRun()
		r.Service = &measure.Latency{Mean: 4.12}
		tt.run(r, &r.Generator)
		if said := (words{"en"}).clientLimit(r, false); strings.Contains(said, "could not keep the rate") == tt.kept {
			t.Errorf("%s: %q", tt.name, said)
		}
	}
}

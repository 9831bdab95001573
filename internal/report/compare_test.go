package report

import (
	"bytes"
	"strings"
	"testing"

	"dummymessenger/internal/measure"
	"dummymessenger/internal/report/lang"
	"dummymessenger/internal/verify"
)

// comparison is what WriteComparison writes, with plain spaces in its numbers.
func comparison(t *testing.T, nameA, nameB string, a, b *Result, l lang.Lang) string {
	t.Helper()
	var out bytes.Buffer
	if err := WriteComparison(&out, nameA, nameB, a, b, Style{Lang: l}); err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(out.String(), lang.Thin, " ")
}

func TestComparison(t *testing.T) {
	a, b := &Result{Schema: SchemaVersion, Run: exampleRun(), Verdict: &verify.Verdict{}}, &Result{Schema: SchemaVersion, Run: exampleRun()}
	b.Run.Throughput, b.Run.Latency.P99, b.Run.Latency.P50 = 6051.4, 4.92, 3.95
	var file bytes.Buffer
	if err := WriteJSON(&file, a); err != nil {
		t.Fatal(err)
	}
	a, err := ReadJSON(&file)
	if err != nil {
		t.Fatal(err)
	}
	text := comparison(t, "A.json", "a-name-that-is-much-too-long.json", a, b, "en")
	for _, want := range []string{"A.json", "…too-long.json", "verified    not verified", "12 103 /s",
		"6 051 /s     -50.0 %   worse", "-50.0 %  better", "+1.3 %\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("the comparison lacks %q:\n%s", want, text)
		}
	}
	b.Run.Workers = 100
	const want = "not asked to do the same, so neither is better:\n  workers: 50 and 100\n"
	if text := comparison(t, "A", "B", a, b, "en"); !strings.Contains(text, want) || strings.Count(text, "better") > 1 {
		t.Errorf("two tasks are compared as if they were one:\n%s", text)
	}
	for _, bad := range []string{"", "[]", `{"schema":9}`, `{"schema":1,"exit":0}`} {
		if _, err := ReadJSON(strings.NewReader(bad)); err == nil {
			t.Errorf("ReadJSON(%q) has no error", bad)
		}
	}
}

// The comparison first reports any difference in what the runs were asked to
// do, and then calls neither better.
func TestComparisonOfUnlikeRuns(t *testing.T) {
	for want, change := range map[string]func(*measure.Run){
		"workers: 50 and 9":                             func(r *measure.Run) { r.Workers = 9 },
		"requests: 5000 and –":                          func(r *measure.Run) { r.Planned = 0 },
		"duration: – and 1.5 s":                         func(r *measure.Run) { r.Duration = 1.5 },
		"rate: – and 99":                                func(r *measure.Run) { r.Rate = 99 },
		"warm-up: – and 2 s":                            func(r *measure.Run) { r.Warmup = 2 },
		"timeout: 30 s and 1 s":                         func(r *measure.Run) { r.Timeout = 1 },
		"retries: – and 2":                              func(r *measure.Run) { r.Retries = 2 },
		"idempotency keys: no and yes":                  func(r *measure.Run) { r.Keys = true },
		"answered requests for each replay: – and 50":   func(r *measure.Run) { r.Replays = 50 },
		"answers verified: yes and no":                  func(r *measure.Run) { r.Unverified = true },
		"bounded memory (--stream): no and yes":         func(r *measure.Run) { r.Stream = true },
		"clock allowance: – and 5 s":                    func(r *measure.Run) { r.ClockAllowance = 5 },
		"wire shape: – and PUT /x (1)":                  func(r *measure.Run) { r.Profile = "PUT /x (1)" },
		"bearer token: no and yes":                      func(r *measure.Run) { r.Token = true },
		"replicas: 2 and 1":                             func(r *measure.Run) { r.Replicas = r.Replicas[1:] },
		"replicas over TLS: 1 and –":                    func(r *measure.Run) { r.Replicas[1].URL = "http://b" },
		"senders: Bob, Анна and Bob, Eve":               func(r *measure.Run) { r.Senders[1].Name = "Eve" },
		`senders: Bob, Анна and "Bob, Анна"`:            func(r *measure.Run) { r.Senders = []measure.Sender{{Name: "Bob, Анна"}} },
		"senders: Bob, Анна and 40 (":                   func(r *measure.Run) { r.Senders = make([]measure.Sender, 40) },
		"recorded as well: – and --history, --html":     func(r *measure.Run) { r.Recorded = []string{"--history", "--html"} },
		"processors: 2 and 1":                           func(r *measure.Run) { r.Generator.CPUs = 1 },
		"B.json was interrupted":                        func(r *measure.Run) { r.Interrupted = true },
		"B.json is of an older client":                  func(r *measure.Run) { r.Timeout = 0 },
		"cannot be known, so neither is called better.": func(r *measure.Run) { r.Timeout = 0 },
	} {
		a, b := &Result{Run: exampleRun()}, &Result{Run: exampleRun()}
		b.Run.Throughput /= 2
		change(b.Run)
		for _, language := range []lang.Lang{"en", "ru"} {
			out := comparison(t, "A.json", "B.json", a, b, language)
			before, table, ok := strings.Cut(out, "\n\n")
			text := strings.ReplaceAll(before, "\n  ", " ")
			if language == "en" && !strings.Contains(text, want) || !ok || strings.Contains(table, "worse") ||
				strings.Contains(table, "хуже") {
				t.Errorf("want %q before a table without judgement:\n%s", want, out)
			}
		}
	}
}

// A server that refuses requests is fast. So the comparison first reports
// outcomes that differ, and then calls no times better. It does call more
// failures worse.
func TestComparisonOfOutcomes(t *testing.T) {
	fails := func(r *Result) { r.Run.OK, r.Run.Failed, r.Run.Total = 41, 4956, r.Run.Total/2 }
	status := func(s verify.Status) func(*Result) {
		return func(r *Result) { r.Verdict, r.Run.Total = &verify.Verdict{Status: s}, r.Run.Total/2 }
	}
	for _, tt := range []struct {
		change func(*Result)
		differ [2]string // said in English and Russian; empty: times are compared
		worse  bool      // more of them were not answered
	}{
		{fails, [2]string{"failed: 0 and 4 956", "0 и 4 956"}, true},
		{func(r *Result) { r.Run.OK, r.Run.Unknown, r.Run.Total = 4900, 100, r.Run.Total/2 },
			[2]string{"unknown: 0 and 100", "0 и 100"}, true},
		{status(verify.Violated), [2]string{"verdict: verified and violated", "вердикт: "}, false},
		{status(verify.Inconclusive), [2]string{"verdict: verified and inconclusive", "вердикт: "}, false},
		{status(verify.Verified), [2]string{}, false},
		{func(r *Result) { r.Run.OK, r.Run.Failed, r.Run.Total = 4999, 1, r.Run.Total/2 }, [2]string{}, true},
	} {
		for i, language := range []lang.Lang{"en", "ru"} {
			var pair [2]*Result
			for i := range pair {
				pair[i] = &Result{Run: exampleRun(), Verdict: &verify.Verdict{}}
				pair[i].Run.OK, pair[i].Run.Failed, pair[i].Run.Unknown = 5000, 0, 0
			}
			tt.change(pair[1])
			text := comparison(t, "A.json", "B.json", pair[0], pair[1], language)
			before, _, differ := strings.Cut(text, "\n\n")
			better := strings.Contains(text, " "+language.Tr("better")+"\n")
			if differ != (tt.differ[i] != "") || differ && !strings.Contains(before, tt.differ[i]) || better == differ {
				t.Errorf("want %q before the table, and times judged only without it:\n%s", tt.differ[i], text)
			}
			if worse := strings.Contains(text, language.Tr("worse")); worse != tt.worse {
				t.Errorf("something is worse: %t, want %t:\n%s", worse, tt.worse, text)
			}
		}
	}
}

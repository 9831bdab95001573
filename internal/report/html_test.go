package report

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"dummymessenger/internal/measure"
	"dummymessenger/internal/report/lang"
	"dummymessenger/internal/verify"
)

// exampleRecorder is of n requests by 50 workers at two replicas, one in a
// thousand of them unknown.
func exampleRecorder(n int) *measure.Recorder {
	r := measure.NewRecorder(measure.Config{Trace: true})
	for i := range n {
		call := time.Duration(i/50) * 4 * time.Millisecond
		op := &verify.Operation{
			Worker: i % 50, Number: i / 50, Replica: i % 2, Sender: fmt.Sprintf("<u>%d</u>", i%10), Text: fmt.Sprint("text ", i),
			Call: call, Return: call + time.Duration(3000+i%700)*time.Microsecond, Outcome: verify.OK,
		}
		if i%1000 == 999 {
			op.Outcome, op.Reason = verify.Unknown, "</script>"
		} else {
			op.Window = []*verify.Entry{{Seq: int64(i + 1), Text: op.Text}}
		}
		r.Add(op, op.Call)
	}
	return r
}

func exampleHTML(t *testing.T, language lang.Lang, n int, v *verify.Verdict) string {
	t.Helper()
	recorder := exampleRecorder(n)
	run := recorder.Stored(verify.Config{Run: "RUN", Workers: 50, Replicas: []string{"http://a", "http://<i>"}, Start: 1795514400000000})
	page := &Page{
		Result: &Result{Run: &run, Verdict: v}, Trace: recorder.Trace(), Lang: language,
		Environment: []Fact{{"command line", "client <x>"}},
		Annotations: []Annotation{{From: Moment{Seconds: 0.1}, To: Moment{Date: time.UnixMicro(1795514400200000)}, Label: "</script><b>"}},
	}
	var b bytes.Buffer
	if err := WriteHTML(&b, page); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// The page of the task's run is small, loads nothing and lets nothing of the
// servers' or the callers' become markup.
func TestHTMLSelfContained(t *testing.T) {
	for _, language := range []lang.Lang{"en", "ru"} {
		page := exampleHTML(t, language, 5000, &verify.Verdict{Status: verify.Verified,
			Checks: []verify.CheckResult{{Check: verify.Agreement, Saw: 7, Unit: "entries cross-checked"}}})
		if len(page) > 1_000_000 {
			t.Errorf("%s: %d bytes, want less than 1 MB", language, len(page))
		}
		if m := regexp.MustCompile(`(?i)(src|href|action)=|@import|url\(|<link|<iframe`).FindString(page); m != "" {
			t.Errorf("%s: the page loads something: %q", language, m)
		}
		for _, bad := range []string{"<u>0", "http://<i>", "</script><b>", "client <x>"} {
			if strings.Contains(page, bad) {
				t.Errorf("%s: %q is not escaped", language, bad)
			}
		}
		if n := strings.Count(page, "</script>"); n != 3 {
			t.Errorf("%s: %d ends of scripts, want 3", language, n)
		}
		for _, want := range []string{`class="verdict verified"`, `id="frontier"`, `id="spectrum"`, `id="scatter"`,
			`id="throughput"`, `"from":100,"to":200`, "prefers-color-scheme", "@media print", "Content-Security-Policy"} {
			if !strings.Contains(page, want) {
				t.Errorf("%s: the page lacks %s", language, want)
			}
		}
	}
}

// Two windows that cannot both be true stand side by side, and what differs is marked.
func TestHTMLWindows(t *testing.T) {
	entry := func(seq, count int64, text string) verify.Entry {
		return verify.Entry{Seq: seq, Sender: "Анна", SenderCount: count, Text: text, SentAt: 1795514400000000 + seq}
	}
	v := verify.Violation{
		Check: verify.Agreement, Anomaly: "disagreement", Why: verify.Sentence{Form: "seq 12 differs"}, Seq: 12,
		Witnesses: []verify.Witness{
			{Worker: 1, Seq: 13, Outcome: "ok", Window: []verify.Entry{entry(10, 1, "a"),
				entry(12, 3, strings.Repeat("x", 80)+"one"), entry(13, 4, "d")}},
			{Worker: 2, Seq: 12, Outcome: "ok", Window: []verify.Entry{entry(10, 1, "a"), entry(11, 2, "b"),
				entry(12, 3, strings.Repeat("x", 80)+"two")}},
		},
	}
	page := exampleHTML(t, "en", 500, &verify.Verdict{
		Status: verify.Violated, CounterExample: &v, Checks: []verify.CheckResult{{Check: verify.Agreement, Saw: 1,
			Unit: "windows", Violations: 1, Worst: []verify.Violation{v}}},
	})
	for _, want := range []string{"seq 12 differs", "worker 1, request 0", "worker 2, request 0", `class="gap"`,
		`<tr class="here"><th scope="row">12</th>`, "xone", "xtwo", `data-violation="0"`} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	if n := strings.Count(page, `class="x odd"`); n != 2 {
		t.Errorf("%d texts are marked, want the two of seq 12", n)
	}
	if n := strings.Count(page, "<article"); n != 1 {
		t.Errorf("%d exhibits, want 1", n)
	}
}

// A run without any answer, and one that is not verified, have a page too.
func TestHTMLOfNothing(t *testing.T) {
	if page := exampleHTML(t, "en", 0, nil); !strings.Contains(page, "unverified") || strings.Contains(page, "NaN") {
		t.Error(page)
	}
}

// A replica that answered nothing takes no memory for what it answered.
func TestTraceOfFewReplicas(t *testing.T) {
	recorder := measure.NewRecorder(measure.Config{Trace: true})
	recorder.Add(&verify.Operation{Replica: 900, Return: time.Millisecond, Outcome: verify.OK}, 0)
	recorder.Add(&verify.Operation{Replica: 950, Return: time.Millisecond, Outcome: verify.Failed}, 0)
	run, trace := recorder.Stored(verify.Config{}), recorder.Trace()
	kept := 0
	for _, h := range trace.WaitsAt {
		if h != nil {
			kept++
		}
	}
	if kept != 1 {
		t.Errorf("%d histograms for one replica that answered", kept)
	}
	newPlots(&Page{Result: &Result{Run: &run}, Trace: trace})
	if r := run.Replicas; len(r) != 951 || r[900].Latency.Count != 1 || r[950].Failed != 1 {
		t.Errorf("%d replicas: %+v, %+v", len(r), r[900], r[950])
	}
}

// A long run is drawn from a sample, in which the slowest request and all
// failures are, and its counts stay exact.
func TestTraceLong(t *testing.T) {
	recorder := measure.NewRecorder(measure.Config{Trace: true})
	const n = 100_000
	for i := range n {
		call := time.Duration(i) * 2 * time.Millisecond
		op := &verify.Operation{Worker: 0, Number: i, Sender: "a", Call: call, Return: call + time.Millisecond, Outcome: verify.OK}
		switch i {
		case 77_777:
			op.Return = call + 900*time.Millisecond
		case 5, 50_001, 99_999:
			op.Outcome = verify.Failed
		}
		recorder.Add(op, op.Call)
	}
	run := recorder.Stored(verify.Config{})
	d := newPlots(&Page{Result: &Result{Run: &run}, Trace: recorder.Trace()})
	if run.OK != n-3 || run.Failed != 3 {
		t.Errorf("%d ok, %d failed, want %d and 3", run.OK, run.Failed, n-3)
	}
	const most, buckets = 8000, 1200
	slowest, failed := 0.0, 0
	for i := range d.Ops.Wait {
		slowest = max(slowest, d.Ops.Wait[i])
		if d.Ops.Outcome[i] == int(verify.Failed) {
			failed++
		}
	}
	if shown := len(d.Ops.Call); shown > most+buckets+3 || shown < most/2 || slowest != 900 || failed != 3 {
		t.Errorf("%d shown, the slowest %v ms, %d failed, want about %d, 900 and 3", shown, slowest, failed, most)
	}
	sum := 0.0
	for _, perSecond := range d.Throughput[1] {
		sum += perSecond * d.Width / 1000
	}
	if len(d.Throughput[0]) > buckets || int(sum+0.5) != n-3 {
		t.Errorf("%d buckets hold %v, want at most %d with %d", len(d.Throughput[0]), sum, buckets, n-3)
	}
}

func TestAnnotations(t *testing.T) {
	good := `{"from":1,"to":2.5,"label":"a"}` + "\n\n" + `{"from":"2026-11-24T10:00:00Z","to":"2026-11-24T10:00:01.5Z","label":"b"}`
	all, err := ReadAnnotations(strings.NewReader(good))
	if err != nil || len(all) != 2 {
		t.Fatalf("%v, %v", all, err)
	}
	if from, to := all[1].span(time.Date(2026, 11, 24, 9, 59, 59, 0, time.UTC)); from != 1000 || to != 2500 {
		t.Errorf("from %v to %v, want 1000 to 2500", from, to)
	}
	for _, bad := range []string{"x", `{"from":1,"label":"a"}`, `{"from":1,"to":2}`, `{"from":"noon","to":2,"label":"a"}`,
		`{"from":1,"to":2,"label":"a","colour":"red"}`} {
		if _, err := ReadAnnotations(strings.NewReader(bad)); err == nil {
			t.Errorf("ReadAnnotations(%q) has no error", bad)
		}
	}
}

// The cells that are marked are the counts that the sentence names, and no others.
func TestMarkedCounts(t *testing.T) {
	var window []verify.Entry
	for i, count := range []int64{1, 1, 2, 1, 5} { // of Anna, Bob, Bob, Anna, Bob
		window = append(window, verify.Entry{Seq: int64(i + 1), Sender: []string{"Anna", "Bob", "Bob", "Anna", "Bob"}[i], SenderCount: count})
	}
	x := words{"en"}.exhibit(0, &verify.Violation{Check: verify.Counters, Seq: 5, Witnesses: []verify.Witness{{Seq: 5, Window: window}}})
	for _, row := range x.Rows {
		if got, want := row.Cells[0].Contradicted["count"], row.Seq == 3 || row.Seq == 5; got != want {
			t.Errorf("the count at seq %d is marked: %t, want %t", row.Seq, got, want)
		}
	}
}

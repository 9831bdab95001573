package report

import (
	"bytes"
	"strings"
	"testing"

	"dummymessenger/internal/verify"
)

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
	var out bytes.Buffer
	if err := WriteComparison(&out, "A.json", "a-name-that-is-much-too-long.json", a, b, Style{Lang: "en"}); err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(out.String(), thin, " ")
	for _, want := range []string{"A.json", "…too-long.json", "verified    not verified", "12 103 /s", "6 051 /s     -50.0 %   worse", "-50.0 %  better", "+1.3 %\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("the comparison lacks %q:\n%s", want, text)
		}
	}
	out.Reset()
	b.Run.Workers = 100
	if err := WriteComparison(&out, "A", "B", a, b, Style{Lang: "en"}); err != nil {
		t.Fatal(err)
	}
	if text := out.String(); !strings.Contains(text, "not asked to do the same, so neither is better:\n  workers: 50 and 100\n") || strings.Count(text, "better") > 1 {
		t.Errorf("two tasks are compared as if they were one:\n%s", text)
	}
	for _, bad := range []string{"", "[]", `{"schema":9}`, `{"schema":1,"exit":0}`} {
		if _, err := ReadJSON(strings.NewReader(bad)); err == nil {
			t.Errorf("ReadJSON(%q) has no error", bad)
		}
	}
}

package main

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A server leaves out one message and alters another. The report of the run
// shows both, and so does the report of its history.
func TestReportViolated(t *testing.T) {
	t.Parallel()
	m := newMemory()
	wrong := func(w http.ResponseWriter, number int64, store func() []message) bool {
		switch {
		case number == 200:
			window := store()
			answer(w, append(window[:3:3], window[4:]...))
		case number == 300:
			window := store()
			window[5].Text += "</script><script>alert(1)</script>"
			answer(w, window)
		case number%170 == 0 && number < 420:
			store()
			hijack(w, "")
		default:
			return false
		}
		return true
	}
	dir := t.ArtifactDir()
	history, live, later, shades := filepath.Join(dir, "run.jsonl.gz"), filepath.Join(dir, "live.html"),
		filepath.Join(dir, "later.html"), filepath.Join(dir, "faults")
	if err := os.WriteFile(shades, []byte(`{"from":0.01,"to":0.03,"label":"disk <full>"}`+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	status, _ := try(t, t.Context(), "-c", "10", "-n", "900", "--history", history, "--html", live, "--annotate", shades,
		newReplica(t, m, wrong), newReplica(t, m, nil))
	if status != exitViolated {
		t.Fatalf("status %d, want %d", status, exitViolated)
	}
	got := client(t.Context(), "report", history, "-o", later, "--lang", "ru", "--annotate", shades)
	if got.status != exitViolated {
		t.Errorf("report: status %d, want %d\n%s", got.status, exitViolated, got.stderr)
	}
	for name, want := range map[string][]string{
		live:  {`class="verdict violated"`, "The contradiction", ">missing</td>", `"label":"disk \u003cfull\u003e"`, "command line"},
		later: {`class="verdict violated"`, "Противоречие", ">пропущено</td>", `"label":"disk \u003cfull\u003e"`},
	} {
		page, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range append(want, `class="x odd"`) {
			if !strings.Contains(string(page), want) {
				t.Errorf("%s lacks %s", name, want)
			}
		}
		if strings.Contains(string(page), "<script>alert") {
			t.Errorf("%s: a text is not escaped", name)
		}
	}
}

// Without -o the report is written beside its history and never overwrites it.
func TestReportName(t *testing.T) {
	t.Parallel()
	for history, want := range map[string]string{
		"a/run.jsonl.gz": "a/run.html", "run.jsonl": "run.html", "run": "run.html", "run.gz": "run.html", "run.html": "run.html.html",
	} {
		if got := reportName(history); got != want {
			t.Errorf("reportName(%s) = %s, want %s", history, got, want)
		}
	}
	m := newMemory()
	history := filepath.Join(t.TempDir(), "run.jsonl.gz")
	if status, _ := try(t, t.Context(), "-n", "300", "--history", history, newReplica(t, m, nil),
		newReplica(t, m, nil)); status != exitVerified {
		t.Fatalf("status %d", status)
	}
	got := client(t.Context(), "report", history)
	if got.status != exitVerified || !strings.Contains(got.stderr, reportName(history)) {
		t.Errorf("status %d, want %d, and where the report is:\n%s", got.status, exitVerified, got.stderr)
	}
	if _, err := os.Stat(reportName(history)); err != nil {
		t.Error(err)
	}
}

// Malformed annotations stop the client before the run. If they become
// malformed during the run, the report is still written.
func TestAnnotateMistakes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	bad, late, page := filepath.Join(dir, "bad"), filepath.Join(dir, "late"), filepath.Join(dir, "page.html")
	if err := os.WriteFile(bad, []byte("{\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	m := newMemory()
	got := client(t.Context(), "-n", "100", "-q", "--html", page, "--annotate", bad, newReplica(t, m, nil))
	if got.status != exitNoInput || len(m.log) > 0 {
		t.Errorf("malformed annotations: status %d after %d messages, want %d before the first\n%s", got.status, len(m.log),
			exitNoInput, got.stderr)
	}
	meanwhile := func(_ http.ResponseWriter, number int64, _ func() []message) bool {
		if number == 10 {
			if err := os.WriteFile(late, []byte("{\n"), 0o600); err != nil {
				t.Error(err)
			}
		}
		return false
	}
	got = client(t.Context(), "-n", "100", "-q", "--html", page, "--annotate", late, newReplica(t, m, meanwhile))
	if got.status != exitNoInput {
		t.Errorf("malformed annotations of the run: status %d, want %d\n%s", got.status, exitNoInput, got.stderr)
	}
	if html, err := os.ReadFile(page); err != nil || !bytes.HasSuffix(bytes.TrimSpace(html), []byte("</html>")) {
		t.Errorf("the report has %d bytes: %v", len(html), err)
	}
}

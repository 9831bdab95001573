package main

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A run against a server that leaves a message out, and alters one, has both
// in its report, and the report of its history the same.
func TestReportViolated(t *testing.T) {
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
	history, live, later, shades := filepath.Join(dir, "run.jsonl.gz"), filepath.Join(dir, "live.html"), filepath.Join(dir, "later.html"), filepath.Join(dir, "faults")
	if err := os.WriteFile(shades, []byte(`{"from":0.01,"to":0.03,"label":"disk <full>"}`+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	status, _ := try(t, t.Context(), "-c", "10", "-n", "900", "--history", history, "--html", live, "--annotate", shades, newReplica(t, m, wrong), newReplica(t, m, nil))
	if status != exitViolated {
		t.Fatalf("status %d, want %d", status, exitViolated)
	}
	var stderr bytes.Buffer
	if status := run(t.Context(), []string{"report", history, "-o", later, "--lang", "ru", "--annotate", shades}, &stderr, &stderr); status != exitViolated {
		t.Errorf("report: status %d, want %d\n%s", status, exitViolated, &stderr)
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

// Without -o the report is beside its history, and never in its place.
func TestReportBesides(t *testing.T) {
	for history, want := range map[string]string{
		"a/run.jsonl.gz": "a/run.html", "run.jsonl": "run.html", "run": "run.html", "run.gz": "run.html", "run.html": "run.html.html",
	} {
		if got := besides(history); got != want {
			t.Errorf("besides(%s) = %s, want %s", history, got, want)
		}
	}
	m := newMemory()
	history := filepath.Join(t.TempDir(), "run.jsonl.gz")
	if status, _ := try(t, t.Context(), "-n", "300", "--history", history, newReplica(t, m, nil), newReplica(t, m, nil)); status != exitVerified {
		t.Fatalf("status %d", status)
	}
	var stderr bytes.Buffer
	if status := run(t.Context(), []string{"report", history}, &stderr, &stderr); status != exitVerified || !strings.Contains(stderr.String(), besides(history)) {
		t.Errorf("status %d, want %d, and where the report is:\n%s", status, exitVerified, &stderr)
	}
	if _, err := os.Stat(besides(history)); err != nil {
		t.Error(err)
	}
}

func TestReportUsage(t *testing.T) {
	dir := t.TempDir()
	bad := filepath.Join(dir, "bad")
	if err := os.WriteFile(bad, []byte(`{"from":1}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		args   []string
		status int
	}{
		{[]string{"report"}, exitUsage},
		{[]string{"report", bad}, exitNoInput},
		{[]string{"report", bad, "-o", filepath.Join(dir, "x")}, exitNoInput},
		{[]string{"report", bad, "-o", filepath.Join(dir, "x"), "--annotate", bad}, exitNoInput},
		{[]string{"report", bad, "-o", filepath.Join(dir, "x"), "--lang", "de"}, exitUsage},
		{[]string{"compare", bad, bad}, exitNoInput},
		{[]string{"--annotate", bad}, exitUsage},
		{[]string{"--html", filepath.Join(dir, "none", "x")}, exitFailed},
	} {
		var out bytes.Buffer
		if status := run(t.Context(), test.args, &out, &out); status != test.status {
			t.Errorf("client %q: status %d, want %d\n%s", test.args, status, test.status, &out)
		}
	}
}

package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"dummymessenger/internal/verify"
)

// Of a history with one lost write, what is left is that write and one answer without
// it, as a history and in the report.
func TestShrinkCommand(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "lost.jsonl")
	file, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	h := verify.NewRecorder(file, verify.Config{Run: "R", Replicas: []string{"http://a", "http://b"}, Senders: []string{"x"}, MinOperations: 1})
	var log []*verify.Entry
	for i := range 100 {
		n := verify.Nonce{Run: "R", Worker: i % 2, Number: i / 2}
		log = append(log, &verify.Entry{
			Seq: int64(i + 1), Sender: "x", SenderCount: int64(i + 1), Text: n.String(), SentAt: int64(i),
		})
		op := &verify.Operation{
			Worker: n.Worker, Number: n.Number, Replica: i % 2, Outcome: verify.OK, Sender: "x", Text: n.String(),
			Call: time.Duration(i) * time.Millisecond, Return: time.Duration(i+1) * time.Millisecond,
			Window: slices.Clone(log[max(0, len(log)-10):]),
		}
		if i == 60 {
			op.Window = slices.Delete(op.Window, 5, 6)
		}
		if err := h.Record(op); err != nil {
			t.Fatal(err)
		}
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	file.Close()

	page := filepath.Join(t.TempDir(), "lost.html")
	got := client(t.Context(), "shrink", "--lang", "en", name, "--html", page)
	if got.status != exitViolated || !strings.Contains(got.stdout, "enough are 2 requests of 100") ||
		!strings.Contains(got.stdout, "VIOLATED: messages that were acknowledged are missing in later answers") {
		t.Fatalf("shrink = %d\n%s%s", got.status, got.stdout, got.stderr)
	}
	small := strings.TrimSuffix(name, ".jsonl") + ".shrunk.jsonl"
	again := client(t.Context(), "verify", "--lang", "en", small)
	if again.status != exitViolated || !strings.Contains(again.stdout, "VIOLATED: messages that were acknowledged") {
		t.Errorf("what is left is judged %d\n%s", again.status, again.stdout)
	}
	html, err := os.ReadFile(page)
	if err != nil || !strings.Contains(string(html), `"seq":[57,61],"outcome":[1,1]`) {
		t.Errorf("the report draws other requests, %v", err)
	}
	for _, args := range [][]string{{"shrink", "-"}, {"shrink", name, "-o", name}} {
		if got := client(t.Context(), args...); got.status != exitUsage {
			t.Errorf("%q = %d\n%s", args, got.status, got.stderr)
		}
	}
}

// There is nothing to shrink of a history that is not violated.
func TestNothingToShrink(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "right.jsonl")
	run := client(t.Context(), "-q", "-c", "4", "-n", "200", "--history", name, newReplica(t, newMemory(), nil))
	if run.status != exitVerified {
		t.Fatalf("run = %d\n%s", run.status, run.stdout)
	}
	got := client(t.Context(), "shrink", "--lang", "en", name)
	if _, err := os.Stat(strings.TrimSuffix(name, ".jsonl") + ".shrunk.jsonl"); got.status != exitVerified || err == nil ||
		!strings.Contains(got.stderr, "nothing to shrink: verified") {
		t.Errorf("shrink = %d, %v\n%s%s", got.status, err, got.stdout, got.stderr)
	}
}

package main

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"testing"

	"dummymessenger/internal/faulty"
)

func TestSelftest(t *testing.T) {
	t.Parallel()
	for _, s := range slices.Concat(faulty.Correct, faulty.All) {
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			var stdout, stderr bytes.Buffer
			status := run(t.Context(), []string{"selftest", "-v", "--only", s.Name, "-c", "12", "--per-worker", "40"}, &stdout, &stderr)
			if status != 0 {
				t.Errorf("status %d, want 0\n%s%s", status, &stdout, &stderr)
			}
		})
	}
}

// A client that sees too little must not pass: one request by one worker
// shows none of a server's races.
func TestSelftestFails(t *testing.T) {
	t.Parallel()
	var stdout, stderr bytes.Buffer
	status := run(t.Context(), []string{"selftest", "--only", "count-plus-one,correct", "-c", "1", "--per-worker", "1"}, &stdout, &stderr)
	if status != exitViolated {
		t.Errorf("status %d, want %d", status, exitViolated)
	}
	for _, want := range []string{"UNPROVEN", "MISSED", "0 of 2 servers"} {
		if !strings.Contains(stdout.String(), want) {
			t.Errorf("no %q in\n%s", want, &stdout)
		}
	}
}

func TestSelftestFlags(t *testing.T) {
	t.Parallel()
	var stdout, stderr bytes.Buffer
	if status := run(t.Context(), []string{"selftest", "--only", "bogus"}, &stdout, &stderr); status != exitUsage ||
		!strings.Contains(stderr.String(), "bogus") {
		t.Errorf("--only bogus = %d, %s", status, &stderr)
	}
	if status := run(t.Context(), []string{"selftest", "--list"}, &stdout, &stderr); status != 0 {
		t.Errorf("--list = %d", status)
	}
	for _, s := range slices.Concat(faulty.Correct, faulty.All) {
		if !strings.Contains(stdout.String(), s.Name+"\n") {
			t.Errorf("--list does not tell of %s", s.Name)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if status := run(ctx, []string{"selftest"}, &stdout, &stderr); status != exitInterrupted {
		t.Errorf("interrupted: %d, want %d", status, exitInterrupted)
	}
}

package main

import (
	"context"
	"slices"
	"strings"
	"testing"

	"dummymessenger/internal/faulty"
)

// A client that sees too little must not pass: one request by one worker
// shows none of a server's races.
func TestSelftestFails(t *testing.T) {
	t.Parallel()
	got := client(t.Context(), "selftest", "--only", "count-plus-one,correct", "-c", "1", "--per-worker", "1")
	if got.status != exitViolated {
		t.Errorf("status %d, want %d", got.status, exitViolated)
	}
	for _, want := range []string{"UNPROVEN", "MISSED", "0 of 2 servers"} {
		if !strings.Contains(got.stdout, want) {
			t.Errorf("no %q in\n%s", want, got.stdout)
		}
	}
}

func TestSelftestFlags(t *testing.T) {
	t.Parallel()
	if got := client(t.Context(), "selftest", "--only", "bogus"); got.status != exitUsage || !strings.Contains(got.stderr, "bogus") {
		t.Errorf("--only bogus = %d, %s", got.status, got.stderr)
	}
	list := client(t.Context(), "selftest", "--list")
	if list.status != 0 {
		t.Errorf("--list = %d", list.status)
	}
	for _, s := range slices.Concat(faulty.Correct, faulty.All) {
		if !strings.Contains(list.stdout, s.Name+"\n") {
			t.Errorf("--list does not tell of %s", s.Name)
		}
	}
	if got := client(t.Context(), "selftest", "-v", "--only", "correct"); got.status != exitVerified {
		t.Errorf("--only correct = %d\n%s%s", got.status, got.stdout, got.stderr)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got := client(ctx, "selftest"); got.status != exitInterrupted {
		t.Errorf("interrupted: %d, want %d", got.status, exitInterrupted)
	}
}

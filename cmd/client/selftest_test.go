package main

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"testing"

	"dummymessenger/internal/faulty"
	"dummymessenger/internal/verify"
)

func TestSelftest(t *testing.T) {
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

// Each check must have a server that it is the name of.
func TestSelftestIsComplete(t *testing.T) {
	named := map[verify.Check]bool{}
	names := map[string]bool{}
	for _, s := range faulty.All {
		if len(s.Breaks) == 0 {
			t.Errorf("%s breaks nothing", s.Name)
			continue
		}
		named[s.Breaks[0]] = true
	}
	for _, c := range verify.Checks() {
		if !named[c] {
			t.Errorf("no server is there to break %q", c)
		}
	}
	for _, s := range slices.Concat(faulty.Correct, faulty.All) {
		if names[s.Name] {
			t.Errorf("two servers are called %s", s.Name)
		}
		names[s.Name] = true
	}
}

func TestJudge(t *testing.T) {
	correct := &faulty.Server{}
	wrong := &faulty.Server{Breaks: []verify.Check{verify.Duplicate}, Also: []verify.Check{verify.Agreement}}
	verdict := func(status verify.Status, broken ...verify.Check) *verify.Verdict {
		v := &verify.Verdict{Status: status}
		for _, c := range verify.Checks() {
			r := verify.CheckResult{Check: c}
			if slices.Contains(broken, c) {
				r.Violations = 1
			}
			v.Checks = append(v.Checks, r)
		}
		return v
	}
	unanswered := verdict(verify.Verified)
	unanswered.Counts = verify.Counts{Sent: 2, OK: 1, Unknown: 1}
	for _, test := range []struct {
		server  *faulty.Server
		verdict *verify.Verdict
		result  string
		ok      bool
	}{
		{correct, verdict(verify.Verified), "passed", true},
		{correct, verdict(verify.Violated, verify.Dates), "FALSE ALARM", false},
		{correct, verdict(verify.Inconclusive), "UNPROVEN", false},
		{correct, unanswered, "UNPROVEN", false},
		{wrong, verdict(verify.Violated, verify.Duplicate), "caught", true},
		{wrong, verdict(verify.Violated, verify.Duplicate, verify.Agreement), "caught", true},
		{wrong, verdict(verify.Violated, verify.Duplicate, verify.Dates), "MISNAMED", false},
		{wrong, verdict(verify.Violated, verify.Agreement), "MISNAMED", false},
		{wrong, verdict(verify.Verified), "MISSED", false},
		{wrong, verdict(verify.Inconclusive), "MISSED", false},
	} {
		if result, ok := judge(test.server, test.verdict); result != test.result || ok != test.ok {
			t.Errorf("judge(%v, %v %q) = %q, %t, want %q, %t", test.server.Breaks, test.verdict.Status,
				found(test.server, test.verdict), result, ok, test.result, test.ok)
		}
	}
}

// A client that sees too little must not pass: one request by one worker
// shows none of a server's races.
func TestSelftestFails(t *testing.T) {
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

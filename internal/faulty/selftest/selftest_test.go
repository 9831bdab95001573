package selftest

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"

	"dummymessenger/internal/faulty"
	"dummymessenger/internal/verify"
)

// Each fault is caught and named rightly, and the correct servers pass.
func TestRun(t *testing.T) {
	t.Parallel()
	for _, s := range slices.Concat(faulty.Correct, faulty.All) {
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			servers, err := Choose([]string{s.Name})
			if err != nil {
				t.Fatal(err)
			}
			cfg := Config{Servers: servers, Seed: rand.Uint64(), Workers: 12, PerWorker: 40, Verbose: true}
			if allRight, err := Run(t.Context(), cfg, &out); !allRight || err != nil {
				t.Errorf("%t, %v\n%s", allRight, err, &out)
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

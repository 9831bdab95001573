package main

import (
	"testing"

	"dummymessenger/internal/measure"
)

// What voids a row, and what its design excuses.
func TestJudge(t *testing.T) {
	const (
		alone  = "no two operations were under way at the same time"
		idle   = "9000 senders of 10000 got nothing stored: a, b, …"
		tooFew = "too few operations: 50 answered, at least 100 are needed"
	)
	for _, c := range []struct {
		name    string
		load    load
		exit    int
		ok      int64
		verdict string // "" for none
		reasons []string
		counts  bool
	}{
		{name: "verified", ok: 5, verdict: "verified", counts: true},
		{name: "violated", exit: 1, ok: 5, verdict: "violated"},
		{name: "violated in a short run", load: load{tooShort: true}, exit: 1, ok: 5, verdict: "violated"},
		{name: "violated under overload", load: load{overload: true}, exit: 1, ok: 5, verdict: "violated"},
		{name: "nothing answered", load: load{unverified: true}, ok: 0},
		{name: "no verdict", ok: 5},
		{name: "not to be verified", load: load{unverified: true}, ok: 5, counts: true},
		{name: "failures where nothing is to be verified", load: load{unverified: true}, exit: 4, ok: 5},
		{name: "failures", exit: 4, ok: 5, verdict: "verified"},
		{name: "failures under overload", load: load{overload: true}, exit: 4, ok: 5, verdict: "verified", counts: true},
		{name: "one worker", load: load{excused: oneByOne}, exit: 3, ok: 5, verdict: "inconclusive",
			reasons: []string{alone}, counts: true},
		{name: "one worker, too few", load: load{excused: oneByOne}, exit: 3, ok: 5, verdict: "inconclusive",
			reasons: []string{alone, tooFew}},
		{name: "one at a time by accident", exit: 3, ok: 5, verdict: "inconclusive", reasons: []string{alone}},
		{name: "many senders", load: load{excused: manySenders}, exit: 3, ok: 5, verdict: "inconclusive",
			reasons: []string{idle}, counts: true},
		{name: "short", load: load{tooShort: true}, exit: 3, ok: 5, verdict: "inconclusive", reasons: []string{tooFew}, counts: true},
	} {
		o := outcome{Run: &measure.Run{OK: c.ok}}
		if c.verdict != "" {
			o.Verdict = &verdict{Status: c.verdict, Reasons: c.reasons}
		}
		if err := c.load.judge(c.exit, &o); (err == nil) != c.counts {
			t.Errorf("%s: %v; counts = %v, want %v", c.name, err, err == nil, c.counts)
		}
	}
}

// Package selftest tries the load test on servers that are each known to be
// wrong in one way, and tells whether the verdict names the fault.
package selftest

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"dummymessenger/internal/faulty"
	"dummymessenger/internal/loadtest"
	"dummymessenger/internal/report/lang"
	"dummymessenger/internal/verify"
)

// Config says what to try.
type Config struct {
	Servers   []faulty.Server // as Choose returns them
	Seed      uint64          // of the choices of sender, text and replica
	Workers   int             // requests under way at once
	PerWorker int             // requests that each worker sends to each server
	Verbose   bool            // explain each fault and its counter-example
}

// Choose returns the servers of these names, or all, the correct ones first.
func Choose(names []string) ([]faulty.Server, error) {
	all := slices.Concat(faulty.Correct, faulty.All)
	if len(names) == 0 {
		return all, nil
	}
	var chosen []faulty.Server
	for _, name := range names {
		i := slices.IndexFunc(all, func(s faulty.Server) bool { return s.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("there is no server %q; selftest --list tells which there are", name)
		}
		chosen = append(chosen, all[i])
	}
	slices.SortStableFunc(chosen, func(a, b faulty.Server) int {
		return cmp.Compare(min(len(a.Breaks), 1), min(len(b.Breaks), 1))
	})
	return chosen, nil
}

// Run tries all servers, writes the results to w, and returns whether each
// verdict was right. It fails if ctx ends, a server cannot run or w breaks.
func Run(ctx context.Context, cfg Config, w io.Writer) (allRight bool, err error) {
	start := time.Now()
	fmt.Fprintf(w, "%-12s %-22s %s\n", "RESULT", "SERVER", "BROKEN CHECKS, AND HOW OFTEN")
	right, wrong := 0, 0
	for _, s := range cfg.Servers {
		v, err := try(ctx, &s, cfg)
		switch {
		case ctx.Err() != nil:
			return false, ctx.Err()
		case err != nil:
			return false, fmt.Errorf("%s: %w", s.Name, err)
		}
		result, ok := judge(&s, v)
		if ok {
			right++
		}
		if len(s.Breaks) > 0 {
			wrong++
		}
		if _, err := fmt.Fprintf(w, "%-12s %-22s %s\n", result, s.Name, found(&s, v)); err != nil {
			return false, err // nobody would see the rest
		}
		if cfg.Verbose || !ok {
			explain(w, &s, v)
		}
	}
	n := len(cfg.Servers)
	fmt.Fprintf(w, "\n%d of %s told rightly: %d correct, %d wrong; %.1f s, --seed %d\n",
		right, lang.Plural(int64(n), "server"), n-wrong, wrong, time.Since(start).Seconds(), cfg.Seed)
	return right == n, nil
}

// try runs the load test against s.
func try(ctx context.Context, s *faulty.Server, c Config) (*verify.Verdict, error) {
	running, err := s.Start(c.Seed)
	if err != nil {
		return nil, err
	}
	defer running.Close()
	cfg := loadtest.Config{
		URLs: running.URLs, Seed: c.Seed, Workers: c.Workers, Requests: c.Workers * c.PerWorker, Timeout: 10 * time.Second,
	}
	if s.Drops {
		cfg.Retries = 5
	}
	if s.Profile() != "" {
		if cfg.Profile, err = loadtest.ParseProfile([]byte(s.Profile())); err != nil {
			return nil, err
		}
	}
	test, err := loadtest.New(cfg)
	if err != nil {
		return nil, err
	}
	test.Run(ctx, nil)
	return test.Verifier().Verdict(), nil
}

// judge compares the verdict with what s is.
func judge(s *faulty.Server, v *verify.Verdict) (result string, ok bool) {
	broken := func(c verify.Check) bool { return v.Checks[c].Violations > 0 }
	switch {
	case len(s.Breaks) == 0 && v.Status == verify.Violated:
		return "FALSE ALARM", false
	case len(s.Breaks) == 0 && (v.Status != verify.Verified || v.Counts.OK != v.Counts.Sent):
		return "UNPROVEN", false
	case len(s.Breaks) == 0:
		return "passed", true
	case v.Status != verify.Violated:
		return "MISSED", false
	}
	for _, c := range verify.Checks() {
		if broken(c) && !s.Allows(c) || !broken(c) && slices.Contains(s.Breaks, c) {
			return "MISNAMED", false
		}
	}
	return "caught", true
}

// found lists the broken checks: first those that s always breaks, in its order,
// then the others, the most frequent first.
func found(s *faulty.Server, v *verify.Verdict) string {
	broken := slices.DeleteFunc(slices.Clone(v.Checks), func(c verify.CheckResult) bool { return c.Violations == 0 })
	if len(broken) == 0 {
		return fmt.Sprintf("none in %s", lang.Plural(v.Counts.OK, "answer"))
	}
	rank := func(c verify.CheckResult) int {
		if i := slices.Index(s.Breaks, c.Check); i >= 0 {
			return i - len(s.Breaks)
		}
		return 0
	}
	slices.SortStableFunc(broken, func(a, b verify.CheckResult) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(b.Violations, a.Violations))
	})
	var list []string
	for _, c := range broken {
		list = append(list, fmt.Sprintf("%s %s", c.Check, lang.Count(c.Violations)))
	}
	return strings.Join(list, "; ")
}

// Describe writes what the servers are.
func Describe(w io.Writer, servers []faulty.Server) {
	for _, s := range servers {
		fmt.Fprintf(w, "%s\n    fault:  %s\n    found:  %s\n", s.Name, s.Fault, s.Found)
		if len(s.Breaks) > 0 {
			fmt.Fprintf(w, "    breaks: %s\n", join(s.Breaks))
		}
		if len(s.Also) > 0 {
			fmt.Fprintf(w, "    may break too: %s\n", join(s.Also))
		}
	}
}

func join(checks []verify.Check) string {
	var list []string
	for _, c := range checks {
		list = append(list, c.String())
	}
	return strings.Join(list, "; ")
}

// explain says what the fault is and how the verdict shows it.
func explain(w io.Writer, s *faulty.Server, v *verify.Verdict) {
	var text strings.Builder
	fmt.Fprintf(&text, "%s.\n", s.Fault)
	for _, reason := range v.Reasons {
		fmt.Fprintf(&text, "inconclusive because %s\n", reason)
	}
	if n := v.Counts; n.OK != n.Sent {
		fmt.Fprintf(&text, "of %s: %d answered, %d failed, %d unknown\n",
			lang.Plural(n.Sent, "request"), n.OK, n.Failed, n.Unknown)
	}
	for _, c := range v.Checks {
		if c.Violations > 0 && !s.Allows(c.Check) {
			text.WriteString("not of this fault: " + c.Worst[0].String())
		}
	}
	if v.CounterExample != nil {
		text.WriteString(v.CounterExample.String())
	}
	for line := range strings.Lines(text.String()) {
		fmt.Fprintf(w, "    %s", line)
	}
	fmt.Fprintln(w)
}

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"dummymessenger/internal/faulty"
	"dummymessenger/internal/loadtest"
	"dummymessenger/internal/report/lang"
	"dummymessenger/internal/verify"
)

// selftestCmd tries the load test on servers that are known to be wrong.
type selftestCmd struct {
	Only    []string `placeholder:"NAME" help:"Only these servers."`
	List    bool     `help:"Tell what servers there are, and try none."`
	Verbose bool     `short:"v" help:"Tell what each fault is, and the counter-example by which it was caught."`
	Seed    *uint64  `placeholder:"SEED" help:"Repeat the choices of sender, text and replica. Which requests race is up to the scheduler."`

	Workers   int `short:"c" default:"24" placeholder:"N" help:"How many requests are under way at once; default ${default}."`
	PerWorker int `default:"50" placeholder:"N" help:"How many requests each worker sends to each server; default ${default}."`
}

// Help is what --help says below the flags' command line.
func (c *selftestCmd) Help() string {
	return `Runs servers that are each wrong in one way, and correct ones, sends them requests as "client run" does, ` +
		`and tells whether the verdict names the fault.

Exit status: 0 each fault was caught and named rightly and the correct servers passed, 1 not so, 64 bad usage, 130 interrupted.`
}

func (c *selftestCmd) run(ctx context.Context, stdout, stderr io.Writer) int {
	correct, wrong, err := c.chosen()
	if err != nil {
		return complain(stderr, err, exitUsage)
	}
	if c.List {
		for _, s := range slices.Concat(correct, wrong) {
			describe(stdout, &s)
		}
		return 0
	}
	if err := enoughFiles(c.Workers, faulty.Replicas, 2); err != nil { // both ends are here
		return complain(stderr, err, exitUsage)
	}
	seed := rand.Uint64N(1_000_000_000)
	if c.Seed != nil {
		seed = *c.Seed
	}

	start := time.Now()
	fmt.Fprintf(stdout, "%-12s %-22s %s\n", "RESULT", "SERVER", "BROKEN CHECKS, AND HOW OFTEN")
	good := 0
	all := slices.Concat(correct, wrong)
	for _, s := range all {
		v, err := c.try(ctx, &s, seed)
		switch {
		case ctx.Err() != nil:
			return complain(stderr, errors.New("interrupted"), exitInterrupted)
		case err != nil:
			return complain(stderr, fmt.Errorf("%s: %w", s.Name, err), exitViolated)
		}
		result, ok := judge(&s, v)
		if ok {
			good++
		}
		if _, err := fmt.Fprintf(stdout, "%-12s %-22s %s\n", result, s.Name, found(&s, v)); err != nil {
			return exitCannotWrite // nobody would see the rest
		}
		if c.Verbose || !ok {
			explain(stdout, &s, v)
		}
	}
	fmt.Fprintf(stdout, "\n%d of %s told rightly: %d correct, %d wrong; %.1f s, --seed %d\n",
		good, lang.Plural(int64(len(all)), "server"), len(correct), len(wrong), time.Since(start).Seconds(), seed)
	if good < len(all) {
		return exitViolated
	}
	return exitVerified
}

// chosen returns the servers that --only names, or all.
func (c *selftestCmd) chosen() (correct, wrong []faulty.Server, err error) {
	if c.Workers <= 0 || c.PerWorker <= 0 {
		return nil, nil, errors.New("--workers and --per-worker must be greater than 0")
	}
	if len(c.Only) == 0 {
		return faulty.Correct, faulty.All, nil
	}
	for _, name := range c.Only {
		named := func(s faulty.Server) bool { return s.Name == name }
		if i := slices.IndexFunc(faulty.Correct, named); i >= 0 {
			correct = append(correct, faulty.Correct[i])
		} else if i := slices.IndexFunc(faulty.All, named); i >= 0 {
			wrong = append(wrong, faulty.All[i])
		} else {
			return nil, nil, fmt.Errorf("there is no server %q; selftest --list tells which there are", name)
		}
	}
	return correct, wrong, nil
}

// try runs the load test against s.
func (c *selftestCmd) try(ctx context.Context, s *faulty.Server, seed uint64) (*verify.Verdict, error) {
	running, err := s.Start(seed)
	if err != nil {
		return nil, err
	}
	defer running.Close()
	cfg := loadtest.Config{URLs: running.URLs, Seed: seed, Workers: c.Workers, Requests: c.Workers * c.PerWorker, Timeout: 10 * time.Second}
	if s.Drops {
		cfg.Retries = 5
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

// found lists the broken checks: first those that s always breaks, then the
// others, the most frequent first.
func found(s *faulty.Server, v *verify.Verdict) string {
	var always, others []verify.CheckResult
	for _, c := range v.Checks {
		switch {
		case c.Violations == 0:
		case slices.Contains(s.Breaks, c.Check):
			always = append(always, c)
		default:
			others = append(others, c)
		}
	}
	slices.SortFunc(always, func(a, b verify.CheckResult) int {
		return cmp.Compare(slices.Index(s.Breaks, a.Check), slices.Index(s.Breaks, b.Check))
	})
	slices.SortStableFunc(others, func(a, b verify.CheckResult) int { return cmp.Compare(b.Violations, a.Violations) })
	var list []string
	for _, c := range slices.Concat(always, others) {
		list = append(list, fmt.Sprintf("%s %s", c.Check, lang.Count(c.Violations)))
	}
	if list == nil {
		return fmt.Sprintf("none in %s", lang.Plural(v.Counts.OK, "answer"))
	}
	return strings.Join(list, "; ")
}

func describe(w io.Writer, s *faulty.Server) {
	fmt.Fprintf(w, "%s\n    fault:  %s\n    found:  %s\n", s.Name, s.Fault, s.Found)
	if len(s.Breaks) > 0 {
		fmt.Fprintf(w, "    breaks: %s\n", names(s.Breaks))
	}
	if len(s.Also) > 0 {
		fmt.Fprintf(w, "    may break too: %s\n", names(s.Also))
	}
}

func names(checks []verify.Check) string {
	var list []string
	for _, c := range checks {
		list = append(list, c.String())
	}
	return strings.Join(list, "; ")
}

// explain says what the fault is and how the verdict shows it.
func explain(w io.Writer, s *faulty.Server, v *verify.Verdict) {
	fmt.Fprintf(w, "    %s.\n", s.Fault)
	for _, reason := range v.Reasons {
		fmt.Fprintf(w, "    inconclusive because %s\n", reason)
	}
	if n := v.Counts; n.OK != n.Sent {
		fmt.Fprintf(w, "    of %s: %d answered, %d failed, %d unknown\n", lang.Plural(n.Sent, "request"), n.OK, n.Failed, n.Unknown)
	}
	for _, c := range v.Checks {
		if c.Violations > 0 && !s.Allows(c.Check) {
			writeIndented(w, "not of this fault: "+c.Worst[0].String())
		}
	}
	if v.CounterExample != nil {
		writeIndented(w, v.CounterExample.String())
	}
	fmt.Fprintln(w)
}

func writeIndented(w io.Writer, text string) {
	for line := range strings.Lines(text) {
		fmt.Fprintf(w, "    %s", line)
	}
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"dummymessenger/internal/loadtest"
	"dummymessenger/internal/program"
	"dummymessenger/internal/program/files"
	"dummymessenger/internal/report"
	"dummymessenger/internal/report/lang"
	"dummymessenger/internal/report/terminal"
	"dummymessenger/internal/verify"
)

// runCmd is the load test.
type runCmd struct {
	URLs []string `arg:"" optional:"" name:"URL" help:"The replicas; http://127.0.0.1:8001 and http://127.0.0.1:8002 if none is given."`

	Workers   int            `short:"c" default:"50" placeholder:"N" help:"How many requests are under way at once, at most; default ${default}."`
	PerWorker int            `default:"100" placeholder:"N" help:"How many requests each worker sends, one after the other; default ${default}."`
	Requests  *int           `short:"n" placeholder:"N" help:"How many requests in total, instead of --per-worker."`
	Duration  *time.Duration `placeholder:"TIME" help:"Send for so long, instead of a number of requests."`
	Warmup    time.Duration  `placeholder:"TIME" help:"Send for so long before the measured part. These requests are verified, not measured."`
	Rate      *float64       `placeholder:"N" help:"Requests due per second, whether the servers keep up or not (open loop). Waits count from when a request was due."`

	loadFlags

	Retries int `default:"0" placeholder:"N" help:"Tries after the first, under one Idempotency-Key: after no answer, 429, 502, 503 and 504. A Retry-After is honoured up to 10 s, and never beyond --duration; default ${default}."`
	Replays int `default:"50" placeholder:"N" help:"With --retries: send one in N answered requests once more under its key, to another replica, and compare the answers. 0 means none; default ${default}."`

	Fail     []string `placeholder:"'p99<200ms'" sep:"none" help:"NAME<LIMIT or NAME>LIMIT; exit with 99 if it does not hold. A time, as in p99<200ms, for mean, p50, p90, p95, p99, p999, max; a number, as in throughput>1000 or failed<1, for throughput, failed, unknown. May be repeated."`
	NoVerify bool     `help:"Count answers only. Prove nothing."`
	Stream   bool     `help:"Keep memory bounded in runs of millions of requests."`

	JSON       string `name:"json" placeholder:"FILE" help:"Write the result as JSON too; - is stdout, instead of the text."`
	History    string `type:"path" placeholder:"FILE" help:"Write every operation as JSON lines, compressed if FILE ends in .gz."`
	HTML       string `name:"html" type:"path" placeholder:"FILE" help:"Write a report with plots too: one HTML file that needs no network."`
	Annotate   string `type:"path" placeholder:"FILE" help:"With --html: shade what was done to the servers. JSON lines with from, to (seconds from the first request, or dates) and label."`
	Lang       string `enum:",en,ru" default:"" placeholder:"en|ru" help:"Language of the summary and the report; without it the locale's."`
	CPUProfile string `name:"cpuprofile" type:"path" placeholder:"FILE" help:"Write a CPU profile of the client, for go tool pprof."`
	Quiet      bool   `short:"q" help:"No progress on stderr."`
	NoTUI      bool   `name:"no-tui" help:"Progress in plain lines, also on a terminal."`

	thresholds []report.Threshold
}

// Help is what --help says below the flags' command line.
func (c *runCmd) Help() string {
	return `Sends messages to all replicas of a messenger at once, measures them, and proves from the answers that their log is right.

Other commands, each with a --help of its own:
  client probe URL               write the profile of a server that is not ours
  client find 'p99<50ms' [URL]   the highest rate that keeps a limit
  client verify FILE             judge a history that --history has written
  client report FILE -o FILE     the HTML report of such a history
  client shrink FILE             the few operations of it that are enough to violate it
  client compare A.json B.json   two results of --json side by side
  client selftest                try the proof on servers that are known to be wrong

Exit status: 0 verified, 1 violated, 3 inconclusive, 4 requests failed though the log is consistent, 64 bad usage, ` +
		`66 and 73 a file cannot be read or written, 99 a --fail threshold was not kept, 130 interrupted. ` +
		`"go run" makes 1 of all but 0; build the program where the status matters.`
}

// config returns the run that the flags describe, or what is wrong with them.
func (c *runCmd) config() (loadtest.Config, error) {
	cfg := loadtest.Config{
		URLs: c.URLs, Workers: c.Workers, Requests: value(c.Requests), Duration: value(c.Duration), Warmup: c.Warmup, Rate: value(c.Rate),
		Retries: c.Retries, Replays: c.Replays, Stream: c.Stream, Unverified: c.NoVerify,
		Trace: c.HTML != "",
	}
	err := errors.Join(positive("--workers", &c.Workers), positive("--per-worker", &c.PerWorker), positive("--requests", c.Requests),
		positive("--duration", c.Duration), positive("--rate", c.Rate), notNegative("--retries", c.Retries),
		notNegative("--replays", c.Replays), notNegative("--warmup", c.Warmup), notNegative("--max-text", c.MaxText), c.checkTimes())
	if err != nil {
		return cfg, err
	}
	if c.Requests == nil && c.Duration == nil {
		cfg.Requests = c.Workers * c.PerWorker
	}
	if c.NoVerify && c.History != "" {
		return cfg, errors.New("--history records what --no-verify does not look at; use one of them")
	}
	if c.Annotate != "" && c.HTML == "" {
		return cfg, errors.New("--annotate shades the plots of --html; give both")
	}
	err = files.Check(append(c.names(),
		files.Name{Flag: "--json", File: c.JSON, Written: true, Dash: true}, files.Name{Flag: "--history", File: c.History, Written: true},
		files.Name{Flag: "--html", File: c.HTML, Written: true}, files.Name{Flag: "--cpuprofile", File: c.CPUProfile, Written: true},
		files.Name{Flag: "--annotate", File: c.Annotate})...)
	if err != nil {
		return cfg, err
	}
	if err := c.apply(&cfg); err != nil {
		return cfg, err
	}
	for _, s := range c.Fail {
		t, err := report.ParseThreshold(s)
		if err != nil {
			return cfg, err
		}
		c.thresholds = append(c.thresholds, t)
	}
	return cfg, nil
}

// value returns *p, or zero for a flag that was not given.
func value[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

func (c *runCmd) run(ctx context.Context, stdout *sink, stderr io.Writer) int {
	cfg, err := c.config()
	if err != nil {
		return badUsage(stderr, err)
	}
	l := lang.Of(c.Lang, program.Locale())
	above := stderr // for lines that stay above the live view
	cfg.Warn = func(wrong verify.Sentence) { fmt.Fprintln(above, "client: "+l.Sentence(wrong)) }
	test, err := loadtest.New(cfg)
	if err != nil {
		return complain(stderr, err, exitUsage)
	}
	if err := enoughFiles(cfg.Workers, len(cfg.URLs), 1); err != nil {
		return complain(stderr, err, exitUsage)
	}
	annotations, err := openAnnotations(c.Annotate)
	if err != nil {
		return complain(stderr, err, exitNoInput)
	}
	if err := reach(test, cfg.URLs, l, stderr); err != nil {
		return complain(stderr, err, exitFailed)
	}
	out, err := c.open(ctx, test, stdout)
	if err != nil {
		return complain(stderr, err, exitCannotWrite)
	}

	var stopProgress func()
	if c.Quiet {
		stopProgress = terminal.ShowInterrupted(ctx, stderr, l)
	} else {
		stopProgress, above = terminal.ShowProgress(ctx, stderr, test, cfg, l, c.NoTUI)
	}
	measured := test.Run(ctx, out.record)
	stopProgress()

	measured.Recorded = c.recorded()
	result := newResult(&measured, nil)
	if v := test.Verifier(); v != nil {
		result.Verdict = v.Verdict()
	}
	for _, t := range c.thresholds {
		if how, crossed := t.Crossed(&measured); crossed {
			result.Crossed = append(result.Crossed, how)
		}
	}
	read, unread := annotations()
	return out.finish(result, read, unread, stderr)
}

// recorded returns the set flags that add recording work to each request.
// --html is not among them: its sample costs less than compare treats as noise.
func (c *runCmd) recorded() (flags []string) {
	if c.History != "" {
		flags = append(flags, "--history")
	}
	if c.CPUProfile != "" {
		flags = append(flags, "--cpuprofile")
	}
	return flags
}

// exitStatus returns the worst that applies.
func exitStatus(r *report.Result) int {
	switch {
	case r.Verdict != nil && r.Verdict.Status == verify.Violated:
		return exitViolated
	case r.Run != nil && r.Run.Interrupted:
		return exitInterrupted
	case r.Verdict != nil && r.Verdict.Status == verify.Inconclusive,
		r.Verdict == nil && r.Causes() != nil:
		return exitInconclusive
	case r.Run != nil && r.Run.Failed+r.Run.Unknown > 0,
		r.Verdict != nil && r.Verdict.Counts.Failed+r.Verdict.Counts.Unknown > 0:
		return exitFailed
	case len(r.Crossed) > 0:
		return exitThreshold
	}
	return exitVerified
}

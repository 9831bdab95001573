package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"dummymessenger/internal/loadtest"
	"dummymessenger/internal/measure"
	"dummymessenger/internal/program"
	"dummymessenger/internal/program/files"
	"dummymessenger/internal/report"
	"dummymessenger/internal/report/lang"
	"dummymessenger/internal/verify"
)

// findCmd looks for the highest rate at which a limit is kept.
type findCmd struct {
	Limit string   `arg:"" name:"LIMIT" help:"Of the latency, as in 'p99<50ms'; the figures are mean, p50, p90, p95, p99, p999 and max."`
	URLs  []string `arg:"" optional:"" name:"URL" help:"The replicas; http://127.0.0.1:8001 and http://127.0.0.1:8002 if none is given."`

	Workers int           `short:"c" default:"500" placeholder:"N" help:"How many requests are under way at once, at most; default ${default}."`
	Step    time.Duration `default:"3s" placeholder:"TIME" help:"How long each rate is tried, or longer where the figure needs more answers; default ${default}."`
	Warmup  time.Duration `default:"500ms" placeholder:"TIME" help:"Before that, not measured; default ${default}."`
	MaxRate float64       `default:"200000" placeholder:"N" help:"The highest rate to try; default ${default}."`
	loadFlags

	JSON string `name:"json" placeholder:"FILE" help:"Write what was found, and all steps, as JSON too; - is stdout, instead of the text."`
	HTML string `name:"html" type:"path" placeholder:"FILE" help:"Write a page with latency over rate too."`
	Lang string `enum:",en,ru" default:"" placeholder:"en|ru" help:"Language of what is printed; without it the locale's."`
}

// Help is what --help says below the flags' command line.
func (c *findCmd) Help() string {
	return `Doubles the rate until the limit is not kept, then halves the distance until it is known to 5 %. ` +
		`A rate keeps it if the figure does, every request is answered, and the load could be offered. Every step is verified; the first violation ends the search, and so does a rate at which no request is answered.

Exit status: 0 found and verified, 1 violated, 3 not proven or too few answers to tell, 4 no rate keeps the limit or no request was answered, 64 bad usage, ` +
		`66 and 73 a file cannot be read or written, 130 interrupted.`
}

const (
	firstRate   = 200 // requests per second
	leastRate   = 1
	closeEnough = 1.05 // the least rate that fails, divided by the greatest that does not
	longestStep = 20   // times --step, where the figure needs more answers
)

func (c *findCmd) run(ctx context.Context, stdout *sink, stderr io.Writer) int {
	limit, cfg, err := c.config()
	if err != nil {
		return badUsage(stderr, err)
	}
	if err := enoughFiles(cfg.Workers, len(cfg.URLs), 1); err != nil {
		return complain(stderr, err, exitUsage)
	}
	l := lang.Of(c.Lang, program.Locale())
	if err := connect(cfg, l, stderr); err != nil {
		return complain(stderr, err, exitFailed)
	}
	var to files.Outputs
	asJSON, page := to.Create(ctx, c.JSON, stdout), to.Create(ctx, c.HTML, nil)
	if err := to.Begin(); err != nil {
		to.Discard()
		return complain(stderr, err, exitCannotWrite)
	}
	found := report.Search{Limit: limit.String()}
	fmt.Fprintln(stderr, found.Head(l))
	err = search(firstRate, min(c.MaxRate, firstRate*1e6), func(rate float64) (bool, error) {
		step, err := c.try(ctx, cfg, limit, rate)
		if err != nil {
			return false, err
		}
		found.Steps = append(found.Steps, *step)
		fmt.Fprintln(stderr, step.Line(l))
		switch {
		case step.Status == verify.Violated:
			return false, errViolated
		case step.Unanswered():
			return false, errUnanswered
		case found.Best() == nil && step.Why.Form == tooFew: // and a lower rate has fewer
			return false, errUndecided
		}
		return step.Kept(), nil
	})
	found.Stopped = err == errUnanswered || err == errUndecided
	found.Interrupted = err != nil && err != errViolated && ctx.Err() != nil
	if err != nil && err != errViolated && !found.Stopped && !found.Interrupted {
		to.Discard()
		return complain(stderr, err, exitFailed)
	}
	status := exitVerified
	switch best := found.Best(); {
	case err == errViolated:
		status = exitViolated
	case found.Interrupted:
		status = exitInterrupted
	case err == errUndecided:
		status = exitInconclusive
	case best == nil, err == errUnanswered:
		status = exitFailed
	case best.Status != verify.Verified:
		status = exitInconclusive
	}
	var written error
	if page != nil {
		written = errors.Join(report.WriteSearchHTML(page, &found, l), page.Close())
	}
	if asJSON != nil {
		written = errors.Join(written, json.MarshalWrite(asJSON, &found, jsontext.WithIndent("  ")), asJSON.Close())
	}
	if c.JSON != "-" {
		fmt.Fprintln(stdout, found.Summary(l))
		if v := found.Violation(); v != nil {
			fmt.Fprint(stdout, v)
		}
	}
	if written != nil {
		return complain(stderr, written, exitCannotWrite)
	}
	tellReport(stderr, l, c.HTML)
	return status
}

// What ends a search early.
var (
	errViolated   = errors.New("violated")
	errUnanswered = errors.New("no request was answered")
	errUndecided  = errors.New("too few answers")
)

func (c *findCmd) config() (report.Threshold, loadtest.Config, error) {
	cfg := loadtest.Config{URLs: c.URLs, Workers: c.Workers, Warmup: c.Warmup}
	limit, err := report.ParseThreshold(c.Limit)
	if err != nil {
		return limit, cfg, fmt.Errorf("%w; as in: client find 'p99<50ms' http://127.0.0.1:8001", err)
	}
	if _, ok := limit.IsLatency(); !ok {
		return limit, cfg, fmt.Errorf("%s is no limit of a latency; write it like 'p99<50ms'", c.Limit)
	}
	err = errors.Join(positive("--workers", &c.Workers), positive("--step", &c.Step), c.checkTimes())
	switch {
	case err != nil:
		return limit, cfg, err
	case c.Warmup < 0:
		return limit, cfg, fmt.Errorf("--warmup is %v; it must not be negative", c.Warmup)
	case !(c.MaxRate >= firstRate):
		return limit, cfg, fmt.Errorf("--max-rate is %v; it must be at least %d", c.MaxRate, firstRate)
	}
	err = files.Check(append(c.names(), files.Name{Flag: "--json", File: c.JSON, Written: true, Dash: true},
		files.Name{Flag: "--html", File: c.HTML, Written: true})...)
	if err == nil {
		err = c.apply(&cfg)
	}
	if err == nil {
		_, err = loadtest.New(c.step(cfg, limit, firstRate))
	}
	return limit, cfg, err
}

// step returns cfg for one rate.
func (c *findCmd) step(cfg loadtest.Config, limit report.Threshold, rate float64) loadtest.Config {
	samples, _ := limit.IsLatency()
	cfg.Rate = rate
	cfg.Duration = min(max(c.Step, time.Duration(1.1*float64(samples)/rate*float64(time.Second))), longestStep*c.Step)
	return cfg
}

// try offers one rate. An interrupted step counts only if it is violated.
func (c *findCmd) try(ctx context.Context, cfg loadtest.Config, limit report.Threshold, rate float64) (*report.SearchStep, error) {
	test, err := loadtest.New(c.step(cfg, limit, rate))
	if err != nil {
		return nil, err
	}
	run := test.Run(ctx, nil)
	verdict := test.Verifier().Verdict()
	if ctx.Err() != nil && verdict.Status != verify.Violated {
		return nil, ctx.Err()
	}
	step := &report.SearchStep{Rate: rate, Run: run, Status: verdict.Status, Violation: verdict.CounterExample}
	step.Value, step.Limit = limit.Value(&run)
	if step.Why = notKept(&run, limit); step.Unanswered() {
		step.Why = unanswered(&run)
	}
	return step, nil
}

// unanswered says why no request of a run was answered.
func unanswered(r *measure.Run) verify.Sentence {
	if len(r.Failures) == 0 {
		return verify.Sentence{Form: "no request was answered"}
	}
	reason := lang.Reason(r.Failures[0].Reason)
	if r.GaveUp {
		return verify.Sentence{Form: "none of the first answers could be read (%s); \"client probe URL\" finds out why", Args: []any{reason}}
	}
	return verify.Sentence{Form: "no request was answered (%s)", Args: []any{reason}}
}

const tooFew = "%s: too few answers to tell; a longer --step gives more"

// notKept says why a run did not keep the limit; a zero Sentence if it did.
func notKept(r *measure.Run, limit report.Threshold) verify.Sentence {
	// Of those due at the very end some are never sent. A backlog shows in the latency,
	// which counts from when a request was due.
	const unsent = 0.05
	switch how, crossed := limit.Crossed(r); {
	case r.Failed+r.Unknown > 0:
		return verify.Sentence{Form: "%s failed or unknown", Args: []any{lang.Count(r.Failed + r.Unknown)}}
	case float64(r.Dropped) > unsent*float64(r.Sent):
		return verify.Sentence{Form: "%s could not be sent in time", Args: []any{lang.Count(r.Dropped)}}
	case limit.Undecided(r):
		return verify.Sentence{Form: tooFew, Args: []any{limit.String()}}
	case crossed:
		return how
	}
	return verify.Sentence{}
}

// search tries rates from first on: doubled until one is not kept, or halved until one
// is, then bisected. It ends at most, or with try's error.
func search(first, most float64, try func(rate float64) (kept bool, err error)) error {
	good, bad := 0.0, 0.0
	for rate := first; good == 0 || bad == 0; {
		kept, err := try(rate)
		switch {
		case err != nil:
			return err
		case kept:
			if good = rate; rate >= most {
				return nil
			}
			rate = min(2*rate, most)
		default:
			if bad = rate; rate <= leastRate {
				return nil
			}
			rate = max(rate/2, leastRate)
		}
	}
	for bad/good > closeEnough {
		middle := (good + bad) / 2
		kept, err := try(middle)
		switch {
		case err != nil:
			return err
		case kept:
			good = middle
		default:
			bad = middle
		}
	}
	return nil
}

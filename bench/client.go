package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"

	"dummymessenger/internal/lab"
	"dummymessenger/internal/measure"
)

// A load is one run of the client.
type load struct {
	urls    []string
	args    []string
	cpu     string // the processor it is pinned to; "" for any
	started func(*lab.Process)

	unverified bool // the answers cannot be verified, so they are only counted

	// What a run cannot prove by its design.
	excused  string // part of a reason why the verdict is inconclusive
	overload bool   // more is offered than can be stored: refusals are what we want to see
	tooShort bool   // every run is, so that only a violation counts
}

// outcome is what the client found out, as far as we need it.
type outcome struct {
	Run     *measure.Run `json:"run"`
	Verdict *verdict     `json:"verdict"`
}

type verdict struct {
	Status  string   `json:"status"`
	Reasons []string `json:"reasons"`
}

// timed returns the arguments for workers that send for the usual time. If runs
// are too short to compare, it sets a number of requests instead: that ends
// sooner, and not before there are answers.
func (b *bench) timed(workers int) []string {
	if b.tooShort {
		return []string{"--workers", fmt.Sprint(workers), "--requests", fmt.Sprint(max(500, 2*workers))}
	}
	return []string{"--workers", fmt.Sprint(workers), "--warmup", b.warmup.String(), "--duration", b.length.String()}
}

// send runs the client to its end. It returns an error if the run does not
// count: see judge.
func (b *bench) send(ctx context.Context, l load) (*measure.Run, error) {
	argv := slices.Concat(pinned(l.cpu), []string{b.client, "run", "--quiet", "--json", "-"}, l.args)
	if l.unverified {
		argv = append(argv, "--no-verify")
	}
	argv = append(argv, l.urls...)
	cmd := exec.Command(argv[0], argv[1:]...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	p, err := lab.Start(cmd)
	if err != nil {
		return nil, err
	}
	if l.started != nil {
		l.started(p)
	}
	select {
	case <-p.Done():
	case <-ctx.Done():
		p.Stop(os.Interrupt, 5*time.Second)
		return nil, ctx.Err()
	}
	exit := cmd.ProcessState.ExitCode()
	var o outcome
	if err := json.Unmarshal(stdout.Bytes(), &o); err != nil || o.Run == nil {
		return nil, fmt.Errorf("the client ended with status %d and without a result\n%s", exit, stderr.String())
	}
	l.tooShort = b.tooShort
	if err := l.judge(exit, &o); err != nil {
		return nil, keepEvidence(err, stdout.Bytes())
	}
	return o.Run, nil
}

// keepEvidence saves the client's output to a file that outlives this run, and
// names the file in the error.
func keepEvidence(err error, result []byte) error {
	f, createErr := os.CreateTemp("", "dummymessenger-bench-void-*.json")
	if createErr != nil {
		return errors.Join(err, createErr)
	}
	_, writeErr := f.Write(result)
	return errors.Join(fmt.Errorf("%w; the client's result is in %s", err, f.Name()), writeErr, f.Close())
}

// The client's exit statuses that a load may allow.
const (
	exitInconclusive = 3
	exitFailed       = 4
)

// judge is nil if the run counts.
func (l *load) judge(exit int, o *outcome) error {
	switch {
	case o.Run.OK == 0:
		return errors.New("no request was answered")
	case l.unverified && exit == 0:
		return nil
	case o.Verdict == nil:
		return fmt.Errorf("the client ended with status %d and without a verdict", exit)
	case exit == 0 && o.Verdict.Status == "verified",
		exit == exitFailed && o.Verdict.Status == "verified" && l.overload:
		return nil
	case exit == exitInconclusive:
		for _, reason := range o.Verdict.Reasons {
			if !l.tooShort && (l.excused == "" || !strings.Contains(reason, l.excused)) {
				return fmt.Errorf("the run is not conclusive: %s", reason)
			}
		}
		return nil
	}
	return fmt.Errorf("the run is not verified: %s, exit status %d", o.Verdict.Status, exit)
}

// Reasons why a run is inconclusive by its design.
const (
	oneByOne    = "no two operations were under way at the same time" // a single worker
	manySenders = "got nothing stored"                                // more senders than requests
)

// sends is a contender that sends l to s with the client. observe, if it is not
// nil, adds to what the client measured.
func (b *bench) sends(name string, s *servers, l load, observe func(*measure.Run, sample) error) *contender {
	return &contender{name: name, on: s, run: func(ctx context.Context) (sample, error) {
		l.urls, l.unverified = s.urls, s.unverified
		run, err := b.send(ctx, l)
		if err != nil {
			return nil, err
		}
		measured := sample{throughput: run.Throughput, latency: run.Latency.Mean}
		if observe != nil {
			err = observe(run, measured)
		}
		return measured, err
	}}
}

// workers is a contender of so many workers that send for the usual time.
func (b *bench) workers(s *servers, n int) *contender {
	if s.send != nil {
		return &contender{name: s.name, on: s, run: func(ctx context.Context) (sample, error) { return s.send(ctx, n) }}
	}
	l := load{args: b.timed(n)}
	if n == 1 {
		l.excused = oneByOne
	}
	return b.sends(s.name, s, l, nil)
}

// pinned is the beginning of a command line that runs the rest on one processor.
func pinned(cpu string) []string {
	if cpu == "" {
		return nil
	}
	return []string{"taskset", "-c", cpu}
}

// leastPart runs one client for each of n replicas, all at once, with 50 workers
// in all.
func (b *bench) leastPart(s *servers, n int) wanted {
	part := figure{"least part", ""}
	c := &contender{name: s.name, on: s, run: func(ctx context.Context) (sample, error) {
		runs := make([]*measure.Run, n)
		errs := make([]error, n)
		var wg sync.WaitGroup
		for i, url := range s.urls {
			wg.Go(func() { runs[i], errs[i] = b.send(ctx, load{urls: []string{url}, args: b.timed(50 / n)}) })
		}
		wg.Wait()
		if err := errors.Join(errs...); err != nil {
			return nil, err
		}
		least, sum := runs[0].OK, int64(0)
		for _, run := range runs {
			least = min(least, run.OK)
			sum += run.OK
		}
		return sample{part: float64(least) * float64(n) / float64(sum)}, nil
	}}
	what := fmt.Sprintf("%s, %d replicas, %d workers at each: least part ÷ an equal one", s.name, n, 50/n)
	return wanted{what, part, c, nil, target{}}
}

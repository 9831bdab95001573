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

	// The verdict asks for more than these runs can give by their design.
	oneByOne    bool // a single worker, whose requests cannot overlap
	manySenders bool // more senders than requests
	overload    bool // more is offered than can be stored: refusals are what we want to see
	tooShort    bool // every run is, so that only a violation counts
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

// task are the arguments for the run that the task asks for.
func (b *bench) task() []string {
	return []string{"--workers", "50", "--per-worker", fmt.Sprint(b.perWorker)}
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
		return nil, fmt.Errorf("the client ended with status %d and without a result\n%s", exit, strings.TrimSpace(stderr.String()))
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
			if !l.expects(reason) {
				return fmt.Errorf("the run is not conclusive: %s", reason)
			}
		}
		return nil
	}
	return fmt.Errorf("the run is not verified: %s, exit status %d", o.Verdict.Status, exit)
}

// expects reports whether this load, by design, makes the verdict inconclusive
// for reason.
func (l *load) expects(reason string) bool {
	return l.tooShort || l.oneByOne && strings.HasPrefix(reason, "no two operations were under way at the same time") ||
		l.manySenders && strings.Contains(reason, "got nothing stored")
}

// throughput is a contender that measures requests answered per second.
func (b *bench) throughput(name string, l load) contender {
	return contender{name: name, unit: "/s", run: func(ctx context.Context) (float64, error) {
		run, err := b.send(ctx, l)
		if err != nil {
			return 0, err
		}
		return run.Throughput, nil
	}}
}

// ownClients is a contender that runs one client for each replica, all at once.
// It measures the smallest share of the messages that a replica got, relative
// to an equal share.
func (b *bench) ownClients(name string, g *group, workers int) contender {
	return contender{name: name, run: func(ctx context.Context) (float64, error) {
		runs := make([]*measure.Run, len(g.urls))
		errs := make([]error, len(g.urls))
		var wg sync.WaitGroup
		for i, url := range g.urls {
			wg.Go(func() {
				runs[i], errs[i] = b.send(ctx, load{urls: []string{url}, args: b.timed(max(1, workers/len(g.urls)))})
			})
		}
		wg.Wait()
		if err := errors.Join(errs...); err != nil {
			return 0, err
		}
		least, sum := runs[0].OK, int64(0)
		for _, run := range runs {
			least = min(least, run.OK)
			sum += run.OK
		}
		return float64(least) / float64(sum), nil
	}}
}

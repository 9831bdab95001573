package main

import (
	"context"
	"errors"
	"io"

	"dummymessenger/internal/faulty"
	"dummymessenger/internal/faulty/selftest"
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

func (c *selftestCmd) run(ctx context.Context, stdout *sink, stderr io.Writer) int {
	if c.Workers <= 0 || c.PerWorker <= 0 {
		return complain(stderr, errors.New("--workers and --per-worker must be greater than 0"), exitUsage)
	}
	servers, err := selftest.Choose(c.Only)
	if err != nil {
		return complain(stderr, err, exitUsage)
	}
	if c.List {
		selftest.Describe(stdout, servers)
		return 0
	}
	if err := enoughFiles(c.Workers, faulty.Replicas, 2); err != nil { // both ends are here
		return complain(stderr, err, exitUsage)
	}
	cfg := selftest.Config{Servers: servers, Seed: seedOf(c.Seed), Workers: c.Workers, PerWorker: c.PerWorker, Verbose: c.Verbose}
	allRight, err := selftest.Run(ctx, cfg, stdout)
	switch {
	case errors.Is(err, context.Canceled):
		return complain(stderr, errors.New("interrupted"), exitInterrupted)
	case stdout.err != nil:
		return exitCannotWrite // which run reports
	case err != nil:
		return complain(stderr, err, exitViolated)
	case !allRight:
		return exitViolated
	}
	return exitVerified
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"dummymessenger/internal/lab"
	"dummymessenger/internal/lab/pgcluster"
)

// A scale is how much is measured.
type scale struct {
	rounds    int
	warmup    time.Duration // before the measured part of a run
	length    time.Duration // of the measured part
	perWorker int           // requests, in the task's own run
	messages  int           // in the large table
	senders   int           // distinct ones, where there are many
	stream    int           // requests of the long run
	tooShort  bool          // runs are too short to prove or compare anything
}

var (
	full = scale{
		warmup: 300 * time.Millisecond, length: 1500 * time.Millisecond, perWorker: 100,
		messages: 10_000_000, senders: 1_000_000, stream: 1_000_000,
	}
	quick = scale{rounds: 1, length: 500 * time.Millisecond, perWorker: 40, messages: 50_000, senders: 10_000, stream: 20_000, tooShort: true}
)

// A bench is what the rows measure with.
type bench struct {
	scale
	dir            string // temporary; gone at the end
	self           string // this program, which is also the server without a database
	server, client string
	profiles       string // folder; "" for none
	stderr         io.Writer

	cluster *pgcluster.Cluster // nil if there is no PostgreSQL
	number  int                // of databases and logs so far

	capacity float64 // stored per second at 500 workers, as row 2 found it; 0: not known
}

// runAll measures every row. It reports an error only if no row can be measured.
func runAll(ctx context.Context, c *runCmd, stderr io.Writer) (r *result, err error) {
	load, busy := loadAverage() // before we are the load
	b := &bench{scale: full, profiles: c.Profile, stderr: stderr}
	b.rounds = c.Rounds
	if c.Quick {
		b.scale = quick
	}
	if b.dir, err = os.MkdirTemp("", "dummymessenger-bench-"); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(b.dir)) }()
	if b.self, err = os.Executable(); err != nil {
		return nil, err
	}
	if err := b.build(ctx); err != nil {
		return nil, err
	}
	if b.profiles != "" {
		if err := os.MkdirAll(b.profiles, 0o755); err != nil {
			return nil, err
		}
	}

	r = new(result)
	if busy {
		r.warn(stderr, "the load average was %s before the start: something else is running, and these figures are not to be trusted", load)
	}
	if c.Quick {
		r.warn(stderr, "--quick: these figures mean nothing")
	}
	b.cluster, err = pgcluster.Start(ctx, pgcluster.Config{Settings: map[string]string{"max_connections": "300"}})
	switch {
	case err == nil:
		defer func() { err = errors.Join(err, b.cluster.Stop()) }()
	case !errors.Is(err, pgcluster.ErrNotInstalled):
		return nil, err
	}
	r.Machine = describeMachine(load)
	if r.Settings, err = b.settings(ctx); err != nil {
		return nil, err
	}
	for _, row := range rows {
		if len(c.Rows) > 0 && !slices.Contains(c.Rows, row.number) {
			continue
		}
		r.Lines = append(r.Lines, b.row(ctx, row)...)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
	return r, nil
}

func (r *result) warn(stderr io.Writer, format string, args ...any) {
	r.Warnings = append(r.Warnings, fmt.Sprintf(format, args...))
	fmt.Fprintf(stderr, "warning: "+format+"\n", args...)
}

// row measures one row. A row that fails is void, and the others go on.
func (b *bench) row(ctx context.Context, r row) []line {
	start := time.Now()
	b.say("row %d: %s", r.number, r.what)
	lines, err := r.measure(b, ctx)
	_, isMissing := errors.AsType[*missingError](err)
	switch {
	case isMissing:
		lines = append(lines, line{What: r.what, Missing: err.Error()})
	case err != nil:
		lines = append(lines, line{What: r.what, Void: err.Error()})
	}
	for i := range lines {
		lines[i].Row = r.number
	}
	b.say("row %d took %.0f s", r.number, time.Since(start).Seconds())
	return lines
}

// A missingError says what is not installed.
type missingError struct{ advice string }

func (e *missingError) Error() string { return e.advice }

func missing(format string, args ...any) error { return &missingError{fmt.Sprintf(format, args...)} }

func (b *bench) say(format string, args ...any) { fmt.Fprintf(b.stderr, format+"\n", args...) }

// build builds the programs that are measured, once.
func (b *bench) build(ctx context.Context) error {
	b.say("building server and client")
	if err := lab.Build(ctx, b.dir, "dummymessenger/cmd/server", "dummymessenger/cmd/client"); err != nil {
		return fmt.Errorf("building server and client; run this in the source folder: %w", err)
	}
	b.server, b.client = lab.Program(b.dir, "server"), lab.Program(b.dir, "client")
	return nil
}

// path is a new name in the temporary folder.
func (b *bench) path(name string) string {
	b.number++
	return filepath.Join(b.dir, fmt.Sprintf("%d-%s", b.number, name))
}

// A contender is one of those that take turns.
type contender struct {
	name string
	unit string                                     // of what run returns
	run  func(ctx context.Context) (float64, error) // measures once
	also []*series                                  // what run appends to besides
}

// takeTurns runs each contender once as a warm-up and then once in every round.
// It skips the warm-up if runs are too short to compare.
func (b *bench) takeTurns(ctx context.Context, contenders ...contender) ([]series, error) {
	all := make([]series, len(contenders))
	for i, c := range contenders {
		all[i] = series{Name: c.name, Unit: c.unit}
	}
	const warmup = -1
	first := warmup
	if b.tooShort {
		first = 0
	}
	for round := first; round < b.rounds; round++ {
		var said []string
		for _, i := range turn(len(contenders), max(0, round)) {
			value, err := contenders[i].run(ctx)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", contenders[i].name, err)
			}
			if round != warmup {
				all[i].Values = append(all[i].Values, value)
			}
			said = append(said, contenders[i].name+" "+quantity(value, contenders[i].unit))
		}
		if round == warmup {
			for _, c := range contenders {
				for _, s := range c.also {
					s.Values = nil
				}
			}
			b.say("  warm-up: %s", strings.Join(said, ", "))
		} else {
			b.say("  round %d: %s", round+1, strings.Join(said, ", "))
		}
	}
	return all, nil
}

// A group is servers that share a log.
type group struct {
	urls      []string
	processes []*lab.Process
}

// stop stops all servers at once and kills those that do not exit.
func (g *group) stop() {
	var wg sync.WaitGroup
	for _, p := range g.processes {
		wg.Go(func() { p.Stop(syscall.SIGTERM, 10*time.Second) })
	}
	wg.Wait()
}

// replicas starts n of our servers on one database and waits until all are ready.
func (b *bench) replicas(ctx context.Context, database string, n int, args ...string) (*group, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	g := new(group)
	rs, err := lab.StartReplicas(n, lab.ReplicaConfig{
		Program: b.server, Database: database, Log: b.path("server-*.log"), Dir: b.dir, Args: args,
	})
	for _, r := range rs {
		g.processes = append(g.processes, r.Process)
	}
	if err == nil {
		err = rs.WaitReady(ctx)
	}
	if err != nil {
		g.stop()
		return nil, err
	}
	g.urls = rs.URLs()
	return g, nil
}

// onPostgres starts n replicas on a new database in the cluster.
func (b *bench) onPostgres(ctx context.Context, n int, args ...string) (*group, error) {
	url, err := b.newDatabase(ctx)
	if err != nil {
		return nil, err
	}
	return b.replicas(ctx, url, n, args...)
}

// onSQLite starts n replicas on a new file.
func (b *bench) onSQLite(ctx context.Context, n int, args ...string) (*group, error) {
	return b.replicas(ctx, "sqlite:"+b.path("log.db"), n, args...)
}

func (b *bench) newDatabase(ctx context.Context) (url string, err error) {
	if b.cluster == nil {
		return "", missing("PostgreSQL is not installed; apt-get install postgresql, or the like")
	}
	b.number++
	return b.cluster.CreateDatabase(ctx, fmt.Sprintf("bench_%d", b.number))
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"dummymessenger/internal/lab/pgcluster"
)

// A scale is how much is measured.
type scale struct {
	rounds   int
	warmup   time.Duration // before the measured part of a run
	length   time.Duration // of the measured part
	messages int           // in the large table
	senders  int           // distinct ones, where there are many
	stream   int           // requests of the long run
	tooShort bool          // runs are too short to prove or compare anything
}

var (
	full  = scale{warmup: 300 * time.Millisecond, messages: 10_000_000, senders: 1_000_000, stream: 1_000_000}
	quick = scale{
		rounds: 1, length: 500 * time.Millisecond, messages: 50_000, senders: 10_000, stream: 20_000, tooShort: true,
	}
)

// A bench is what the rows measure with.
type bench struct {
	scale
	dir            string // temporary; removed at the end
	source         string // the module's folder
	against        string // a commit
	server, client string // programs
	bare           string // the program of ./bare
	stderr         io.Writer

	cluster *pgcluster.Cluster // nil if there is no PostgreSQL
	number  int                // of databases and files so far
}

// runAll measures every row. It reports an error only if no row can be measured.
func runAll(ctx context.Context, c *cli, stderr io.Writer) (r *result, err error) {
	load, busy := loadAverage() // before we are the load
	b := &bench{scale: full, against: c.Against, stderr: stderr}
	b.rounds, b.length = c.Rounds, c.For
	if c.Quick {
		b.scale = quick
	}
	if b.dir, err = os.MkdirTemp("", "dummymessenger-bench-"); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(b.dir)) }()
	if c.Profile != "" {
		if err := os.MkdirAll(c.Profile, 0o755); err != nil {
			return nil, err
		}
	}
	if err := b.buildAll(ctx); err != nil {
		return nil, err
	}

	r = new(result)
	if busy {
		r.warn(stderr, "the load average was %s before the start: something else runs; do not trust these figures", load)
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
	if r.Facts, err = b.facts(ctx, load); err != nil {
		return nil, err
	}
	for _, row := range rows {
		if slices.Contains(c.Rows, row.number) || len(c.Rows) == 0 && row.number <= lastTarget {
			r.Lines = append(r.Lines, b.row(ctx, row)...)
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
	if c.Profile != "" {
		return r, b.profile(ctx, c.Profile)
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
	lines, err := b.measure(ctx, r)
	_, isMissing := errors.AsType[*missingError](err)
	switch {
	case isMissing:
		lines = []line{{What: r.what, Missing: err.Error()}}
	case err != nil:
		lines = []line{{What: r.what, Void: err.Error()}}
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

// path returns a new name in the temporary folder.
func (b *bench) path(name string) string {
	b.number++
	return filepath.Join(b.dir, fmt.Sprintf("%d-%s", b.number, name))
}

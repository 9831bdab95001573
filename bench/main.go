// Bench measures the programs side by side, in one run on one machine, and
// prints ratios: the yardstick of BENCHMARKS.md.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"dummymessenger/internal/program"
)

// Exit statuses.
const (
	exitVoid        = 1   // a row could not be measured, or its run was not verified
	exitUsage       = 64  // EX_USAGE of sysexits.h
	exitInterrupted = 130 // as a shell reports SIGINT
)

type cli struct {
	Run     runCmd     `cmd:"" default:"withargs" help:"Measure (the default)."`
	Ceiling ceilingCmd `cmd:"" hidden:"" help:"Serve without a database. This is what Run starts to measure against."`
}

// runCmd is the benchmark.
type runCmd struct {
	Rows    []int  `placeholder:"1,2,5" help:"Only these rows of the table."`
	Rounds  int    `default:"5" help:"How often the contenders of a row take turns, after a warm-up (${default})."`
	Quick   bool   `help:"Only see that everything works: one round of a few hundred requests each, small tables, in about a minute. The figures mean nothing."`
	JSON    string `name:"json" type:"path" placeholder:"FILE" help:"Write the results as JSON too."`
	Profile string `type:"path" placeholder:"DIR" help:"Also write CPU profiles of server and client under the loads of rows 1 and 2."`
}

// Help is what --help says below the flags' command line.
func (*runCmd) Help() string {
	paragraphs := []string{
		"Builds the programs, starts what it needs, has the contenders of each row take turns and prints one Markdown table of ratios. " +
			"Nothing else should run meanwhile. BENCHMARKS.md tells how to read it.",
		"Exit status: 0 all rows were measured, 1 a row is void, 64 bad usage, 130 interrupted.",
		"Rows:",
	}
	for _, r := range rows {
		paragraphs = append(paragraphs, fmt.Sprintf("%d: %s", r.number, r.what))
	}
	return strings.Join(paragraphs, "\n\n")
}

// Validate is called by kong.
func (c *runCmd) Validate() error {
	if c.Rounds < 1 {
		return errors.New("--rounds must be at least 1")
	}
	for _, n := range c.Rows {
		if !slices.ContainsFunc(rows, func(r row) bool { return r.number == n }) {
			return fmt.Errorf("there is no row %d; they are 1 to %d", n, len(rows))
		}
	}
	return nil
}

func main() {
	ctx, stop := program.Context()
	context.AfterFunc(ctx, stop) // the second ^C kills; what we started dies with us
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// A command does its work and returns the exit status.
type command interface {
	run(ctx context.Context, stdout, stderr io.Writer) int
}

var _, _ command = (*runCmd)(nil), (*ceilingCmd)(nil)

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if len(args) == 1 && (args[0] == "--help" || args[0] == "-h") {
		args = []string{"run", "--help"} // kong would leave out the default command's flags
	}
	var c cli
	left := false
	parser := kong.Must(&c, kong.Name("bench"), kong.Writers(stdout, stderr), kong.Exit(func(int) { left = true }))
	k, err := parser.Parse(args)
	switch {
	case left: // --help
		return 0
	case err != nil:
		fmt.Fprintf(stderr, "bench: %v\nTry bench --help.\n", err)
		return exitUsage
	}
	return k.Selected().Target.Addr().Interface().(command).run(ctx, stdout, stderr)
}

func (c *runCmd) run(ctx context.Context, stdout, stderr io.Writer) int {
	report, err := runAll(ctx, c, stderr)
	switch {
	case ctx.Err() != nil:
		fmt.Fprintln(stderr, "bench: interrupted; everything is stopped and cleaned up")
		return exitInterrupted
	case err != nil:
		fmt.Fprintf(stderr, "bench: %v\n", err)
		return exitVoid
	}
	if err := report.write(stdout, c.JSON); err != nil {
		fmt.Fprintf(stderr, "bench: %v\n", err)
		return exitVoid
	}
	if report.void() {
		return exitVoid
	}
	return 0
}

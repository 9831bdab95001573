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
	"time"

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
	Rows    []int         `placeholder:"1,2,5" help:"Only these rows; by default those that have targets, 1 to ${last}."`
	Rounds  int           `default:"5" help:"How often the contenders of a row take turns, after a warm-up (${default})."`
	For     time.Duration `default:"1500ms" help:"How long each run is measured, after ${warmup} of warming up (${default})."`
	Against string        `default:"18876b4" placeholder:"COMMIT" help:"The build that row 1 measures this one against (${default})."`
	Quick   bool          `help:"Only see that everything works: one round of a few hundred requests each, small tables, in about a minute. The figures mean nothing."`
	JSON    string        `name:"json" type:"path" placeholder:"FILE" help:"Write the results as JSON too."`
	Profile string        `type:"path" placeholder:"DIR" help:"Also write CPU profiles of server and client at 50 and 500 workers."`
}

// description is what --help says first.
func description() string {
	paragraphs := []string{
		"Builds the programs, starts what it needs, has the contenders of each row take turns and prints one " +
			"Markdown table of ratios. Nothing else should run meanwhile. BENCHMARKS.md tells how to read it.",
		"Exit status: 0 all rows were measured, 1 a row is void, 64 bad usage, 130 interrupted.",
		"Rows:",
	}
	for _, r := range rows {
		paragraphs = append(paragraphs, fmt.Sprintf("%d: %s", r.number, r.what))
	}
	return strings.Join(paragraphs, "\n\n")
}

// Validate is called by kong.
func (c *cli) Validate() error {
	if c.Rounds < 1 || c.For <= 0 {
		return errors.New("--rounds must be at least 1, and --for greater than 0")
	}
	for _, n := range c.Rows {
		if !slices.ContainsFunc(rows, func(r row) bool { return r.number == n }) {
			return fmt.Errorf("there is no row %d; --help lists them", n)
		}
	}
	return nil
}

func main() {
	ctx, stop := program.Context()
	context.AfterFunc(ctx, stop) // the second ^C kills; what we started dies with us
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var c cli
	helped := false
	parser := kong.Must(&c, kong.Name("bench"), kong.Description(description()),
		kong.Vars{"last": fmt.Sprint(lastTarget), "warmup": full.warmup.String()},
		kong.Writers(stdout, stderr), kong.Exit(func(int) { helped = true }))
	_, err := parser.Parse(args)
	switch {
	case helped:
		return 0
	case err != nil:
		fmt.Fprintf(stderr, "bench: %v\nTry bench --help.\n", err)
		return exitUsage
	}
	report, err := runAll(ctx, &c, stderr)
	if err == nil {
		err = report.write(stdout, c.JSON)
	}
	switch {
	case ctx.Err() != nil:
		fmt.Fprintln(stderr, "bench: interrupted; everything is stopped and cleaned up")
		return exitInterrupted
	case err != nil:
		fmt.Fprintf(stderr, "bench: %v\n", err)
		return exitVoid
	case report.void():
		return exitVoid
	}
	return 0
}

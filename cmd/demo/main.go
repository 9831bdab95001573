// Demo starts replicas of the messenger as separate processes on one database,
// runs the client against them, prints its result and cleans up.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"dummymessenger/internal/program"
	"dummymessenger/internal/program/usage"
)

// Exit statuses besides the client's own.
const (
	exitUsage       = 64  // EX_USAGE of sysexits.h
	exitBroken      = 70  // EX_SOFTWARE: there was no run, or a replica failed
	exitCannotWrite = 73  // EX_CANTCREAT: stdout cannot be written
	exitInterrupted = 130 // ^C before the client ran
)

type flags struct {
	Replicas int    `default:"2" placeholder:"N" help:"How many replicas to start (${default})."`
	Database string `xor:"database" placeholder:"URL" help:"Use a database of yours: sqlite:PATH or postgres://…. Its messages stay."`
	Postgres bool   `xor:"database" help:"Start a throw-away PostgreSQL from the programs installed on this machine."`
	Kill     bool   `xor:"kill" help:"While the client runs, kill a replica (kill -9) and start it again, freeze another one, and with --postgres kill the database. The report shades what was done."`
	Open     bool   `help:"Show the replicas' pages side by side in the browser while the client runs, at a rate at which they can be read, until ^C. With --broken or --kill, show the report."`
	Broken   string `xor:"database,kill" placeholder:"NAME" help:"Run the client against a server that is wrong in one way, such as count-plus-one; \"client selftest --list\" tells which there are."`

	Version kong.VersionFlag `help:"Print the version and exit."`
}

func (f *flags) Validate() error {
	if f.Replicas < 1 || f.Replicas > 64 {
		return errors.New("--replicas must be 1 to 64")
	}
	if f.Broken != "" && brokenServer(f.Broken) == nil {
		return fmt.Errorf("--broken: there is no server %q; \"client selftest --list\" tells which there are", f.Broken)
	}
	return nil
}

const description = `Starts replicas of the messenger as separate processes on one database, runs the client against them,
prints its result and cleans up. Without flags: two replicas on a new SQLite file in a temporary folder.

Whatever follows -- goes to the client: demo -- -c 200 --seed 1

Exit status: the client's (0: every guarantee held); 64 bad usage; 70 there was no run, or a replica failed.`

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

func run(args []string, stdout, stderr io.Writer) int {
	var clientArgs []string
	if i := slices.Index(args, "--"); i >= 0 {
		args, clientArgs = args[:i], args[i+1:]
	}
	var f flags
	var printed bytes.Buffer
	exited := false // kong prints --help or --version and calls this
	parser := kong.Must(&f, kong.Name("demo"), kong.Description(description),
		kong.Writers(&printed, stderr), kong.Exit(func(int) { exited = true }),
		kong.Vars{"version": "demo " + program.ReadBuild().String()})
	args = usage.Args(args)
	_, err := parser.Parse(args)
	switch {
	case exited:
		if _, err := printed.WriteTo(stdout); err != nil {
			fmt.Fprintf(stderr, "demo: stdout: %v\n", err)
			return exitCannotWrite
		}
		return 0
	case err != nil:
		err = usage.Explain(parser, args, err)
		if strings.HasPrefix(err.Error(), "unknown flag") || strings.HasPrefix(err.Error(), "unexpected argument") {
			what, _, _ := strings.Cut(err.Error(), ",") // without a guess among our few
			err = fmt.Errorf("%s; flags of the client follow --, as in: demo -- -c 10", what)
		}
		fmt.Fprintf(stderr, "demo: %v\nTry demo --help.\n", err)
		return exitUsage
	}

	// The first signal ends what is being set up, or asks the client to end;
	// the second kills the client. Stopping and cleaning up are bounded in time.
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, program.Signals()...)
	ctx, stop := program.Context()
	defer stop()

	d := demo{flags: f, clientArgs: clientArgs, signals: signals, stdout: stdout, stderr: stderr}
	status, err := d.run(ctx)
	switch {
	case err == nil:
		return status
	case ctx.Err() != nil:
		fmt.Fprintln(stderr, "demo: interrupted; everything is stopped and cleaned up")
		return exitInterrupted
	}
	fmt.Fprintf(stderr, "demo: %v\n", err)
	return exitBroken
}

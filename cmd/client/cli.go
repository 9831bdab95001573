package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"unicode"

	"github.com/alecthomas/kong"

	"dummymessenger/internal/program"
	"dummymessenger/internal/program/usage"
)

// Exit statuses. Only a violation is 1, and none is 2: Go panics and flag
// errors exit with 2.
const (
	exitVerified     = 0
	exitViolated     = 1
	exitInconclusive = 3   // no fault was seen, but the run could not have shown one
	exitFailed       = 4   // requests failed, though the log is consistent
	exitUsage        = 64  // sysexits.h's EX_USAGE
	exitNoInput      = 66  // EX_NOINPUT: a file cannot be read
	exitCannotWrite  = 73  // EX_CANTCREAT: a file cannot be written
	exitThreshold    = 99  // --fail
	exitInterrupted  = 130 // as a shell reports SIGINT
)

// cli is the command line. Each command is a file of its own, and a line here.
type cli struct {
	Version kong.VersionFlag `help:"Print the version and exit."`

	Run      runCmd      `cmd:"" default:"withargs" help:"Send messages to the servers, measure, and prove the answers (the default)."`
	Find     findCmd     `cmd:"" help:"Find the highest rate that keeps a limit, such as p99<50ms."`
	Probe    probeCmd    `cmd:"" help:"Look at a server that is not ours and write its profile."`
	Verify   verifyCmd   `cmd:"" help:"Judge a history that --history has written."`
	Report   reportCmd   `cmd:"" help:"Make the HTML report of a history that --history has written."`
	Shrink   shrinkCmd   `cmd:"" help:"Look for the smallest part of a history that is violated in the same way."`
	Compare  compareCmd  `cmd:"" help:"Put two results of --json side by side."`
	Selftest selftestCmd `cmd:"" help:"Try the proof on servers that are known to be wrong."`
}

// A command does its work and returns the exit status. It may ignore errors of
// writing to stdout, which run reports.
type command interface {
	run(ctx context.Context, stdout *sink, stderr io.Writer) int
}

// A sink is an output that keeps the first error of writing to it, and drops
// what is written after that.
type sink struct {
	io.Writer
	err error
}

func (s *sink) Write(p []byte) (int, error) {
	if s.err != nil {
		return 0, s.err
	}
	n, err := s.Writer.Write(p)
	s.err = err
	return n, err
}

// run is the program.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var c cli
	out := &sink{Writer: stdout}
	selected, status := parse(&c, args, out, stderr)
	if selected != nil {
		status = selected.run(ctx, out, stderr)
	}
	if out.err != nil {
		return complain(stderr, fmt.Errorf("stdout: %w", out.err), exitCannotWrite)
	}
	return status
}

// parse returns the command in args, or nil and the status to exit with.
func parse(c *cli, args []string, stdout *sink, stderr io.Writer) (selected command, status int) {
	exited := false // kong prints --help or --version, calls this and goes on
	parser := kong.Must(c,
		kong.Name("client"),
		kong.Writers(stdout, stderr),
		kong.Exit(func(int) { exited = true }),
		kong.Vars{"version": "client " + program.ReadBuild().String()},
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
	)
	if len(args) == 1 && (args[0] == "--help" || args[0] == "-h" || args[0] == "help") {
		args = []string{"run", "--help"} // kong would leave out the default command's flags
	}
	args = usage.Args(args)
	k, err := parser.Parse(args)
	switch {
	case exited, stdout.err != nil:
		return nil, 0
	case err != nil:
		err = usage.Explain(parser, args, err)
		if said := err.Error(); strings.HasPrefix(said, "unexpected argument") {
			err = errors.New(said + "; write all addresses together, before the flags or behind them")
		}
		complain(stderr, err, exitUsage)
		fmt.Fprintln(stderr, "Try client --help.")
		return nil, exitUsage
	}
	return k.Selected().Target.Addr().Interface().(command), 0
}

// commands returns the names of all commands.
func commands() (names []string) {
	for _, command := range kong.Must(new(cli)).Model.Children {
		names = append(names, command.Name)
	}
	return names
}

// badUsage complains of bad usage, or of a file that a flag names and that cannot be read.
func badUsage(stderr io.Writer, err error) int {
	if _, ok := errors.AsType[*fs.PathError](err); ok {
		return complain(stderr, err, exitNoInput)
	}
	return complain(stderr, err, exitUsage)
}

// complain says what is wrong, in a line for each error, and returns status. Control
// characters, which a name may have, do not get to the terminal.
func complain(stderr io.Writer, err error, status int) int {
	for line := range strings.Lines(err.Error()) {
		fmt.Fprintln(stderr, "client: "+strings.Map(func(r rune) rune {
			if unicode.IsControl(r) {
				return -1
			}
			return r
		}, line))
	}
	return status
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"dummymessenger/internal/measure"
	"dummymessenger/internal/program"
	"dummymessenger/internal/program/files"
	"dummymessenger/internal/report"
	"dummymessenger/internal/report/lang"
	"dummymessenger/internal/report/terminal"
	"dummymessenger/internal/verify"
)

// shrinkCmd looks for the smallest part of a history that is violated in the same way.
type shrinkCmd struct {
	File   string `arg:"" name:"HISTORY" type:"path" help:"The history, compressed or not; - is stdin."`
	Output string `short:"o" type:"path" placeholder:"FILE" help:"The history to write; - is stdout, instead of the text; without it HISTORY with .shrunk.jsonl for its ending."`
	HTML   string `name:"html" type:"path" placeholder:"FILE" help:"Write its report too, with the operations in lanes, one for each replica."`
	Lang   string `enum:",en,ru" default:"" placeholder:"en|ru" help:"Language of text and report; without it the locale's."`
}

// Help is what --help says below the flags' command line.
func (c *shrinkCmd) Help() string {
	return `Leaves out of a violated history whatever it can, so that what is left is still violated in the same way: ` +
		`mostly two operations.

Exit status: 1 violated and shrunk, 0 or 3 nothing to shrink, 64 bad usage, 66 and 73 a file cannot be read or written.`
}

func (c *shrinkCmd) run(ctx context.Context, stdout *sink, stderr io.Writer) int {
	if c.Output == "" {
		if c.File == "-" {
			return complain(stderr, errors.New("name what to write of a history from stdin with --output"), exitUsage)
		}
		name := strings.TrimSuffix(c.File, ".gz")
		c.Output = strings.TrimSuffix(name, filepath.Ext(name)) + ".shrunk.jsonl"
	}
	err := files.Check(files.Name{Flag: "HISTORY", File: c.File, Dash: true},
		files.Name{Flag: "--output", File: c.Output, Written: true, Dash: true}, files.Name{Flag: "--html", File: c.HTML, Written: true})
	if err != nil {
		return complain(stderr, err, exitUsage)
	}
	l := lang.Of(c.Lang, program.Locale())
	var ops []*verify.Operation
	_, cfg, err := readHistory(c.File, func(op *verify.Operation) { ops = append(ops, op) })
	if err != nil {
		return complain(stderr, err, exitNoInput)
	}
	few, verdict := verify.Shrink(cfg, ops)
	result := newResult(nil, verdict)
	result.Exit = exitStatus(result)
	if few == nil {
		fmt.Fprintln(stderr, "client: "+l.Say("nothing to shrink: %s", l.Tr(verdict.Status.String())))
		return result.Exit
	}

	var to files.Outputs
	out, page := to.Create(ctx, c.Output, stdout), to.Create(ctx, c.HTML, nil)
	if err := to.Begin(); err != nil {
		to.Discard()
		return complain(stderr, err, exitCannotWrite)
	}
	err = writeShrunk(out, cfg, few, len(ops))
	if page != nil {
		figures := measure.NewRecorder(measure.Config{Trace: true})
		for _, op := range few {
			figures.Add(op, op.Call)
		}
		run := figures.Stored(cfg)
		err = errors.Join(err, writePage(page, &report.Page{
			Result: newResult(&run, verdict), Trace: figures.Trace(), Lang: l,
			Environment: []report.Fact{{Name: "history", Value: c.File}, {Name: "run", Value: cfg.Run}},
		}))
	}
	if err != nil {
		return complain(stderr, err, exitCannotWrite)
	}
	if c.Output != "-" {
		enough := l.Say("enough are %s of %d", verify.Quantity{N: int64(len(few)), Noun: "request"}, len(ops))
		fmt.Fprintf(stdout, "%s: %s\n\n", enough, c.Output)
		_ = report.WriteText(stdout, result, terminal.Style(stdout.Writer, l))
	}
	tellReport(stderr, l, c.HTML)
	return result.Exit
}

// writeShrunk writes those operations of all that are left.
func writeShrunk(w io.WriteCloser, cfg verify.Config, few []*verify.Operation, all int) error {
	cfg.Stream = false
	h := verify.NewRecorder(w, cfg)
	for _, op := range few {
		_ = h.Record(op) // Close returns its first error
	}
	h.Omit(int64(all - len(few)))
	return errors.Join(h.Close(), w.Close())
}

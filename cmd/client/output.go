package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/pprof"
	"strings"

	"dummymessenger/internal/loadtest"
	"dummymessenger/internal/measure"
	"dummymessenger/internal/program"
	"dummymessenger/internal/program/files"
	"dummymessenger/internal/report"
	"dummymessenger/internal/report/lang"
	"dummymessenger/internal/report/terminal"
	"dummymessenger/internal/verify"
)

// outputs are all that a command writes of a result. What is nil is not written.
type outputs struct {
	files files.Outputs
	text  io.Writer
	style report.Style // of text
	json  io.WriteCloser

	// Of a run only.
	html        io.WriteCloser
	told        string // where the report is, to be said at the end
	history     *history
	record      func(*verify.Operation) // adds to the history
	trace       func() *measure.Trace   // when the run is over
	stopProfile func() error
}

// newOutputs opens the JSON file, if there is one. files.Err tells if it fails.
func newOutputs(ctx context.Context, jsonName, language string, stdout *sink) *outputs {
	o := &outputs{text: stdout, style: terminal.Style(stdout.Writer, lang.Of(language, program.Locale()))}
	if jsonName == "-" {
		o.text = nil
	}
	o.json = o.files.Create(ctx, jsonName, stdout)
	return o
}

// open opens the files before the run, so that a mistyped name does not cost a
// long run. If one of them cannot be opened, the others stay as they were.
func (c *runCmd) open(ctx context.Context, test *loadtest.Test, stdout *sink) (*outputs, error) {
	o := newOutputs(ctx, c.JSON, c.Lang, stdout)
	o.trace, o.html = test.Figures().Trace, o.files.Create(ctx, c.HTML, nil)
	if !c.Quiet {
		o.told = c.HTML
	}
	history, profile := o.files.Create(ctx, c.History, nil), o.files.Create(ctx, c.CPUProfile, nil)
	err := o.files.Begin()
	if err == nil && history != nil {
		o.history = newHistory(history, strings.HasSuffix(c.History, ".gz"), test)
		o.record = o.history.record
	}
	if err == nil {
		o.stopProfile, err = startProfile(profile) // last: Discard cannot stop it
	}
	if err != nil {
		o.files.Discard()
		return nil, err
	}
	return o, nil
}

// startProfile writes a CPU profile to f until stop is called. Without a file it
// does nothing.
func startProfile(f io.WriteCloser) (stop func() error, err error) {
	if f == nil {
		return func() error { return nil }, nil
	}
	out := &sink{Writer: f} // pprof returns no error
	if err := pprof.StartCPUProfile(out); err != nil {
		return nil, err
	}
	return func() error {
		pprof.StopCPUProfile()
		return errors.Join(out.err, f.Close())
	}, nil
}

// finish writes the result and returns the exit status. If a file cannot be
// written, the others are, and the text. unread is an error of reading the
// annotations.
func (o *outputs) finish(result *report.Result, annotations []report.Annotation, unread error, stderr io.Writer) int {
	err := o.stopProfile()
	if o.history != nil {
		err = errors.Join(err, o.history.close())
	}
	if o.html != nil {
		page := &report.Page{Result: result, Trace: o.trace(), Annotations: annotations, Environment: environment(result.Run),
			Lang: o.style.Lang}
		err = errors.Join(err, writePage(o.html, page))
	}
	result.Exit = exitStatus(result)
	if unread != nil {
		result.Exit = complain(stderr, unread, exitNoInput)
	}
	return o.write(result, err, stderr)
}

// newResult puts together what is known of a run.
func newResult(run *measure.Run, verdict *verify.Verdict) *report.Result {
	return &report.Result{Schema: report.SchemaVersion, Version: program.ReadBuild().Version, Run: run, Verdict: verdict}
}

// write writes r and returns the exit status: r's, unless something cannot be
// written. failed is the error of writing other files; write reports all errors on
// stderr.
func (o *outputs) write(r *report.Result, failed error, stderr io.Writer) int {
	if failed != nil {
		r.Exit = exitCannotWrite
	}
	if o.json != nil {
		failed = errors.Join(failed, writeFile(o.json, func(w io.Writer) error { return report.WriteJSON(w, r) }))
	}
	if o.text != nil {
		_ = report.WriteText(o.text, r, o.style)
	}
	if failed != nil {
		return complain(stderr, failed, exitCannotWrite)
	}
	tellReport(stderr, o.style.Lang, o.told)
	return r.Exit
}

// writeFile writes a whole file. Of what fails it returns the cause, once.
func writeFile(f io.WriteCloser, write func(io.Writer) error) error {
	b := bufio.NewWriter(f)
	err := write(b)
	if unflushed := b.Flush(); unflushed != nil {
		err = unflushed // which write may have wrapped
	}
	if unclosed := f.Close(); err == nil {
		err = unclosed
	}
	return err
}

// tellReport says where the HTML report is, if there is one.
func tellReport(stderr io.Writer, l lang.Lang, file string) {
	if file != "" {
		fmt.Fprintln(stderr, l.Say("the report is in %s", file))
	}
}

package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"strings"

	"dummymessenger/internal/buildinfo"
	"dummymessenger/internal/files"
	"dummymessenger/internal/loadtest"
	"dummymessenger/internal/measure"
	"dummymessenger/internal/report"
	"dummymessenger/internal/terminal"
	"dummymessenger/internal/verify"
)

// outputs are all that a run writes.
type outputs struct {
	files   files.Outputs
	result  *output
	history *history                // nil: none
	html    io.WriteCloser          // nil: none
	trace   func() *measure.Trace   // of the run, when it is over
	record  func(*verify.Operation) // takes each operation; nil if there is no history

	stopProfile func() error
}

// open opens the files before the run, so that a mistyped name does not cost a
// long run. If one of them cannot be opened, the others stay as they were.
func (c *runCmd) open(ctx context.Context, test *loadtest.Test, stdout *sink) (*outputs, error) {
	o := &outputs{trace: test.Figures().Trace}
	o.result = createOutput(ctx, &o.files, c.JSON, stdout, c.Lang)
	o.html = o.files.Create(ctx, c.HTML, nil)
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
			Lang: o.result.style.Lang}
		err = errors.Join(err, writePage(o.html, page))
	}
	result.Exit = exitStatus(result)
	if unread != nil {
		result.Exit = complain(stderr, unread, exitNoInput)
	}
	return o.result.write(result, err, stderr)
}

// newResult puts together what is known of a run.
func newResult(run *measure.Run, verdict *verify.Verdict) *report.Result {
	return &report.Result{Schema: report.SchemaVersion, Version: buildinfo.Read().Version, Run: run, Verdict: verdict}
}

// An output is where the result goes.
type output struct {
	text  io.Writer      // nil if there is none
	json  io.WriteCloser // nil if there is none
	style report.Style   // of text
}

// createOutput opens the JSON file, if there is one. If that fails, to tells.
func createOutput(ctx context.Context, to *files.Outputs, jsonName string, stdout *sink, lang string) *output {
	o := &output{text: stdout, style: terminal.Style(stdout.Writer, terminal.Language(lang))}
	if jsonName == "-" {
		o.text = nil
	}
	o.json = to.Create(ctx, jsonName, stdout)
	return o
}

// write writes r and returns the exit status: r's, unless something cannot be
// written. failed is the error of writing other files; write reports all errors on
// stderr.
func (o *output) write(r *report.Result, failed error, stderr io.Writer) int {
	if failed != nil {
		r.Exit = exitCannotWrite
	}
	if o.json != nil {
		b := bufio.NewWriter(o.json)
		err := errors.Join(report.WriteJSON(b, r), b.Flush())
		failed = errors.Join(failed, err, o.json.Close())
	}
	if o.text != nil {
		_ = report.WriteText(o.text, r, o.style)
	}
	if failed != nil {
		return complain(stderr, failed, exitCannotWrite)
	}
	return r.Exit
}

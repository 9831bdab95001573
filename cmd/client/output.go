package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"strings"

	"dummymessenger/internal/loadtest"
	"dummymessenger/internal/measure"
	"dummymessenger/internal/program"
	"dummymessenger/internal/report"
	"dummymessenger/internal/verify"
)

// outputs are all that a run writes.
type outputs struct {
	files   files
	result  *output
	history *history                // nil: none
	html    io.WriteCloser          // nil: none
	trace   func() *measure.Trace   // of the run, when it is over
	record  func(*verify.Operation) // takes each operation; nil if there is no history

	stopProfile func() error
}

// open opens the files before the run, so that a mistyped name does not cost a
// long run. If one of them cannot be opened, the others stay as they were.
func (c *runCmd) open(ctx context.Context, test *loadtest.Test, stdout io.Writer) (*outputs, error) {
	o := &outputs{trace: test.Figures().Trace}
	if err := o.create(ctx, c, test, stdout); err != nil {
		o.files.discard()
		return nil, err
	}
	return o, nil
}

func (o *outputs) create(ctx context.Context, c *runCmd, test *loadtest.Test, stdout io.Writer) (err error) {
	if o.result, err = createOutput(ctx, &o.files, c.JSON, stdout, c.Lang); err != nil {
		return err
	}
	if o.html, err = o.files.create(ctx, c.HTML, nil); err != nil {
		return err
	}
	history, err := o.files.create(ctx, c.History, nil)
	if err != nil {
		return err
	}
	profile, err := o.files.create(ctx, c.CPUProfile, nil)
	if err != nil {
		return err
	}
	if err := o.files.begin(); err != nil {
		return err
	}
	if history != nil {
		if o.history, err = newHistory(history, strings.HasSuffix(c.History, ".gz"), test); err != nil {
			return err
		}
		o.record = o.history.record
	}
	// Start the profile last: discard cannot stop it.
	o.stopProfile, err = startProfile(profile)
	return err
}

// checkNames returns an error if the files cannot be used together.
func (c *runCmd) checkNames() error {
	return checkNames(
		named{flag: "--json", file: c.JSON, written: true, dash: true}, named{flag: "--history", file: c.History, written: true},
		named{flag: "--html", file: c.HTML, written: true}, named{flag: "--cpuprofile", file: c.CPUProfile, written: true},
		named{flag: "--annotate", file: c.Annotate}, named{flag: "--senders", file: c.Senders}, named{flag: "--profile", file: c.Profile},
		named{flag: "--token-file", file: c.TokenFile}, named{flag: "--ca-file", file: c.CAFile})
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
	return &report.Result{Schema: report.SchemaVersion, Version: program.ReadBuild().Version, Run: run, Verdict: verdict}
}

// An output is where the result goes.
type output struct {
	text  io.Writer      // nil if there is none
	json  io.WriteCloser // nil if there is none
	style report.Style   // of text
}

// createOutput opens the JSON file, if there is one.
func createOutput(ctx context.Context, to *files, jsonName string, stdout io.Writer, lang string) (*output, error) {
	o := &output{text: stdout, style: styleOf(stdout, language(lang))}
	if jsonName == "-" {
		o.text = nil
	}
	var err error
	o.json, err = to.create(ctx, jsonName, stdout)
	return o, err
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

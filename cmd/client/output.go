package main

import (
	"bufio"
	"errors"
	"io"
	"os"

	"dummymessenger/internal/buildinfo"
	"dummymessenger/internal/loadtest"
	"dummymessenger/internal/measure"
	"dummymessenger/internal/report"
	"dummymessenger/internal/verify"
)

// outputs are all that a run writes.
type outputs struct {
	result  *output
	history *history                // nil: none
	html    *os.File                // nil: none
	trace   func() *measure.Trace   // of the run, when it is over
	record  func(*verify.Operation) // takes each operation; nil if there is no history

	stopProfile func() error
}

// open creates the files before the run, so that a mistyped name does not cost a
// long run. If one of them cannot be created, none is left.
func (c *runCmd) open(test *loadtest.Test, stdout io.Writer) (*outputs, error) {
	o := &outputs{trace: test.Figures().Trace}
	if err := o.create(c, test, stdout); err != nil {
		o.discard()
		return nil, err
	}
	return o, nil
}

func (o *outputs) create(c *runCmd, test *loadtest.Test, stdout io.Writer) (err error) {
	if o.result, err = createOutput(c.JSON, stdout); err != nil {
		return err
	}
	o.result.style = styleOf(stdout, language(c.Lang))
	if c.HTML != "" {
		if o.html, err = os.Create(c.HTML); err != nil {
			return err
		}
	}
	if c.History != "" {
		if o.history, err = createHistory(c.History, test); err != nil {
			return err
		}
		o.record = o.history.record
	}
	// Last, as discard does not know how to end it.
	o.stopProfile, err = startProfile(c.CPUProfile)
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

// discard removes the files of a run that does not begin.
func (o *outputs) discard() {
	files := []*os.File{o.html}
	if o.result != nil {
		f, _ := o.result.json.(*os.File)
		files = append(files, f)
	}
	if o.history != nil {
		files = append(files, o.history.file)
	}
	for _, f := range files {
		if f == nil {
			continue
		}
		info, err := f.Stat()
		_ = f.Close()
		if err == nil && info.Mode().IsRegular() { // and no device
			_ = os.Remove(f.Name())
		}
	}
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

// createOutput opens the JSON file, if there is one.
func createOutput(jsonName string, stdout io.Writer) (*output, error) {
	if jsonName == "" {
		return &output{text: stdout}, nil
	}
	f, err := createFile(jsonName, stdout)
	if err != nil || jsonName == "-" {
		return &output{json: f}, err
	}
	return &output{text: stdout, json: f}, nil
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

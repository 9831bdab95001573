package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"dummymessenger/internal/loadtest"
	"dummymessenger/internal/report"
	"dummymessenger/internal/verify"
)

// outputs are all that a run writes.
type outputs struct {
	result  *output
	history *history // nil: none
	html    *os.File // nil: none
	trace   *report.Trace
	record  func(*verify.Operation) // takes each operation; nil if nothing is made of them

	stopProfile func() error
}

// open creates the files before the run, so that a long run is not lost to a
// name mistyped. If one of them cannot be created, none is left.
func (c *runCmd) open(test *loadtest.Test, trace *report.Trace, live bool, stdout io.Writer) (*outputs, error) {
	o := &outputs{trace: trace}
	if err := o.create(c, test, live, stdout); err != nil {
		o.discard()
		return nil, err
	}
	return o, nil
}

func (o *outputs) create(c *runCmd, test *loadtest.Test, live bool, stdout io.Writer) (err error) {
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
	if o.html != nil || live {
		o.record = both(o.record, o.trace.Add)
	}
	// Last, as discard does not know how to end it.
	o.stopProfile, err = startProfile(c.CPUProfile)
	return err
}

// same tells whether two names are of one regular file. One that is not there
// yet is known by its name only.
func same(a, b string) bool {
	if a == "" || b == "" {
		return false
	}
	infoA, errA := os.Stat(a)
	infoB, errB := os.Stat(b)
	if errA == nil && errB == nil {
		return os.SameFile(infoA, infoB) && infoA.Mode().IsRegular()
	}
	nameA, errA := filepath.Abs(a)
	nameB, errB := filepath.Abs(b)
	return errA == nil && errB == nil && nameA == nameB
}

// distinct is an error if two outputs are one file.
func (c *runCmd) distinct() error {
	names := []struct{ flag, file string }{{"--json", c.JSON}, {"--history", c.History}, {"--html", c.HTML}, {"--cpuprofile", c.CPUProfile}, {"--annotate", c.Annotate}}
	for i, a := range names {
		for _, b := range names[i+1:] {
			if a.file != "-" && same(a.file, b.file) {
				return fmt.Errorf("%s and %s are one file, %s; name two", a.flag, b.flag, a.file)
			}
		}
	}
	return nil
}

// both calls first, which may be nil, and second.
func both(first, second func(*verify.Operation)) func(*verify.Operation) {
	if first == nil {
		return second
	}
	return func(op *verify.Operation) {
		first(op)
		second(op)
	}
}

// discard removes the files of a run that there will not be.
func (o *outputs) discard() {
	files := []*os.File{o.html}
	if o.result != nil {
		files = append(files, o.result.file)
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

// finish writes what the run came to. A file that cannot be written keeps no
// other from it.
func (o *outputs) finish(result *report.Result, annotations []report.Annotation) error {
	err := o.stopProfile()
	if o.history != nil {
		err = errors.Join(err, o.history.close())
	}
	if o.html != nil {
		page := &report.Page{Result: result, Trace: o.trace, Annotations: annotations, Environment: environment(result.Run), Lang: o.result.style.Lang}
		err = errors.Join(err, writePage(o.html, page))
	}
	return errors.Join(o.result.write(result), err)
}

// An output is where the result goes.
type output struct {
	text  io.Writer    // nil: none
	json  io.Writer    // nil: none
	file  *os.File     // that json is, if it is one
	style report.Style // of text
}

// createOutput opens the file before the run, so that a long run is not lost
// to a name mistyped.
func createOutput(jsonName string, stdout io.Writer) (*output, error) {
	switch jsonName {
	case "":
		return &output{text: stdout}, nil
	case "-":
		return &output{json: stdout}, nil
	}
	f, err := os.Create(jsonName)
	return &output{text: stdout, json: f, file: f}, err
}

func (o *output) write(r *report.Result) error {
	if o.json != nil {
		b := bufio.NewWriter(o.json)
		if err := errors.Join(report.WriteJSON(b, r), b.Flush()); err != nil {
			return err
		}
	}
	if o.file != nil {
		if err := o.file.Close(); err != nil {
			return err
		}
	}
	if o.text != nil {
		return report.WriteText(o.text, r, o.style)
	}
	return nil
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"dummymessenger/internal/program"
	"dummymessenger/internal/report"
)

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

// A named is a file on the command line.
type named struct {
	flag, file string
	written    bool
	dash       bool // - is stdin, or stdout if it is written
}

// checkNames returns an error if the files cannot be used together: an output
// that is one file with an input or another output, and a - that would be
// taken for the name of a file, or for stdin twice.
func checkNames(files ...named) error {
	for i, a := range files {
		switch {
		case a.file == "-" && !a.dash:
			return fmt.Errorf("%s: - is not stdin or stdout here; name a file (./- if it is called that)", a.flag)
		case a.file == "":
			continue
		}
		for _, b := range files[i+1:] {
			switch {
			case a.written != b.written && a.file == "-":
				// stdin and stdout
			case a.file == "-" && b.file == "-":
				return fmt.Errorf("%s and %s cannot both be -", a.flag, b.flag)
			case (a.written || b.written) && same(a.file, b.file):
				return fmt.Errorf("%s and %s are one file, %s; name two", a.flag, b.flag, a.file)
			}
		}
	}
	return nil
}

// same reports whether two names are of one regular file. Files that do not
// exist yet are compared by name.
func same(a, b string) bool {
	if a == "" || b == "" || a == "-" || b == "-" {
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

// openInput opens a text file, or stdin for -.
func openInput(name string) (in io.Reader, closeInput func() error, err error) {
	f := os.Stdin
	closeInput = func() error { return nil }
	if name != "-" {
		if f, err = os.Open(name); err != nil {
			return nil, nil, err
		}
		closeInput = f.Close
	}
	if in, err = program.NewTextReader(f); err != nil {
		return nil, nil, errors.Join(fmt.Errorf("%s: %w", name, err), closeInput())
	}
	return in, closeInput, nil
}

// files are the output files of one call. Until begin they hold what they held.
type files struct {
	opened []*os.File
	made   []string // did not exist
}

// create opens a file to write, or returns stdout for - and nil without a name.
func (o *files) create(ctx context.Context, name string, stdout io.Writer) (io.WriteCloser, error) {
	switch name {
	case "":
		return nil, nil
	case "-":
		return stdoutFile{stdout}, nil
	}
	f, err := openOutput(ctx, name)
	if errors.Is(err, fs.ErrNotExist) {
		if f, err = os.OpenFile(name, os.O_WRONLY|os.O_CREATE, 0o666); err == nil {
			if target, err := filepath.EvalSymlinks(name); err == nil {
				o.made = append(o.made, target)
			}
		}
	}
	if err != nil {
		return nil, err
	}
	o.opened = append(o.opened, f)
	return f, nil
}

// begin empties the files.
func (o *files) begin() error {
	for _, f := range o.opened {
		if info, err := f.Stat(); err == nil && info.Mode().IsRegular() { // and no device
			if err := f.Truncate(0); err != nil {
				return err
			}
		}
	}
	return nil
}

// discard closes the files without begin, and removes the new ones.
func (o *files) discard() {
	for _, f := range o.opened {
		_ = f.Close()
	}
	for _, name := range o.made {
		_ = os.Remove(name)
	}
}

// pipePatience bounds the wait for somebody to read a named pipe.
const pipePatience = 30 * time.Second

// openOutput opens a file that exists. It waits for the reader of a named pipe,
// and never is one itself, so that writing fails when the reader leaves.
func openOutput(ctx context.Context, name string) (*os.File, error) {
	info, err := os.Stat(name)
	if err != nil || info.Mode()&fs.ModeNamedPipe == 0 {
		return os.OpenFile(name, os.O_WRONLY, 0)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, pipePatience, fmt.Errorf("given up after %s", pipePatience))
	defer cancel()
	for {
		// Without O_NONBLOCK it would block where ctx does not reach.
		f, err := os.OpenFile(name, os.O_WRONLY|syscall.O_NONBLOCK, 0)
		if !errors.Is(err, syscall.ENXIO) {
			return f, err
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return nil, fmt.Errorf("%s is a pipe that nobody reads: %w", name, context.Cause(ctx))
		}
	}
}

// stdoutFile is stdout as a file. It returns no errors, since run reports them.
type stdoutFile struct{ io.Writer }

func (f stdoutFile) Write(p []byte) (int, error) {
	_, _ = f.Writer.Write(p)
	return len(p), nil
}

func (stdoutFile) Close() error { return nil }

// openAnnotations checks the file of --annotate, if there is one, and returns
// the function to read it after the run. A regular file may be written during
// the run; a pipe yields its content once, so it is read here.
func openAnnotations(name string) (read func() ([]report.Annotation, error), err error) {
	read = func() ([]report.Annotation, error) { return readAnnotations(name) }
	info, err := os.Stat(name)
	if name == "" || os.IsNotExist(err) {
		return read, nil
	}
	if err != nil {
		return nil, err
	}
	kept, err := read()
	if !info.Mode().IsRegular() {
		read = func() ([]report.Annotation, error) { return kept, nil }
	}
	return read, err
}

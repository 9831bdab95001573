// Package files opens what a command reads and writes. A command that fails
// before its work leaves its outputs as they were.
package files

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
)

// A Name is a file on the command line.
type Name struct {
	Flag, File string
	Written    bool
	Dash       bool // - is stdin, or stdout if it is written
}

// Check returns an error if the files cannot be used together: an output that is
// one file with an input or another output, and a - that would be taken for the
// name of a file, or for stdin twice.
func Check(names ...Name) error {
	for i, a := range names {
		switch {
		case a.File == "-" && !a.Dash:
			return fmt.Errorf("%s: - is not stdin or stdout here; name a file (./- if it is called that)", a.Flag)
		case a.File == "":
			continue
		}
		for _, b := range names[i+1:] {
			switch {
			case a.Written != b.Written && a.File == "-":
				// stdin and stdout
			case a.File == "-" && b.File == "-":
				return fmt.Errorf("%s and %s cannot both be -", a.Flag, b.Flag)
			case (a.Written || b.Written) && same(a.File, b.File):
				return fmt.Errorf("%s and %s are one file, %s; name two", a.Flag, b.Flag, a.File)
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

// Read calls read with the content of a text file, or of stdin for -. Its errors
// name the file.
func Read(name string, read func(io.Reader) error) error {
	f := os.Stdin
	if name != "-" {
		var err error
		if f, err = os.Open(name); err != nil {
			return err
		}
		defer f.Close()
	}
	in, err := program.NewTextReader(f)
	if err == nil {
		err = read(in)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// Outputs are the output files of one call. Until Begin they hold what they held.
type Outputs struct {
	opened []*os.File
	made   []string // did not exist
	err    error    // the first of Create
}

// Create opens a file to write. It returns stdout for -, and nil without a name
// or if it fails, which Err and Begin tell.
func (o *Outputs) Create(ctx context.Context, name string, stdout io.Writer) io.WriteCloser {
	switch {
	case name == "" || o.err != nil:
		return nil
	case name == "-":
		return stdoutFile{stdout}
	}
	f, err := open(ctx, name)
	if errors.Is(err, fs.ErrNotExist) {
		if f, err = os.OpenFile(name, os.O_WRONLY|os.O_CREATE, 0o666); err == nil {
			if target, err := filepath.EvalSymlinks(name); err == nil {
				o.made = append(o.made, target)
			}
		}
	}
	if err != nil {
		o.err = err
		return nil
	}
	o.opened = append(o.opened, f)
	return f
}

// Err returns the first error of Create.
func (o *Outputs) Err() error { return o.err }

// Begin empties the files.
func (o *Outputs) Begin() error {
	for _, f := range o.opened {
		if info, err := f.Stat(); o.err == nil && err == nil && info.Mode().IsRegular() { // and no device
			o.err = f.Truncate(0)
		}
	}
	return o.err
}

// Discard closes the files without Begin, and removes the new ones.
func (o *Outputs) Discard() {
	for _, f := range o.opened {
		_ = f.Close()
	}
	for _, name := range o.made {
		_ = os.Remove(name)
	}
}

// pipePatience bounds the wait for somebody to read a named pipe.
const pipePatience = 30 * time.Second

// open opens a file that exists, to write. It waits for the reader of a named
// pipe, and never is one itself, so that writing fails when the reader leaves.
func open(ctx context.Context, name string) (*os.File, error) {
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

// stdoutFile is stdout as a file. It returns no errors: who made stdout tells them.
type stdoutFile struct{ io.Writer }

func (f stdoutFile) Write(p []byte) (int, error) {
	_, _ = f.Writer.Write(p)
	return len(p), nil
}

func (stdoutFile) Close() error { return nil }

package main

import (
	"errors"
	"io"
	"runtime/pprof"
)

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

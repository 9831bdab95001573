package main

import (
	"errors"
	"os"
	"runtime/pprof"
)

// startProfile writes a CPU profile until stop is called. Without a name it does
// nothing.
func startProfile(name string) (stop func() error, err error) {
	if name == "" {
		return func() error { return nil }, nil
	}
	f, err := os.Create(name)
	if err != nil {
		return nil, err
	}
	out := &sink{Writer: f} // pprof returns no error
	if err := pprof.StartCPUProfile(out); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return func() error {
		pprof.StopCPUProfile()
		return errors.Join(out.err, f.Close())
	}, nil
}

package main

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"dummymessenger/internal/loadtest"
	"dummymessenger/internal/verify"
)

// A history is the file that --history writes.
type history struct {
	file     io.WriteCloser
	zip      *gzip.Writer // nil if the file is not compressed
	recorder *verify.Recorder

	floor func() int64 // the Verifier's in a streamed run, else nil
	count atomic.Int64
}

func newHistory(f io.WriteCloser, compressed bool, test *loadtest.Test) (h *history, err error) {
	cfg := test.VerifyConfig()
	h = &history{file: f}
	if cfg.Stream {
		h.floor = test.Verifier().Floor
	}
	var w io.Writer = f
	if compressed {
		// The load test shares the processors with this.
		if h.zip, err = gzip.NewWriterLevel(f, gzip.BestSpeed); err != nil {
			return nil, err
		}
		w = h.zip
	}
	h.recorder = verify.NewRecorder(w, cfg)
	return h, nil
}

// markEvery is after how many operations the history of a streamed run says
// what a reader may forget.
const markEvery = 256

// record is called by many workers. close returns its first error.
func (h *history) record(op *verify.Operation) {
	_ = h.recorder.Record(op)
	if h.floor != nil && h.count.Add(1)%markEvery == 0 {
		h.recorder.Mark(h.floor())
	}
}

func (h *history) close() error {
	err := h.recorder.Close()
	if h.zip != nil {
		err = errors.Join(err, h.zip.Close())
	}
	return errors.Join(err, h.file.Close())
}

// readHistory judges a stored history, and calls each, if not nil, with every
// operation.
func readHistory(name string, each func(*verify.Operation)) (*verify.Verdict, verify.Config, error) {
	f, closeInput, err := openInput(name)
	if err != nil {
		return nil, verify.Config{}, err
	}
	defer closeInput()
	verdict, cfg, err := verify.ReadHistory(f, each)
	if err != nil {
		err = fmt.Errorf("%s: %w", name, err)
	}
	return verdict, cfg, err
}

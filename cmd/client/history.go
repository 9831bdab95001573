package main

import (
	"cmp"
	"compress/gzip"
	"io"
	"sync/atomic"

	"dummymessenger/internal/loadtest"
	"dummymessenger/internal/program/files"
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

func newHistory(f io.WriteCloser, compressed bool, test *loadtest.Test) *history {
	cfg := test.VerifyConfig()
	h := &history{file: f}
	if cfg.Stream {
		h.floor = test.Verifier().Floor
	}
	var w io.Writer = f
	if compressed {
		// The load test shares the processors with this. It fails for unknown levels only.
		h.zip, _ = gzip.NewWriterLevel(f, gzip.BestSpeed)
		w = h.zip
	}
	h.recorder = verify.NewRecorder(w, cfg)
	return h
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
		err = cmp.Or(err, h.zip.Close())
	}
	return cmp.Or(err, h.file.Close())
}

// readHistory judges a stored history, and calls each, if not nil, with every
// operation.
func readHistory(name string, each func(*verify.Operation)) (verdict *verify.Verdict, cfg verify.Config, err error) {
	err = files.Read(name, func(in io.Reader) (err error) {
		verdict, cfg, err = verify.ReadHistory(in, each)
		return err
	})
	return verdict, cfg, err
}

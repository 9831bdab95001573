package main

import (
	"compress/gzip"
	"errors"
	"io"
	"os"
	"strings"

	"dummymessenger/internal/verify"
)

// A history is the file that --history writes.
type history struct {
	file     *os.File
	zip      *gzip.Writer // nil if the file is not compressed
	recorder *verify.Recorder
}

func createHistory(name string, cfg verify.Config) (*history, error) {
	f, err := os.Create(name)
	if err != nil {
		return nil, err
	}
	h := &history{file: f}
	var w io.Writer = f
	if strings.HasSuffix(name, ".gz") {
		// The load test shares the processors with this.
		if h.zip, err = gzip.NewWriterLevel(f, gzip.BestSpeed); err != nil {
			return nil, err
		}
		w = h.zip
	}
	h.recorder = verify.NewRecorder(w, cfg)
	return h, nil
}

// record is called by many workers. An error stays until close.
func (h *history) record(op *verify.Operation) { _ = h.recorder.Record(op) }

func (h *history) close() error {
	err := h.recorder.Close()
	if h.zip != nil {
		err = errors.Join(err, h.zip.Close())
	}
	return errors.Join(err, h.file.Close())
}

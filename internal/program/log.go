package program

import (
	"bytes"
	"io"
	"sync"
	"time"
)

// maxPending bounds the lines that wait to be written, in bytes.
const maxPending = 1 << 20

// A LogWriter writes lines to another writer, in order, without making callers wait. It
// drops and counts lines that cannot be written, as on a full disk, or that are too
// many because the other writer is blocked.
type LogWriter struct {
	to   io.Writer
	lost func(lines int)

	ended chan struct{} // closed by run

	mu      sync.Mutex
	changed sync.Cond // of what follows
	pending []byte
	dropped int // lines
	closed  bool
}

// NewLogWriter returns a LogWriter to another writer, which must be closed. It calls lost
// with the number of dropped lines once lines can be written again; lost may write to
// the LogWriter.
func NewLogWriter(to io.Writer, lost func(lines int)) *LogWriter {
	w := &LogWriter{to: to, lost: lost, ended: make(chan struct{})}
	w.changed.L = &w.mu
	go w.run()
	return w
}

// Write takes line, which ends in a line break. It never fails.
func (w *LogWriter) Write(line []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed || len(w.pending)+len(line) > maxPending {
		w.dropped++
	} else {
		w.pending = append(w.pending, line...)
		w.changed.Signal()
	}
	return len(line), nil
}

// Close waits up to patience for the lines to be written. Later ones are dropped.
func (w *LogWriter) Close(patience time.Duration) {
	w.mu.Lock()
	w.closed = true
	w.changed.Signal()
	w.mu.Unlock()
	select {
	case <-w.ended:
	case <-time.After(patience):
	}
}

func (w *LogWriter) run() {
	defer close(w.ended)
	var lines []byte
	for midLine := false; ; { // the last write ended within a line
		w.mu.Lock()
		for len(w.pending) == 0 && !w.closed {
			w.changed.Wait()
		}
		lines, w.pending = w.pending, lines[:0]
		w.mu.Unlock()
		if len(lines) == 0 {
			return
		}
		if midLine {
			lines = append([]byte{'\n'}, lines...)
		}
		n, err := w.to.Write(lines)
		lost := bytes.Count(lines[n:], []byte{'\n'})
		switch {
		case n > 0:
			midLine = lines[n-1] != '\n'
		case midLine:
			lost-- // the line break in front is no line
		}

		w.mu.Lock()
		w.dropped += lost
		dropped := w.dropped
		if err == nil {
			w.dropped = 0
		}
		w.mu.Unlock()
		if err == nil && dropped > 0 {
			w.lost(dropped)
		}
	}
}

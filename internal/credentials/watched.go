// Package credentials reads secrets from files and notices when they change.
package credentials

import (
	"bytes"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// interval is how often, at most, files are read again. They are small, and
// their content cannot be missed as a date can.
const interval = time.Second

// A watched value is made of files that may change.
type watched[T any] struct {
	paths  []string
	parse  func(contents [][]byte) (T, error)
	logger *slog.Logger
	value  atomic.Pointer[T]
	due    atomic.Int64 // when to look again, in nanoseconds since start
	start  time.Time

	mu         sync.Mutex
	contents   [][]byte // last read, whether they were of use or not
	unreadable string   // why they could not be read now, as it was logged; empty if they could
}

func watch[T any](logger *slog.Logger, parse func([][]byte) (T, error), paths ...string) (*watched[T], error) {
	w := &watched[T]{paths: paths, parse: parse, logger: logger, start: time.Now()}
	contents, err := w.read()
	if err != nil {
		return nil, err
	}
	value, err := parse(contents)
	if err != nil {
		return nil, err
	}
	w.contents = contents
	w.value.Store(&value)
	w.due.Store(int64(interval))
	return w, nil
}

// get returns what the files say; if they cannot be used now, what they said last.
func (w *watched[T]) get() T {
	now, due := int64(time.Since(w.start)), w.due.Load()
	if now >= due && w.due.CompareAndSwap(due, now+int64(interval)) {
		w.reload()
	}
	return *w.value.Load()
}

func (w *watched[T]) reload() {
	w.mu.Lock()
	defer w.mu.Unlock()
	contents, err := w.read()
	if err != nil {
		if w.unreadable != err.Error() {
			w.unreadable = err.Error()
			w.useless(err)
		}
		return
	}
	w.unreadable = ""
	if equal(contents, w.contents) {
		return
	}
	w.contents = contents
	value, err := w.parse(contents)
	if err != nil {
		w.useless(err)
		return
	}
	w.value.Store(&value)
	w.logger.Info("credentials reloaded", "files", w.paths)
}

func (w *watched[T]) useless(err error) {
	w.logger.Error("changed credentials are of no use; the last ones stay in force", "err", err)
}

func (w *watched[T]) read() (contents [][]byte, err error) {
	for _, path := range w.paths {
		content, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		contents = append(contents, content)
	}
	return contents, nil
}

func equal(a, b [][]byte) bool {
	for i := range a {
		if !bytes.Equal(a[i], b[i]) {
			return false
		}
	}
	return true
}

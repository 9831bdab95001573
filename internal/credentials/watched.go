// Package credentials reads secrets from files and notices when they change.
package credentials

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"dummymessenger/internal/program"
)

const (
	// interval is the shortest time between two readings of the files. These are read
	// whole, for they are small, and a change need not change a file's date.
	interval = time.Second

	// startPatience is how long reading a pipe may take at the start: its writer may
	// ask a person for a passphrase first.
	startPatience = 10 * time.Second
)

// A watched value is parsed from files that may change.
type watched[T any] struct {
	paths  []string
	once   []bool // of paths: whether a file can be read only once, and its content is kept
	parse  func(contents [][]byte) (T, error)
	logger *slog.Logger
	value  atomic.Pointer[T]
	due    atomic.Int64 // when to read again, in nanoseconds since start
	start  time.Time

	mu         sync.Mutex
	contents   [][]byte // as last read, usable or not
	unreadable string   // why they could not be read, as logged; empty if they could
}

func watch[T any](logger *slog.Logger, parse func([][]byte) (T, error), paths ...string) (*watched[T], error) {
	w := &watched[T]{paths: paths, parse: parse, logger: logger, start: time.Now()}
	for i, path := range paths {
		info, err := stat(path)
		if err != nil {
			return nil, err
		}
		once := !rereadable(path, info)
		var content []byte
		if same := slices.Index(paths[:i], path); same >= 0 {
			content = w.contents[same]
		} else {
			if once {
				logger.Info("credentials from a pipe or a device are read once; a change needs a restart", "path", path)
			}
			if content, err = readWithin(startPatience, path); err != nil {
				return nil, err
			}
		}
		w.once, w.contents = append(w.once, once), append(w.contents, content)
	}
	value, err := parse(w.contents)
	if err != nil {
		return nil, err
	}
	w.value.Store(&value)
	w.due.Store(int64(interval))
	return w, nil
}

// stat is os.Stat, and refuses a directory.
func stat(path string) (fs.FileInfo, error) {
	info, err := os.Stat(path)
	if err == nil && info.IsDir() {
		err = fmt.Errorf("%s is a directory; name a file", path)
	}
	return info, err
}

// get returns the value of the files, or the last one if they cannot be used now. A
// file system that hangs holds up one caller, for an interval.
func (w *watched[T]) get() T {
	now, due := int64(time.Since(w.start)), w.due.Load()
	if now >= due && w.due.CompareAndSwap(due, now+int64(interval)) && w.mu.TryLock() {
		done := make(chan struct{})
		go func() {
			defer close(done)
			defer w.mu.Unlock()
			w.reload()
		}()
		select {
		case <-done:
		case <-time.After(interval):
			w.logger.Error("credentials cannot be read in time; the last ones stay in force", "files", w.paths)
		}
	}
	return *w.value.Load()
}

// reload reads the files again. The caller holds mu.
func (w *watched[T]) reload() {
	contents, err := w.reread()
	if err != nil {
		if w.unreadable != err.Error() {
			w.unreadable = err.Error()
			w.logUnusable(err)
		}
		return
	}
	w.unreadable = ""
	if slices.EqualFunc(contents, w.contents, bytes.Equal) {
		return
	}
	w.contents = contents
	value, err := w.parse(contents)
	if err != nil {
		w.logUnusable(err)
		return
	}
	w.value.Store(&value)
	w.logger.Info("credentials reloaded", "files", w.paths)
}

func (w *watched[T]) logUnusable(err error) {
	w.logger.Error("changed credentials are of no use; the last ones stay in force", "err", err)
}

func (w *watched[T]) reread() ([][]byte, error) {
	contents := slices.Clone(w.contents)
	for i, path := range w.paths {
		if w.once[i] {
			continue
		}
		info, err := os.Stat(path)
		if err != nil {
			return nil, err
		}
		if !rereadable(path, info) {
			return nil, fmt.Errorf("%s is no regular file any more", path)
		}
		if contents[i], err = read(path); err != nil {
			return nil, err
		}
	}
	return contents, nil
}

// rereadable reports whether path is read from its beginning each time. Names of open
// descriptors need not be: on some systems they share the descriptor's position.
func rereadable(path string, info fs.FileInfo) bool {
	return info.Mode().IsRegular() && path != "/dev/stdin" && !strings.HasPrefix(path, "/dev/fd/")
}

// maxFile bounds what is read, for a device may have no end.
const maxFile = 1 << 20

func read(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(content) > maxFile {
		return nil, fmt.Errorf("%s is larger than %d bytes", path, maxFile)
	}
	if content, err = program.CleanText(content); err != nil {
		err = fmt.Errorf("%s: %w", path, err)
	}
	return content, err
}

// readWithin reads path, which may be a pipe without a writer. Opening that cannot be
// interrupted, so the goroutine that does it is left behind.
func readWithin(limit time.Duration, path string) ([]byte, error) {
	type result struct {
		content []byte
		err     error
	}
	done := make(chan result, 1)
	go func() {
		content, err := read(path)
		done <- result{content, err}
	}()
	select {
	case r := <-done:
		return r.content, r.err
	case <-time.After(limit):
		return nil, fmt.Errorf("%s was not read to its end within %v; something must write to a pipe and close it", path, limit)
	}
}

package sqlite

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"time"
)

// A watch notices that the log's files are not the ones that were opened, or
// that something other than SQLite has written to the database file or its WAL.
//
// Subtleness ahead! Connections don't notice: they go on with the WAL and the
// pages they have cached. But in WAL mode the file changes only while a
// checkpoint copies pages into it, and each checkpoint moves a counter in the
// index that all connections share (-shm) before it writes, and another one
// after it. So if the file's time or size has changed while both stood still,
// something else wrote to it, such as cp. The WAL is checked by what the index
// says of it (see holdsFrames).
//
// What the file looked like when the counters last moved is noted in the queue's
// file, so that all replicas can compare it, even one that starts now. Only a
// replica that has the queue's lock writes the note, as replicas write to the log
// and make checkpoints under that lock only.
type watch struct {
	path  string
	given string // a name that leads to path by symbolic links; empty if there are none in it
	id    []byte // of the log; it stands in the file's first page
	main  *os.File
	wal   *os.File // nil unless countersKnown
	index *os.File // -shm; nil unless countersKnown

	paths  [3]string
	opened [3]fs.FileInfo // the file, its -wal and -shm
	known  [3]bool        // whether the system tells which file it is

	mu      sync.Mutex
	frames  int       // in the WAL at the last check by a caller that had the lock
	checked time.Time // the folder's time when its names were checked; zero: check them again
	note    *os.File  // the queue's file
	page    []byte    // a buffer
	inPage  bool      // the first page has been seen to hold the id
	broken  error     // damage that cannot be undone while connections are open
}

// countersKnown reports whether the counters can be read: elsewhere, closing a
// descriptor of -shm would drop SQLite's locks, or a file's time lags behind.
const countersKnown = runtime.GOOS == "linux" || runtime.GOOS == "darwin"

// openWatch starts to watch the files, all three of which exist until the last
// connection is closed. The Store keeps its reader open as long as it is open itself.
func openWatch(path, given, id string) (w *watch, err error) {
	if given == path {
		given = ""
	}
	w = &watch{
		path: path, given: given, id: []byte(id),
		paths: [3]string{path, path + "-wal", path + "-shm"},
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, w.close())
			w = nil
		}
	}()
	if w.main, err = os.Open(path); err != nil {
		return w, err
	}
	if countersKnown {
		if w.wal, err = os.Open(w.paths[1]); err != nil {
			return w, err
		}
		if w.index, err = os.Open(w.paths[2]); err != nil {
			return w, err
		}
	}
	for i, path := range w.paths {
		if w.opened[i], err = os.Stat(path); err != nil {
			return w, err
		}
		// On Windows, it learns the file's identity at first use, by path; Wine does not tell that of -shm,
		// since it is mapped.
		w.known[i] = os.SameFile(w.opened[i], w.opened[i])
	}
	return w, nil
}

// begin makes sure that the WAL has a salt, by which its counters differ from those
// of another, and that the file's first page holds the id. The caller has the
// queue's lock.
func (w *watch) begin(c *conn) error {
	if countersKnown {
		now, err := w.readIndex()
		if err != nil {
			return err
		}
		if !now.salted() { // so write something
			version, err := c.text("PRAGMA user_version")
			if err != nil {
				return err
			}
			c.db.Exec("PRAGMA user_version = " + version) // fails on a full disk, where the log can still be read
		}
	}
	return c.db.Exec("PRAGMA wal_checkpoint(PASSIVE)")
}

// forgetRecovered forgets the noted snapshot if the WAL has just been recovered: the
// snapshot is from before a crash, and the WAL will be copied into the file once more.
func (w *watch) forgetRecovered() error {
	if !countersKnown {
		return nil
	}
	now, err := w.readIndex()
	if err == nil && !now.still() {
		w.write(snapshot{})
	}
	return err
}

func (w *watch) close() error {
	if w == nil {
		return nil
	}
	var errs []error
	for _, f := range []*os.File{w.main, w.wal, w.index, w.note} {
		if f != nil {
			errs = append(errs, f.Close())
		}
	}
	return errors.Join(errs...)
}

// check returns an error if the files are not what they should be. If its caller
// has the queue's lock, it may note what the file looks like.
func (w *watch) check(locked bool) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	var before index
	if countersKnown {
		var err error
		if before, err = w.checkWAL(); err != nil {
			return err
		}
		if locked {
			w.frames = int(before.Frames)
		}
	}
	file, err := w.checkNames()
	if err != nil {
		return err
	}
	if w.broken == nil && before.salted() && before.with(file) == w.noted() {
		return nil
	}
	return w.checkContent(locked)
}

// checkWAL returns what the index tells of the WAL, or an error if the WAL is another.
func (w *watch) checkWAL() (x index, err error) {
	for range 10 {
		if x, err = w.readIndex(); err != nil || w.broken != nil || w.holdsFrames(x) {
			return x, err
		}
		time.Sleep(time.Millisecond) // it may have been begun anew since, or the index half written
	}
	w.broken = damaged("%s-wal was cut or overwritten", w.path)
	return x, nil
}

// checkNames returns an error if a name has come to stand for another file.
//
// Names cannot have changed while the folder's time is the same, once that is settled,
// so checkNames looks at them only if it differs. Looking at -wal each time would also
// ask for its time, after which the kernel keeps that more exactly, and a commit on a
// disk would take a fifth longer.
func (w *watch) checkNames() (file fs.FileInfo, err error) {
	folder, err := os.Stat(filepath.Dir(w.path))
	if err != nil {
		return nil, err
	}
	now := folder.ModTime()
	names := w.paths[:]
	if countersKnown && now.Equal(w.checked) {
		names = names[:1]
	}
	for i, name := range slices.Backward(names) {
		file, err = os.Stat(name)
		if err != nil {
			return nil, fmt.Errorf("a file of the log was removed or cannot be looked at; "+
				"put it back, or stop all replicas, then start them: %w", err)
		}
		if w.known[i] && !os.SameFile(file, w.opened[i]) {
			return nil, fmt.Errorf("%s was replaced by another file; put it back, or stop all replicas, then start them", name)
		}
	}
	if w.given != "" {
		if led, err := os.Stat(w.given); err != nil || !os.SameFile(led, w.opened[0]) {
			return nil, fmt.Errorf("%s no longer leads to %s by symbolic links; make it lead there again, "+
				"or stop all replicas, then start them", w.given, w.path)
		}
	}
	if len(names) == len(w.paths) && settled(now) { // only now: they are right
		w.checked = now
	}
	return file, nil
}

// settled reports whether the next change of a folder would give it another time than
// t. Folder times are as coarse as the kernel's tick, or on some file systems two
// seconds.
func settled(t time.Time) bool {
	grain := 50 * time.Millisecond
	if t.Nanosecond() == 0 {
		grain = 2 * time.Second
	}
	return time.Since(t) > grain
}

// restarted reports whether a commit began the WAL anew, after which it has this
// many frames. The caller has had the queue's lock since it called check.
func (w *watch) restarted(frames int) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return frames <= w.frames
}

// checkAgain is check(true) without the files' names.
func (w *watch) checkAgain() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.checkContent(true)
}

// checkContent returns an error if the file was written to. Its caller holds mu.
func (w *watch) checkContent(locked bool) error {
	if w.broken != nil {
		return w.broken
	}
	if !countersKnown {
		return w.checkPage()
	}
	err := w.checkWritten(locked)
	if _, ok := errors.AsType[damage](err); ok { // check again: a note may be half written
		time.Sleep(time.Millisecond)
		if err = w.checkWritten(locked); err != nil {
			w.broken = err
		}
	}
	return err
}

// A damage error is one that only an operator can mend.
type damage string

func (d damage) Error() string { return string(d) }

func damaged(format, path string) error {
	return damage(fmt.Sprintf(format, path) + "; stop all replicas, restore a backup, delete its -wal and -shm, then start them")
}

// checkWritten compares the file with what was noted of it.
func (w *watch) checkWritten(locked bool) error {
	now, err := w.snapshot()
	if err != nil {
		return err
	}
	if now == w.noted() {
		return nil
	}
	if err := w.checkPage(); err != nil {
		return err
	}
	w.openNote()
	noted := w.noted()
	if now, err = w.snapshot(); err != nil {
		return err
	}
	after, err := w.snapshot()
	if err != nil {
		return err
	}
	switch {
	case now == noted:
	case now != after || !now.still():
		// A checkpoint is under way.
	case now.counters == noted.counters:
		return damage(w.path + " was written by something other than SQLite, as by a copy over it, " +
			"or its time was set, as by touch; stop all replicas; unless only the time was set, restore a backup " +
			"and delete its -wal and -shm; then start them")
	case locked:
		w.write(now)
	}
	return nil
}

// checkPage returns an error if the file's first page, as it is on the disk, is not
// one of this log.
func (w *watch) checkPage() error {
	if w.page == nil {
		w.page = make([]byte, 1<<16) // as large as a page can be
	}
	n, err := w.main.ReadAt(w.page, 0)
	if err != nil && err != io.EOF {
		return err
	}
	page := w.page[:n]
	if n <= 100 || !bytes.HasPrefix(page, []byte("SQLite format 3\x00")) {
		return damaged("%s was overwritten or cut", w.path)
	}
	size := int(binary.BigEndian.Uint16(page[16:]))
	if size == 1 {
		size = 1 << 16
	}
	found := bytes.Contains(page[:min(size, n)], w.id)
	const interior = 5 // the schema is so large that it stands in other pages
	if w.inPage && !found && page[100] != interior {
		return damaged("%s was overwritten with another file", w.path)
	}
	w.inPage = found
	return nil
}

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
// that something other than SQLite has written to the database file.
//
// Subtleness ahead! Connections don't notice: they go on with the WAL and the
// pages they have cached. But in WAL mode the file changes only while a
// checkpoint copies pages into it, and each checkpoint moves a counter in the
// index that all connections share (-shm) before it writes, and another one
// after it. So a file whose time or size has changed while both stood still
// was written by something else, such as cp.
//
// What the file looked like when the counters were last seen to move is noted
// in the queue's file, for all replicas, also for one that starts now. It is
// noted by a replica that has the queue's lock: replicas write, and make
// checkpoints, under it only.
type watch struct {
	path  string
	id    []byte // of the log; it stands in the file's first page
	main  *os.File
	index *os.File // nil where the counters are not looked at

	parent string // the folder of these
	paths  [3]string
	opened [3]fs.FileInfo // the file, its -wal and -shm

	mu     sync.Mutex
	conns  int       // how many connections are open
	frames int       // in the WAL when a caller that had the lock looked last
	folder time.Time // when it was changed before its names were last looked at
	note   *os.File  // the queue's file
	page   []byte    // its buffers, which noted and look also use
	header [136]byte
	raw    look
	inPage bool  // the first page has been seen to hold the id
	broken error // what was noticed can't be undone while connections are open
}

// countersKnown reports whether the counters can be looked at: elsewhere, closing
// a descriptor of -shm would drop SQLite's locks, or a file's time lags behind.
const countersKnown = runtime.GOOS == "linux" || runtime.GOOS == "darwin"

func openWatch(path, id string) (w *watch, err error) {
	w = &watch{path: path, id: []byte(id), parent: filepath.Dir(path), paths: [3]string{path, path + "-wal", path + "-shm"}}
	defer func() {
		if err != nil {
			err = errors.Join(err, w.close())
			w = nil
		}
	}()
	if w.main, err = os.Open(path); err != nil {
		return nil, err
	}
	if w.opened[0], err = os.Stat(path); err != nil {
		return nil, err
	}
	os.SameFile(w.opened[0], w.opened[0]) // on Windows a file's identity is looked up at first use, by path
	return w, w.find()
}

// find remembers -wal and -shm, which are there while connections are open.
func (w *watch) find() (err error) {
	if countersKnown {
		w.index.Close() // may be nil
		if w.index, err = os.Open(w.paths[2]); err != nil {
			return err
		}
	}
	for i := 1; i < len(w.paths); i++ {
		if w.opened[i], err = os.Stat(w.paths[i]); err != nil {
			return err
		}
		os.SameFile(w.opened[i], w.opened[i])
	}
	return nil
}

// join notes one more connection, leave one less. Without any, -wal and -shm
// may have gone, and the next connection makes new ones.
func (w *watch) join() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.conns++; w.conns == 1 {
		return w.find()
	}
	return nil
}

func (w *watch) leave() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.conns--
}

// begin sees to it that the counters can be told from those of other days, and
// that the file's first page holds the id. The caller has the queue's lock.
func (w *watch) begin(c *conn) error {
	if countersKnown {
		now, err := w.look()
		if err != nil {
			return err
		}
		if !now.salted() {
			version, err := c.text("PRAGMA user_version")
			if err != nil {
				return err
			}
			c.db.Exec("PRAGMA user_version = " + version) // fails on a full disk, which can still be read
		}
	}
	return c.db.Exec("PRAGMA wal_checkpoint(PASSIVE)")
}

// forgetRecovered forgets what was noted, which was before a crash, if the WAL
// has just been recovered: it will be copied into the file again.
func (w *watch) forgetRecovered() error {
	if !countersKnown {
		return nil
	}
	now, err := w.look()
	if err == nil && !now.still() {
		w.write(look{})
	}
	return err
}

func (w *watch) close() error {
	if w == nil {
		return nil
	}
	var errs []error
	for _, f := range []*os.File{w.main, w.index, w.note} {
		if f != nil {
			errs = append(errs, f.Close())
		}
	}
	return errors.Join(errs...)
}

// check returns an error if the files are not what they should be. A caller
// that has the queue's lock says so, and what the file looks like is noted.
func (w *watch) check(locked bool) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	var before look
	if countersKnown && w.conns > 0 {
		var err error
		if before, err = w.counters(); err != nil {
			return err
		}
	}
	if locked {
		w.frames = int(binary.NativeEndian.Uint32(w.header[16:]))
	}
	folder, err := os.Stat(w.parent)
	if err != nil {
		return err
	}
	// As long as the folder is the same, so are the names in it. Its time may
	// be as coarse as a second, so let that pass. To ask for the time of -wal
	// itself would have the kernel keep it more exactly, which costs each commit.
	names := w.paths[:]
	if now := folder.ModTime(); countersKnown && now.Equal(w.folder) || w.conns == 0 {
		names = names[:1]
	} else {
		w.folder = time.Time{}
		if time.Since(now) > 2*time.Second {
			w.folder = now
		}
	}
	var info fs.FileInfo
	for i := range slices.Backward(names) {
		info, err = os.Stat(w.paths[i])
		if err != nil {
			return fmt.Errorf("a file of the log was removed or cannot be looked at; put it back, or stop all replicas, then start them: %w", err)
		}
		if !os.SameFile(info, w.opened[i]) {
			return fmt.Errorf("%s was replaced by another file; put it back, or stop all replicas, then start them", w.paths[i])
		}
	}
	if w.broken == nil && before.salted() && before.with(info) == w.noted() {
		return nil
	}
	return w.checkContent(locked)
}

// restarted reports whether a commit after which the WAL has frames began it
// anew. The caller has had the queue's lock since it called check.
func (w *watch) restarted(frames int) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return frames <= w.frames
}

// checkAgain is check without the files' names.
func (w *watch) checkAgain(locked bool) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.checkContent(locked)
}

func (w *watch) checkContent(locked bool) error {
	if w.broken != nil {
		return w.broken
	}
	if !countersKnown || w.conns == 0 {
		return w.checkPage()
	}
	err := w.checkWritten(locked)
	if _, ok := errors.AsType[damage](err); ok { // look again: a note may just be being written
		time.Sleep(time.Millisecond)
		if err = w.checkWritten(locked); err != nil {
			w.broken = err
		}
	}
	return err
}

// A damage is what only the operator can mend.
type damage string

func (d damage) Error() string {
	return string(d) + "; stop all replicas, restore a backup, delete its -wal and -shm, then start them"
}

func damaged(format string, args ...any) error { return damage(fmt.Sprintf(format, args...)) }

// checkWritten compares the file with what was noted of it.
func (w *watch) checkWritten(locked bool) error {
	now, err := w.look()
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
	if now, err = w.look(); err != nil {
		return err
	}
	after, err := w.look()
	if err != nil {
		return err
	}
	switch {
	case now == noted:
	case now != after || !now.still():
		// A checkpoint is under way.
	case now.counters() == noted.counters():
		return damaged("%s was written by something other than SQLite, as by a copy over it", w.path)
	case locked:
		w.write(now)
	}
	return nil
}

// checkPage looks at the file's first page as it is on the disk.
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

// A look is what was seen of the file, and before it, in the WAL index, of
// checkpoints: the salt of the WAL, which is new each time it is begun anew; how
// many of its frames were copied into the file; the same, but set before the
// copying; the file's time and size. The index is described as "The WAL-Index
// File Format" at sqlite.org/walformat.html.
type look [8 + 4 + 4 + 8 + 8]byte

func (w *watch) look() (look, error) {
	l, err := w.counters()
	if err != nil {
		return l, err
	}
	info, err := w.main.Stat()
	if err != nil {
		return l, err
	}
	return l.with(info), nil
}

// counters returns a look at the WAL index alone.
func (w *watch) counters() (l look, err error) {
	if _, err := w.index.ReadAt(w.header[:], 0); err != nil {
		return l, fmt.Errorf("%s-shm cannot be read: %w", w.path, err)
	}
	copy(l[0:8], w.header[32:])
	copy(l[8:12], w.header[96:])
	copy(l[12:16], w.header[128:])
	return l, nil
}

// with returns l with the file's time and size.
func (l look) with(info fs.FileInfo) look {
	binary.NativeEndian.PutUint64(l[16:], uint64(info.ModTime().UnixNano()))
	binary.NativeEndian.PutUint64(l[24:], uint64(info.Size()))
	return l
}

func (l look) counters() [16]byte { return [16]byte(l[:]) }

// salted reports whether anything is in the WAL since it was made.
func (l look) salted() bool { return [8]byte(l[:]) != [8]byte{} }

// still reports whether no checkpoint is under way, and its counters are this WAL's alone.
func (l look) still() bool { return l.salted() && [4]byte(l[8:]) == [4]byte(l[12:]) }

// noted returns what a replica has noted, or nothing if none has.
func (w *watch) noted() look {
	if w.note == nil {
		return look{}
	}
	if _, err := w.note.ReadAt(w.raw[:], 0); err != nil {
		return look{}
	}
	return w.raw
}

// openNote opens the queue's file, unless it is open and still there.
func (w *watch) openNote() {
	path := w.path + queueSuffix
	if w.note != nil {
		opened, err := w.note.Stat()
		now, gone := os.Stat(path)
		if err == nil && gone == nil && os.SameFile(opened, now) {
			return
		}
		w.note.Close()
	}
	var err error
	if w.note, err = os.OpenFile(path, os.O_RDWR, 0); err != nil {
		w.note = nil
	}
}

// write notes l. If it cannot, nothing is wrong, but the next damage may go unnoticed.
func (w *watch) write(l look) {
	if w.note != nil {
		w.note.WriteAt(l[:], 0)
	}
}

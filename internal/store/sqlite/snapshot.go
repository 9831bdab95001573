package sqlite

import (
	"encoding/binary"
	"fmt"
	"io/fs"
	"os"
)

// counters are what the WAL index (-shm) says of checkpoints. Its layout is
// described as "The WAL-Index File Format" at sqlite.org/walformat.html.
type counters struct {
	Salt    uint64 // of the WAL, which gets a new one when it is begun anew
	Copied  uint32 // how many of its frames checkpoints have copied into the file
	Copying uint32 // the same, but set before the copying
}

// salted reports whether anything was written to the WAL since it was created.
func (c counters) salted() bool { return c.Salt != 0 }

// still reports whether no checkpoint is under way, and the counters are this WAL's.
func (c counters) still() bool { return c.salted() && c.Copied == c.Copying }

// A snapshot is what the database file looked like, and before that the counters.
// Replicas share it as encoding/binary writes it.
type snapshot struct {
	counters
	Modified, Size int64
}

func (c counters) with(file fs.FileInfo) snapshot {
	return snapshot{c, file.ModTime().UnixNano(), file.Size()}
}

func (w *watch) snapshot() (snapshot, error) {
	c, _, err := w.counters()
	if err != nil {
		return snapshot{}, err
	}
	info, err := w.main.Stat()
	if err != nil {
		return snapshot{}, err
	}
	return c.with(info), nil
}

// counters reads the WAL index, which also says how many frames the WAL has.
func (w *watch) counters() (c counters, frames int, err error) {
	var index [136]byte
	if _, err := w.index.ReadAt(index[:], 0); err != nil {
		return c, 0, fmt.Errorf("%s-shm cannot be read: %w", w.path, err)
	}
	native := binary.NativeEndian
	c = counters{native.Uint64(index[32:]), native.Uint32(index[96:]), native.Uint32(index[128:])}
	return c, int(native.Uint32(index[16:])), nil
}

// noted returns the snapshot that a replica has noted, a zero one if none has.
func (w *watch) noted() (s snapshot) {
	if w.note != nil {
		var b [32]byte
		if _, err := w.note.ReadAt(b[:], 0); err == nil {
			binary.Decode(b[:], binary.NativeEndian, &s)
		}
	}
	return s
}

// write notes s. If it cannot, nothing is wrong, but the next damage may go unnoticed.
func (w *watch) write(s snapshot) {
	if w.note != nil {
		b, _ := binary.Append(nil, binary.NativeEndian, s)
		w.note.WriteAt(b, 0)
	}
}

// openNote opens the queue's file, unless it is open and still has its name.
func (w *watch) openNote() {
	path := w.path + queueSuffix
	if w.note != nil {
		opened, err := w.note.Stat()
		now, missing := os.Stat(path)
		if err == nil && missing == nil && os.SameFile(opened, now) {
			return
		}
		w.note.Close()
	}
	var err error
	if w.note, err = os.OpenFile(path, os.O_RDWR, 0); err != nil {
		w.note = nil
	}
}

package sqlite

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
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
	x, err := w.readIndex()
	if err != nil {
		return snapshot{}, err
	}
	info, err := w.main.Stat()
	if err != nil {
		return snapshot{}, err
	}
	return x.counters.with(info), nil
}

// An index is what the WAL index tells of the WAL.
type index struct {
	counters
	Frames   uint32    // that are committed
	PageSize uint16    // 1 for 65536
	Checksum [2]uint32 // of all frames, as the last one holds it
}

func (w *watch) readIndex() (index, error) {
	var b [136]byte
	if _, err := w.index.ReadAt(b[:], 0); err != nil {
		return index{}, fmt.Errorf("%s-shm cannot be read: %w", w.path, err)
	}
	native := binary.NativeEndian
	return index{
		counters: counters{native.Uint64(b[32:]), native.Uint32(b[96:]), native.Uint32(b[128:])},
		Frames:   native.Uint32(b[16:]),
		PageSize: native.Uint16(b[14:]),
		Checksum: [2]uint32{native.Uint32(b[24:]), native.Uint32(b[28:])},
	}, nil
}

// holdsFrames reports whether the WAL is the one of the index: it begins with its
// salt, and its last committed frame has that, too, and the checksum of all before.
// It reads them, as asking for the size would cost what asking for the time does.
func (w *watch) holdsFrames(x index) bool {
	if x.Frames == 0 {
		return true // SQLite has not written the WAL's header yet, or has emptied the file
	}
	pageSize := int64(x.PageSize)
	if pageSize == 1 {
		pageSize = 1 << 16
	}
	var b [32]byte
	if _, err := w.wal.ReadAt(b[:], 0); err != nil || binary.NativeEndian.Uint64(b[16:]) != x.Salt {
		return false
	}
	frame := b[:24]
	if _, err := w.wal.ReadAt(frame, 32+int64(x.Frames-1)*(24+pageSize)); err != nil {
		return false
	}
	big := binary.BigEndian
	return binary.NativeEndian.Uint64(frame[8:]) == x.Salt &&
		x.Checksum == [2]uint32{big.Uint32(frame[16:]), big.Uint32(frame[20:])}
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

// claimOffset is where the queue's file says whose it is, behind the note.
const claimOffset = 32

// claim marks the queue's file of the database at path as this name's. If it cannot,
// the next start refuses a database of several names.
func claim(path string) {
	mark, err := claimMark(path)
	if err != nil || isClaimed(path) {
		return
	}
	if f, err := os.OpenFile(path+queueSuffix, os.O_RDWR, 0); err == nil {
		f.WriteAt(mark, claimOffset)
		f.Truncate(claimOffset + int64(len(mark)))
		f.Close()
	}
}

// isClaimed reports whether a replica has used the database under this name. The
// queue's file may also be a copy or a hard link of another name's.
func isClaimed(path string) bool {
	mark, err := claimMark(path)
	if err != nil {
		return false
	}
	content, err := os.ReadFile(path + queueSuffix)
	return err == nil && len(content) > claimOffset && bytes.Equal(content[claimOffset:], mark)
}

// claimMark is the name in its folder and the folder's number, which is the same in
// every container and after a move.
func claimMark(path string) ([]byte, error) {
	f, err := os.Open(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	_, number := links(f, info)
	return fmt.Appendf(nil, "%d %s\n", number, filepath.Base(path)), nil
}

package sqlite

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/vfs"

	"dummymessenger/internal/messenger"
)

// A faultyVFS is the real file system until its WAL shall fail.
type faultyVFS struct {
	vfs.VFSFilename
	syncErr, writeErr error
	syncs             int // of the WAL
}

// dial opens path through v.
func (v *faultyVFS) dial(t *testing.T, path string) *conn {
	t.Helper()
	name := strings.ReplaceAll(fmt.Sprint("faulty ", t.Name()), "/", " ")
	vfs.Register(name, v)
	t.Cleanup(func() { vfs.Unregister(name) })
	uri := url.URL{Scheme: "file", Path: filepath.ToSlash(path), RawQuery: "vfs=" + url.PathEscape(name)}
	c, err := dial(t.Context(), uri.String(), sqlite3.OPEN_URI)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.makeDurable(); err != nil {
		t.Fatal(err)
	}
	return c
}

func newFaultyVFS() *faultyVFS {
	return &faultyVFS{VFSFilename: vfs.Find("os").(vfs.VFSFilename)}
}

// crash copies the database at path as it would be found if all processes
// died now.
func crash(t *testing.T, path string) (copied string) {
	t.Helper()
	copied = filepath.Join(t.TempDir(), "log.db")
	for _, suffix := range []string{"", "-wal"} {
		content, err := os.ReadFile(path + suffix)
		if err == nil {
			err = os.WriteFile(copied+suffix, content, 0o666)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return copied
}

type faultyWAL struct {
	vfs.File
	fs *faultyVFS
}

func (v *faultyVFS) OpenFilename(name *vfs.Filename, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	f, flags, err := v.VFSFilename.OpenFilename(name, flags)
	if err == nil && flags&vfs.OPEN_WAL != 0 {
		f = faultyWAL{f, v}
	}
	return f, flags, err
}

func (f faultyWAL) Sync(flags vfs.SyncFlag) error {
	if f.fs.syncErr != nil {
		return f.fs.syncErr
	}
	f.fs.syncs++
	return f.File.Sync(flags)
}

func (f faultyWAL) WriteAt(p []byte, off int64) (int, error) {
	if f.fs.writeErr != nil {
		return 0, f.fs.writeErr
	}
	return f.File.WriteAt(p, off)
}

// TestCommitFails: what an error of COMMIT means, and that the truth can be
// found out afterwards.
func TestCommitFails(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		fault func(*faultyVFS)
		want  messenger.Kind
		after int // messages after a crash of all processes
	}{
		{"flush", func(v *faultyVFS) { v.syncErr = syscall.EIO }, messenger.Unknown, 3},
		{"full at flush", func(v *faultyVFS) { v.syncErr = syscall.ENOSPC }, messenger.Unknown, 3},
		{"write", func(v *faultyVFS) { v.writeErr = syscall.EIO }, messenger.Unwritable, 2},
		{"no space at write", func(v *faultyVFS) { v.writeErr = &os.PathError{Op: "write", Err: syscall.ENOSPC} }, messenger.Unwritable, 2},
		{"full at write", func(v *faultyVFS) { v.writeErr = sqlite3.FULL }, messenger.Unwritable, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "log.db")
			s, other := open(t, path), open(t, path)
			store(t, other, 1, 1)

			faulty := newFaultyVFS()
			w := faulty.dial(t, path)
			s.discard(<-s.writer)
			s.writer <- w
			store(t, s, 2, 2)

			c.fault(faulty)
			refuse(t, t.Context(), s, c.want, draft(3))
			if got, err := other.Read(t.Context(), 0, 10); err != nil || len(got) != 2 {
				t.Errorf("Read = %v, %v, want the two that are certain", got, err)
			}

			if got, err := open(t, crash(t, path)).Read(t.Context(), 0, 10); err != nil || len(got) != c.after {
				t.Errorf("after a crash, Read = %v, %v, want %d messages", got, err, c.after)
			}

			// The connection has been replaced by one without faults.
			again := draft(3)
			again.MayExist = true
			got, err := s.Append(t.Context(), func() []messenger.Draft { return []messenger.Draft{again} })
			if err != nil || got.Results[0].Existed || got.Results[0].Seq != 3 {
				t.Errorf("Append again = %v, %v, want it stored as 3", got, err)
			}
			store(t, other, 4, 4)
		})
	}
}

// TestRecoveredIsFlushed: a replica may acknowledge a message that a crash left behind,
// so the message must have been flushed before anyone finds it.
func TestRecoveredIsFlushed(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "log.db")
	store(t, open(t, path), 1, 1)
	counting := newFaultyVFS()
	c := counting.dial(t, crash(t, path))
	t.Cleanup(func() { c.close() })
	if got, err := c.messages(selectAfter, 0, 10); err != nil || len(got) != 1 {
		t.Fatalf("messages = %v, %v, want the one", got, err)
	}
	if counting.syncs == 0 {
		t.Error("the recovered message is shown before it was flushed")
	}
}

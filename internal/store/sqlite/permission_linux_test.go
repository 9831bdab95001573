package sqlite

import (
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"dummymessenger/internal/messenger"
)

// withoutPrivileges runs f as a user who isn't root, to whom permissions matter.
func withoutPrivileges(t *testing.T, f func()) {
	t.Helper()
	if os.Getuid() != 0 {
		f()
		return
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // and never unlocked, so the thread ends with the goroutine
		const nobody = 65534
		if err := syscall.Setfsuid(nobody); err != nil {
			t.Error(err)
			return
		}
		f()
	}()
	<-done
}

// publicDir is a new folder that any user can enter.
func publicDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, d := range []string{filepath.Dir(dir), dir} {
		if err := os.Chmod(d, 0o777); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func chmod(t *testing.T, path string, mode os.FileMode) {
	t.Helper()
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

func TestOpenWithoutPermission(t *testing.T) {
	for _, c := range []struct {
		name      string
		file, dir os.FileMode
		want      string
	}{
		{"read-only file", 0o444, 0o777, "cannot be opened"},
		{"unreadable file", 0, 0o777, "cannot be opened"},
		{"read-only folder", 0o666, 0o555, "writable"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := publicDir(t)
			path := filepath.Join(dir, "log.db")
			s := open(t, path)
			store(t, s, 1, 1)
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			os.Remove(path + ".lock")
			chmod(t, path, c.file)
			chmod(t, dir, c.dir)
			t.Cleanup(func() { chmod(t, dir, 0o777) })
			withoutPrivileges(t, func() {
				s, err := Open(t.Context(), path, slog.New(slog.DiscardHandler))
				if err == nil {
					t.Errorf("Open succeeded: %v", s.Close())
				} else if !strings.Contains(err.Error(), c.want) {
					t.Errorf("Open: %v, want it to say %q", err, c.want)
				}
			})
		})
	}
}

// TestPermissionLost: what a running replica says, and that it recovers.
func TestPermissionLost(t *testing.T) {
	dir := publicDir(t)
	path := filepath.Join(dir, "log.db")
	s := open(t, path)
	store(t, s, 1, 1)
	chmod(t, path, 0o666)
	chmod(t, dir, 0o555)
	t.Cleanup(func() { chmod(t, dir, 0o777) })
	chmod(t, path+".lock", 0)
	withoutPrivileges(t, func() {
		refuse(t, t.Context(), s, messenger.Unwritable, draft(2))
		if got, err := s.Read(t.Context(), 0, 10); err != nil || len(got) != 1 {
			t.Errorf("Read = %v, %v, want the one message", got, err)
		}
	})
	chmod(t, dir, 0o777)
	chmod(t, path+".lock", 0o666)
	withoutPrivileges(t, func() {
		if err := s.Ready(t.Context()); err != nil {
			t.Errorf("Ready: %v", err)
		}
		store(t, s, 2, 2)
	})
}

package sqlite

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

// refuseOpen opens path, which must fail with an error that says want, and
// leave the folder and the file as they were.
func refuseOpen(t *testing.T, path, want string) {
	t.Helper()
	names := func() (names []string) {
		entries, _ := os.ReadDir(filepath.Dir(path))
		for _, e := range entries {
			names = append(names, e.Name())
		}
		return names
	}
	content, _ := os.ReadFile(path)
	before := names()
	s, err := Open(t.Context(), path, slog.New(slog.DiscardHandler))
	if err == nil {
		t.Fatalf("Open(%q) succeeded, want an error about %q: %v", path, want, s.Close())
	}
	if !strings.Contains(err.Error(), want) {
		t.Errorf("Open(%q): %v, want it to say %q", path, err, want)
	}
	if after := names(); !slices.Equal(after, before) {
		t.Errorf("the folder holds %q, before %q", after, before)
	}
	if now, _ := os.ReadFile(path); !bytes.Equal(now, content) {
		t.Error("the file was changed")
	}
}

func TestForeignTable(t *testing.T) {
	t.Parallel()
	for name, sql := range map[string]string{
		"other columns":     `CREATE TABLE messages (id INTEGER PRIMARY KEY, body TEXT)`,
		"other constraints": strings.Replace(createTable, "UNIQUE (sender, sender_count),\n", "", 1),
		"not strict":        strings.TrimSuffix(createTable, " STRICT"),
		"column added":      createTable + `; ALTER TABLE messages ADD COLUMN extra TEXT`,
		"capitals":          `CREATE TABLE Messages (body TEXT)`,
		"view":              `CREATE VIEW messages AS SELECT 1 AS seq`,
		"index":             createTable + `; CREATE UNIQUE INDEX once ON messages (text)`,
		"trigger":           createTable + `; CREATE TRIGGER t AFTER INSERT ON messages BEGIN DELETE FROM messages; END`,
		"index of another":  `CREATE TABLE other (x); CREATE INDEX messages ON other (x)`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "foreign.db")
			if err := shell(t, path, sql).Close(); err != nil {
				t.Fatal(err)
			}
			refuseOpen(t, path, "not this program's")
		})
	}
}

func TestForeignEncoding(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "utf16.db")
	if err := shell(t, path, `PRAGMA encoding = 'UTF-16'; CREATE TABLE other (x)`).Close(); err != nil {
		t.Fatal(err)
	}
	refuseOpen(t, path, "UTF-16")
}

func TestBesideOtherTables(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "shared.db")
	shell(t, path, `CREATE TABLE other (x); CREATE INDEX i ON other (x)`)
	store(t, open(t, path), 1, 1)
}

func TestOpenErrors(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := func(name string, content []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, 0o666); err != nil {
			t.Fatal(err)
		}
		return path
	}

	good := filepath.Join(t.TempDir(), "good.db")
	s := open(t, good)
	for n := range 50 {
		store(t, s, n, int64(n+1))
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	noRoot := slices.Clone(content)
	copy(noRoot[100:200], bytes.Repeat([]byte("damaged"), 20))

	text := file("notes.txt", bytes.Repeat([]byte("not a database\n"), 100))
	refuseOpen(t, "", "empty")
	refuseOpen(t, dir, "is a folder")
	refuseOpen(t, filepath.Join(dir, "missing", "log.db"), "folder does not exist")
	refuseOpen(t, filepath.Join(text, "log.db"), "not a")
	refuseOpen(t, text, "not an SQLite database")
	refuseOpen(t, file("short.txt", []byte("x")), "not an SQLite database")
	refuseOpen(t, file("damaged.db", noRoot), "is damaged")
	refuseOpen(t, file("cut.db", content[:len(content)-5000]), "is damaged")
	if runtime.GOOS != "windows" {
		refuseOpen(t, os.DevNull, "not a regular file")
	}

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if s, err := Open(ctx, good, slog.New(slog.DiscardHandler)); err == nil {
		t.Errorf("Open with an ended context succeeded: %v", s.Close())
	}
}

// TestOpenOnFullDisk: the error names the full disk, whichever write fails first.
func TestOpenOnFullDisk(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("there is no tmpfs")
	}
	const size = 128 << 10
	dir := t.TempDir()
	if err := exec.Command("mount", "-t", "tmpfs", "-o", fmt.Sprint("size=", size), "none", dir).Run(); err != nil {
		t.Skip("a file system cannot be mounted here")
	}
	defer exec.Command("umount", dir).Run()
	refused := 0
	for free := 0; free < size; free += 4 << 10 {
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			os.Remove(filepath.Join(dir, e.Name()))
		}
		if err := os.WriteFile(filepath.Join(dir, "others"), make([]byte, size-free), 0o666); err != nil {
			t.Fatal(err)
		}
		s, err := Open(t.Context(), filepath.Join(dir, "log.db"), slog.New(slog.DiscardHandler))
		if err == nil {
			s.Close()
		} else if refused++; !strings.Contains(err.Error(), "full") {
			t.Errorf("with %d bytes free: %v", free, err)
		}
	}
	if refused == 0 {
		t.Error("it was always opened")
	}
}

func TestOddPaths(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "a folder")
	names := []string{"with spaces.db", "50%.db", "%41#b&c=d.db", "журнал 🚀.db", "'quoted'.db", "messages"}
	if runtime.GOOS != "windows" {
		names = append(names, "what?.db", "what?mode=ro&vfs=none", "file:uri.db", ":memory:", `back\slash.db`, `"double".db`)
	}
	if err := os.Mkdir(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		path := filepath.Join(dir, name)
		s := open(t, path)
		store(t, s, 1, 1)
		if err := s.Close(); err != nil {
			t.Errorf("%s: Close: %v", name, err)
		}
		info, err := os.Stat(path)
		if err != nil || info.Size() == 0 {
			t.Errorf("%s: the file is not there: %v", name, err)
		}
		got, err := open(t, path).Read(t.Context(), 0, 10)
		if err != nil || len(got) != 1 {
			t.Errorf("%s: Read = %v, %v, want what was stored", name, got, err)
		}
	}
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		name := strings.TrimSuffix(e.Name(), ".lock")
		name = strings.TrimSuffix(strings.TrimSuffix(name, "-wal"), "-shm")
		if !slices.Contains(names, name) {
			t.Errorf("there is a file %q", e.Name())
		}
	}
}

// TestOneQueue: replicas that name one file differently share its queue.
func TestOneQueue(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	want := open(t, "log.db")
	if err := os.Symlink("log.db", "link.db"); err != nil {
		t.Skip(err)
	}
	for _, name := range []string{"./log.db", filepath.Join(dir, "log.db"), "link.db"} {
		s := open(t, name)
		if s.path != want.path || s.queue.file.Path() != want.queue.file.Path() {
			t.Errorf("%s is %s with queue %s, want %s", name, s.path, s.queue.file.Path(), want.path)
		}
	}
}

// TestOpenWaits: Open waits for a lock, logs that another program holds it, and gives up in time.
func TestOpenWaits(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		hold func(t *testing.T, path string)
		want string
	}{
		"the queue's": {func(t *testing.T, path string) {
			q := newQueue(path + queueSuffix)
			if err := q.lock(t.Context()); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { q.unlock() })
		}, "log.db.lock"},
		"SQLite's": {func(t *testing.T, path string) { shell(t, path, "BEGIN IMMEDIATE") }, "SQLite's lock"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "log.db")
			if err := open(t, path).Close(); err != nil {
				t.Fatal(err)
			}
			c.hold(t, path)
			if s, err := openWithin(t.Context(), 3*time.Second, path, slog.New(slog.DiscardHandler)); err == nil {
				t.Errorf("it was opened: %v", s.Close())
			} else if !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "fuser") {
				t.Errorf("openWithin: %v, want it to say what it waited for, %s, and how to find who holds it", err, c.want)
			}

			ctx, cancel := context.WithCancel(t.Context())
			said := make(chan struct{})
			logger := slog.New(slog.NewTextHandler(writerFunc(func(line []byte) {
				if bytes.Contains(line, []byte("still waiting")) && bytes.Contains(line, []byte(c.want)) {
					close(said)
				}
			}), nil))
			done := make(chan error)
			go func() {
				_, err := Open(ctx, path, logger)
				done <- err
			}()
			select {
			case <-said:
			case err := <-done:
				t.Fatalf("Open did not say that it waits: %v", err)
			}
			cancelled := time.Now()
			cancel()
			if err := <-done; err == nil {
				t.Error("it was opened")
			}
			if took := time.Since(cancelled); took > openWarning/2 {
				t.Errorf("Open returned %v after its context had ended", took)
			}
		})
	}
}

type writerFunc func([]byte)

func (f writerFunc) Write(p []byte) (int, error) { f(p); return len(p), nil }

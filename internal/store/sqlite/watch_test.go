package sqlite

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"dummymessenger/internal/messenger"
)

// mustRefuse checks that s neither stores nor shows anything.
func mustRefuse(t *testing.T, name string, s *Store) {
	t.Helper()
	_, err := s.Append(t.Context(), func() []messenger.Draft { return []messenger.Draft{draft(1000)} })
	if messenger.KindOf(err) != messenger.Unavailable {
		t.Errorf("%s: Append: %v, want it unavailable", name, err)
	}
	if got, err := s.Read(t.Context(), 0, 1000); messenger.KindOf(err) != messenger.Unavailable {
		t.Errorf("%s: Read = %d messages, %v, want it unavailable", name, len(got), err)
	}
	if got, err := s.Head(t.Context()); messenger.KindOf(err) != messenger.Unavailable {
		t.Errorf("%s: Head = %d, %v, want it unavailable", name, got, err)
	}
	if err := s.Ready(t.Context()); messenger.KindOf(err) != messenger.Unavailable {
		t.Errorf("%s: Ready: %v, want it unavailable", name, err)
	}
}

// fill appends n drafts, the first of which becomes the message after.
func fill(t *testing.T, s *Store, after int64, n int) {
	t.Helper()
	for i := range n {
		store(t, s, int(after)+i+1, after+int64(i)+1)
	}
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// overwrite writes over the file as cp does.
func overwrite(t *testing.T, path string, content []byte) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_TRUNC, 0)
	if err == nil {
		_, err = f.Write(content)
	}
	if err = errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
}

// TestWrittenOver: after anything is written over the file, running replicas refuse
// every call, even one that has done nothing since it started, and none can start.
func TestWrittenOver(t *testing.T) {
	if !countersKnown {
		t.Skip("here only a foreign first page is noticed")
	}
	t.Parallel()
	for name, write := range map[string]func(t *testing.T, path string, older []byte){
		"another log": func(t *testing.T, path string, _ []byte) {
			other := filepath.Join(t.TempDir(), "other.db")
			s := open(t, other)
			fill(t, s, 0, 100)
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			overwrite(t, path, readFile(t, other))
		},
		"an older copy": func(t *testing.T, path string, older []byte) { overwrite(t, path, older) },
		"itself":        func(t *testing.T, path string, _ []byte) { overwrite(t, path, readFile(t, path)) },
		"a backup": func(t *testing.T, path string, _ []byte) {
			backup := filepath.Join(t.TempDir(), "backup.db")
			if err := shell(t, path, "").Backup("main", backup); err != nil {
				t.Fatal(err)
			}
			overwrite(t, path, readFile(t, backup))
		},
		"a compacted backup": func(t *testing.T, path string, _ []byte) {
			backup := filepath.Join(t.TempDir(), "backup.db")
			shell(t, path, "VACUUM INTO '"+backup+"'")
			overwrite(t, path, readFile(t, backup))
		},
		"nothing": func(t *testing.T, path string, _ []byte) { overwrite(t, path, nil) },
		"cut": func(t *testing.T, path string, _ []byte) {
			if err := os.Truncate(path, 4096); err != nil {
				t.Fatal(err)
			}
		},
		"one byte": func(t *testing.T, path string, _ []byte) {
			f, err := os.OpenFile(path, os.O_WRONLY, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if _, err := f.WriteAt([]byte{0xff}, 9000); err != nil {
				t.Fatal(err)
			}
		},
		"no WAL": func(t *testing.T, path string, _ []byte) { overwrite(t, path+"-wal", nil) },
		"a WAL cut": func(t *testing.T, path string, _ []byte) {
			if err := os.Truncate(path+"-wal", 32+4096+24); err != nil {
				t.Fatal(err)
			}
		},
		"an older WAL": func(t *testing.T, path string, _ []byte) { overwrite(t, path+"-wal", readFile(t, path+".older-wal")) },
		"a WAL's beginning": func(t *testing.T, path string, _ []byte) {
			content := readFile(t, path+"-wal")
			copy(content[:32], make([]byte, 32))
			overwrite(t, path+"-wal", content)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "log.db")
			a := open(t, path)
			fill(t, a, 0, 50)
			shell(t, path, "PRAGMA wal_checkpoint(TRUNCATE)")
			older := readFile(t, path)
			fill(t, a, 50, 50)
			b := open(t, path) // makes a checkpoint, after which the next commit begins the WAL anew
			fill(t, a, 100, 1)
			if err := os.WriteFile(path+".older-wal", readFile(t, path+"-wal"), 0o666); err != nil {
				t.Fatal(err)
			}
			fill(t, a, 101, 2)
			for _, s := range []*Store{a, b} {
				if err := s.Ready(t.Context()); err != nil {
					t.Fatal(err)
				}
			}

			write(t, path, older)
			mustRefuse(t, "one that stored", a)
			mustRefuse(t, "one that did not", b)
			if s, err := Open(t.Context(), path, slog.New(slog.DiscardHandler)); err == nil {
				t.Errorf("another replica opened it: %v", s.Close())
			}
		})
	}
}

// TestWrittenOverUnderLoad: the same while two replicas store as fast as they can.
func TestWrittenOverUnderLoad(t *testing.T) {
	if !countersKnown {
		t.Skip("here only a foreign first page is noticed")
	}
	t.Parallel()
	path := filepath.Join(t.TempDir(), "log.db")
	stores := []*Store{open(t, path), open(t, path)}
	var backup []byte
	var once sync.Once
	var running sync.WaitGroup
	for i, s := range stores {
		running.Go(func() {
			for n := 0; ; n++ {
				drafts := make([]messenger.Draft, 20)
				for j := range drafts {
					id := messenger.KeyID(fmt.Sprint(i, n, j))
					drafts[j] = messenger.Draft{ID: id, Sender: fmt.Sprint(j), Text: strings.Repeat("x", 300)}
				}
				got, err := s.Append(t.Context(), func() []messenger.Draft { return drafts })
				if err != nil {
					return
				}
				if seq := got.Results[0].Seq; seq > 20_000 {
					t.Errorf("replica %d still stores, as %d", i, seq)
					return
				} else if seq > 3000 && i == 0 {
					once.Do(func() { backup = readFile(t, path) })
				}
				if n%10 == 0 {
					if _, err := s.Read(t.Context(), got.Results[0].Seq-1, 20); err != nil {
						return
					}
				}
				if i == 0 && got.Results[0].Seq > 8000 && backup != nil {
					overwrite(t, path, backup)
					backup = nil
				}
			}
		})
	}
	running.Wait()
	for i, s := range stores {
		mustRefuse(t, fmt.Sprint("replica ", i), s)
	}
}

// TestOtherProgramsMayDoThis: changes that another program makes through SQLite are no
// damage.
func TestOtherProgramsMayDoThis(t *testing.T) {
	t.Parallel()
	for name, do := range map[string]func(t *testing.T, path string){
		"checkpoint":          func(t *testing.T, path string) { shell(t, path, "PRAGMA wal_checkpoint(PASSIVE)") },
		"truncate checkpoint": func(t *testing.T, path string) { shell(t, path, "PRAGMA wal_checkpoint(TRUNCATE)") },
		"another table": func(t *testing.T, path string) {
			shell(t, path, "DROP TABLE IF EXISTS other; CREATE TABLE other (x); CREATE INDEX i ON other (x)")
		},
		"vacuum":  func(t *testing.T, path string) { shell(t, path, "VACUUM; PRAGMA wal_checkpoint(TRUNCATE)") },
		"analyze": func(t *testing.T, path string) { shell(t, path, "ANALYZE") },
		"permissions": func(t *testing.T, path string) {
			if err := os.Chmod(path, 0o600); err != nil {
				t.Fatal(err)
			}
		},
		"no queue file": func(t *testing.T, path string) {
			if err := os.Remove(path + queueSuffix); err != nil && runtime.GOOS != "windows" {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "log.db")
			a, b := open(t, path), open(t, path)
			fill(t, a, 0, 30)
			for n := range 3 {
				do(t, path)
				if err := b.Ready(t.Context()); err != nil {
					t.Errorf("Ready: %v", err)
				}
				store(t, b, 31+2*n, int64(31+2*n))
				store(t, a, 32+2*n, int64(32+2*n))
			}
			if got, err := b.Read(t.Context(), 0, 100); err != nil || len(got) != 36 {
				t.Errorf("Read = %d messages, %v, want 36", len(got), err)
			}
		})
	}
}

// TestNames: a file that has several names is one log, under the first of them.
func TestNames(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path, second := filepath.Join(dir, "log.db"), filepath.Join(dir, "second.db")
	s := open(t, path)
	fill(t, s, 0, 1)
	if err := os.Link(path, second); err != nil {
		t.Skip(err)
	}
	refuseOpen(t, second, "hard links")
	fill(t, s, 1, 1)
	for _, claimed := range [][]byte{nil, readFile(t, path+queueSuffix)} { // as by touch and cp
		if err := os.WriteFile(second+queueSuffix, claimed, 0o666); err != nil {
			t.Fatal(err)
		}
		refuseOpen(t, second, "hard links")
	}
	claim(second) // as if it had been used before
	refuseOpen(t, second, "open in another program")
	fill(t, open(t, path), 2, 1)

	// The same with a folder that cp -al has copied.
	elsewhere := filepath.Join(t.TempDir(), "log.db")
	for _, suffix := range []string{"", queueSuffix} {
		if err := os.Link(path+suffix, elsewhere+suffix); err != nil {
			t.Fatal(err)
		}
	}
	refuseOpen(t, elsewhere, "hard links")
	fill(t, open(t, path), 3, 1)
	refuseOpen(t, elsewhere, "hard links")
	for _, name := range []string{elsewhere, elsewhere + queueSuffix, second, second + queueSuffix} {
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}

	if runtime.GOOS != "linux" {
		return
	}
	elsewhere = filepath.Join(t.TempDir(), "else where\\.db")
	if err := os.WriteFile(elsewhere, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := exec.Command("mount", "--bind", path, elsewhere).Run(); err != nil {
		t.Skip("a file cannot be mounted here")
	}
	defer exec.Command("umount", elsewhere).Run()
	refuseOpen(t, elsewhere, "mounted")
	fill(t, s, 4, 1)
}

// TestLinkRepointed: a symbolic link that leads elsewhere is refused until it leads back.
func TestLinkRepointed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	link := filepath.Join(dir, "data")
	point := func(to string) {
		t.Helper()
		os.Remove(link)
		if err := os.Symlink(to, link); err != nil {
			t.Skip(err)
		}
	}
	for _, name := range []string{"v1", "v2"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	point("v1")
	s := open(t, filepath.Join(link, "log.db"))
	fill(t, s, 0, 2)
	direct := open(t, filepath.Join(dir, "v1", "log.db"))
	point("v2")
	mustRefuse(t, "led to nothing", s)
	fill(t, open(t, filepath.Join(link, "log.db")), 0, 3)
	mustRefuse(t, "led to another log", s)
	fill(t, direct, 2, 1)
	point("v1")
	fill(t, s, 3, 1)
}

// TestTouched: a new time alone cannot be distinguished from a copy over the file. The
// error says so, and that a restart is enough.
func TestTouched(t *testing.T) {
	if !countersKnown {
		t.Skip("here only a foreign first page is noticed")
	}
	t.Parallel()
	path := filepath.Join(t.TempDir(), "log.db")
	s := open(t, path)
	fill(t, s, 0, 3)
	now := time.Now()
	if err := os.Chtimes(path, now, now); err != nil {
		t.Fatal(err)
	}
	mustRefuse(t, "touched", s)
	if err := s.Ready(t.Context()); err == nil || !strings.Contains(err.Error(), "touch") {
		t.Errorf("Ready: %v, want it to name touch", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	fill(t, open(t, path), 3, 1)
}

// TestFilesBesideIt: replicas notice changes to -wal and -shm while they run and when
// they start.
func TestFilesBesideIt(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows doesn't let open files be removed")
	}
	t.Parallel()
	for _, names := range [][]string{{"-wal"}, {"-shm"}, {"-wal", "-shm"}} {
		t.Run(strings.Join(names, ""), func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "log.db")
			s := open(t, path)
			fill(t, s, 0, 3)
			for _, suffix := range names {
				if err := os.Rename(path+suffix, path+suffix+".away"); err != nil {
					t.Fatal(err)
				}
			}
			mustRefuse(t, "renamed", s)
			past := time.Now().Add(-time.Hour) // as if that was long ago
			if err := os.Chtimes(filepath.Dir(path), past, past); err != nil {
				t.Fatal(err)
			}
			mustRefuse(t, "renamed long ago", s)
			if another, err := Open(t.Context(), path, slog.New(slog.DiscardHandler)); err == nil {
				t.Errorf("another replica opened it: %v", another.Close())
			}
			mustRefuse(t, "still", s)
			for _, suffix := range names {
				if err := os.Rename(path+suffix+".away", path+suffix); err != nil {
					t.Fatal(err)
				}
			}
			fill(t, s, 3, 1)
		})
	}
}

// TestReaderFails: a read whose connection fails gets another one in the same call.
func TestReaderFails(t *testing.T) {
	t.Parallel()
	s := open(t, filepath.Join(t.TempDir(), "log.db"))
	fill(t, s, 0, 3)
	r := <-s.reader
	r.db.SetInterrupt(t.Context())
	err := r.db.Exec("CREATE TEMP TABLE messages (x)") // so that this connection has no column seq
	s.reader <- r
	if err != nil {
		t.Fatal(err)
	}
	if got, err := s.Read(t.Context(), 0, 10); err != nil || len(got) != 3 {
		t.Errorf("Read = %v, %v, want 3 messages", got, err)
	}
}

// TestWALShrinks: after a long reader the WAL gets small again.
func TestWALShrinks(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "log.db")
	s := open(t, path)
	size := func() int64 {
		info, err := os.Stat(path + "-wal")
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	var n int
	grow := func(limit int64) {
		for size() < limit {
			drafts := make([]messenger.Draft, 500)
			for i := range drafts {
				n++
				drafts[i] = draft(n)
				drafts[i].Text = strings.Repeat("x", messenger.MaxText)
			}
			if _, err := s.Append(t.Context(), func() []messenger.Draft { return drafts }); err != nil {
				t.Fatal(err)
			}
		}
	}
	grow(1)
	reader := shell(t, path, "BEGIN; SELECT count(*) FROM messages")
	grow(2 * walLimit)
	if err := reader.Exec("COMMIT"); err != nil {
		t.Fatal(err)
	}
	for range 3 { // a checkpoint, the WAL begun anew, and its end cut off
		n++
		store(t, s, n, int64(n))
	}
	if got := size(); got > walLimit {
		t.Errorf("the WAL has %d bytes, want at most %d", got, walLimit)
	}
}

func TestSettled(t *testing.T) {
	now := time.Now()
	second := now.Truncate(time.Second)
	for at, want := range map[time.Time]bool{
		now:                                false,
		now.Add(time.Minute):               false, // the clock was set back
		second.Add(-time.Second):           false,
		second.Add(-4 * time.Second):       true,
		second.Add(-time.Second / 3):       true,
		second.Add(-time.Hour + 1).Local(): true,
	} {
		if got := settled(at); got != want {
			t.Errorf("settled(%v before now) = %v, want %v", now.Sub(at), got, want)
		}
	}
}

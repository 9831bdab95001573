package sqlite

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ncruces/go-sqlite3"

	"dummymessenger/internal/messenger"
	"dummymessenger/internal/store/storetest"
)

func TestConformance(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Log {
		path := filepath.Join(t.TempDir(), "log.db")
		return func(ctx context.Context) (messenger.Store, error) {
			return Open(ctx, path, slog.New(slog.DiscardHandler))
		}
	})
}

// TestConformanceWithoutQueue gives each replica a queue of its own: BEGIN
// IMMEDIATE alone must keep every promise.
func TestConformanceWithoutQueue(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Log {
		dir := t.TempDir()
		var replicas atomic.Int64
		return func(ctx context.Context) (messenger.Store, error) {
			s, err := Open(ctx, filepath.Join(dir, "log.db"), slog.New(slog.DiscardHandler))
			if err != nil {
				return nil, err
			}
			s.queue = newQueue(filepath.Join(dir, fmt.Sprint("queue", replicas.Add(1))))
			return s, nil
		}
	})
}

func open(t *testing.T, path string) *Store {
	t.Helper()
	s, err := Open(t.Context(), path, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatalf("Open(%q): %v", path, err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return s
}

// shell is a connection as other programs have it.
func shell(t *testing.T, path, sql string) *sqlite3.Conn {
	t.Helper()
	db, err := sqlite3.OpenFlags(path, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	if err := db.Exec(sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return db
}

func draft(n int) messenger.Draft {
	return messenger.Draft{ID: messenger.KeyID(fmt.Sprint(n)), Sender: "Анна", Text: fmt.Sprint("text ", n)}
}

// store appends the nth draft, which must become the message seq.
func store(t *testing.T, s *Store, n int, seq int64) messenger.Message {
	t.Helper()
	got, err := s.Append(t.Context(), func() []messenger.Draft { return []messenger.Draft{draft(n)} })
	if err != nil {
		t.Fatalf("Append: %v", err)
	}
	if got.Results[0].Seq != seq {
		t.Errorf("seq %d, want %d", got.Results[0].Seq, seq)
	}
	return got.Results[0].Message
}

// refuse appends a draft, which must fail as want.
func refuse(t *testing.T, ctx context.Context, s *Store, want messenger.Kind, ds ...messenger.Draft) {
	t.Helper()
	_, err := s.Append(ctx, func() []messenger.Draft { return ds })
	if got := messenger.KindOf(err); err == nil || got != want {
		t.Errorf("Append: %v, want kind %v", err, want)
	}
}

func TestClockSetBack(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "log.db")
	a, b := open(t, path), open(t, path)
	at := time.Date(2026, 11, 24, 10, 0, 0, 123456789, time.FixedZone("", 3600))
	clock := func(d time.Duration) func() time.Time { return func() time.Time { return at.Add(d) } }

	want := at.UTC().Truncate(time.Microsecond)
	a.now, b.now = clock(0), clock(-time.Hour)
	for seq := range int64(4) {
		s := []*Store{a, b}[seq%2]
		if got := store(t, s, int(seq), seq+1).SentAt; got != want {
			t.Errorf("seq %d: sent_at %v, want %v", seq+1, got, want)
		}
	}
	b.now = clock(time.Second)
	if got := store(t, b, 5, 5).SentAt; got != want.Add(time.Second) {
		t.Errorf("sent_at %v, want %v: the clock is ahead again", got, want.Add(time.Second))
	}
}

// TestOneDatePerBatch: the clock is read once, so that no batch can have dates
// in another order than its seqs.
func TestOneDatePerBatch(t *testing.T) {
	t.Parallel()
	s := open(t, filepath.Join(t.TempDir(), "log.db"))
	at := time.Now()
	s.now = func() time.Time { at = at.Add(-time.Second); return at }
	got, err := s.Append(t.Context(), func() []messenger.Draft { return []messenger.Draft{draft(1), draft(2), draft(3)} })
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range got.Results {
		if r.SentAt != got.Results[0].SentAt {
			t.Errorf("seq %d: sent_at %v, the first has %v", r.Seq, r.SentAt, got.Results[0].SentAt)
		}
	}
}

func TestDurableConnections(t *testing.T) {
	t.Parallel()
	s := open(t, filepath.Join(t.TempDir(), "log.db"))
	check := func(when string) {
		t.Helper()
		for name, slot := range map[string]chan *conn{"writer": s.writer, "reader": s.reader} {
			c := <-slot
			c.db.SetInterrupt(t.Context())
			for pragma, want := range map[string]string{
				"journal_mode": "wal", "synchronous": "2", "fullfsync": "1", "checkpoint_fullfsync": "1",
			} {
				if got, err := c.text("PRAGMA " + pragma); err != nil || got != want {
					t.Errorf("%s, %s: %s = %q, %v, want %q", when, name, pragma, got, err, want)
				}
			}
			slot <- c
		}
	}
	check("as opened")

	// An interrupted call loses its connection; the next one opens another.
	store(t, s, 1, 1)
	ctx, cancel := context.WithCancel(t.Context())
	_, err := s.Append(ctx, func() []messenger.Draft { cancel(); return []messenger.Draft{draft(2)} })
	if messenger.KindOf(err) != messenger.Unavailable {
		t.Errorf("Append: %v, want it unavailable", err)
	}
	r := <-s.reader
	r.failed = true
	s.reader <- r
	store(t, s, 3, 2)
	if err := s.Ready(t.Context()); err != nil {
		t.Errorf("Ready: %v", err)
	}
	check("as opened again")
}

func TestOlderThan(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]bool{
		"3.51.2": true, "3.46.1": true, "3.9.99": true, "2.99.99": true, "": true,
		"3.51.3": false, "3.51.10": false, "3.52": false, "3.54.1": false, "4.0.0": false,
	} {
		if got := olderThan(version, minVersion); got != want {
			t.Errorf("olderThan(%q) = %v, want %v", version, got, want)
		}
	}
}

func TestPanicInTake(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "log.db")
	a, b := open(t, path), open(t, path)
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic was swallowed")
			}
		}()
		a.Append(t.Context(), func() []messenger.Draft { panic("in take") })
	}()
	store(t, b, 1, 1)
	store(t, a, 2, 2)
}

func TestOtherProgramHoldsLock(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "log.db")
	s := open(t, path)
	other := shell(t, path, "BEGIN IMMEDIATE")
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	start := time.Now()
	_, err := s.Append(ctx, func() []messenger.Draft { t.Error("take was called"); return nil })
	if messenger.KindOf(err) != messenger.Unavailable {
		t.Errorf("Append: %v, want it unavailable", err)
	}
	if waited := time.Since(start); waited > busyTimeout/2 {
		t.Errorf("Append returned after %v; its context had ended long before", waited)
	}
	if err := other.Exec("ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	store(t, s, 1, 1)
}

func TestFull(t *testing.T) {
	t.Parallel()
	s := open(t, filepath.Join(t.TempDir(), "log.db"))
	store(t, s, 1, 1)
	w := <-s.writer
	w.db.SetInterrupt(t.Context())
	if err := w.db.Exec("PRAGMA max_page_count = 1"); err != nil { // SQLite rounds it up to what is there
		t.Fatal(err)
	}
	s.writer <- w
	large := draft(2)
	large.Text = strings.Repeat("🚀", messenger.MaxText)
	refuse(t, t.Context(), s, messenger.Unwritable, large)
	// The new connection has no such limit, and the folder can be written.
	if err := s.Ready(t.Context()); err != nil {
		t.Errorf("Ready: %v", err)
	}
	store(t, s, 3, 2)
}

// TestSameIDTwice: the unique index is the last line of defence.
func TestSameIDTwice(t *testing.T) {
	t.Parallel()
	s := open(t, filepath.Join(t.TempDir(), "log.db"))
	store(t, s, 1, 1)
	refuse(t, t.Context(), s, messenger.Unwritable, draft(2), draft(1))
	store(t, s, 2, 2)
}

func TestFileMoved(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows doesn't let an open file be renamed")
	}
	t.Parallel()
	dir := t.TempDir()
	path, away := filepath.Join(dir, "log.db"), filepath.Join(dir, "away.db")
	s := open(t, path)
	store(t, s, 1, 1)
	gone := func(when string) {
		t.Helper()
		_, err := s.Append(t.Context(), func() []messenger.Draft { t.Error("take was called"); return nil })
		if messenger.KindOf(err) != messenger.Unavailable {
			t.Errorf("%s: Append: %v, want it unavailable", when, err)
		}
		if err := s.Ready(t.Context()); messenger.KindOf(err) != messenger.Unavailable {
			t.Errorf("%s: Ready: %v, want it unavailable", when, err)
		}
	}
	if err := os.Rename(path, away); err != nil {
		t.Fatal(err)
	}
	gone("moved away")
	if err := os.WriteFile(path, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	gone("replaced")
	if err := os.Rename(away, path); err != nil {
		t.Fatal(err)
	}
	store(t, s, 2, 2)
}

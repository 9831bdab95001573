package sqlite

import (
	"bytes"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"dummymessenger/internal/messenger"
)

// TestChangedBySQL: the store notices that another program changes the log by SQL, and
// that the change is undone.
func TestChangedBySQL(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ do, undo string }{
		"all deleted":        {"DELETE FROM messages", ""},
		"the newest deleted": {"DELETE FROM messages WHERE seq = 12", ""},
		"one deleted":        {"DELETE FROM messages WHERE seq = 7", ""},
		"trigger":            {"CREATE TRIGGER t BEFORE INSERT ON messages BEGIN SELECT RAISE(IGNORE); END", "DROP TRIGGER t"},
		"trigger in capitals": {
			"CREATE TRIGGER t AFTER INSERT ON MESSAGES BEGIN DELETE FROM messages WHERE seq = new.seq; END", "DROP TRIGGER t"},
		"index":             {"CREATE UNIQUE INDEX i ON messages (sent_at)", "DROP INDEX i"},
		"column":            {"ALTER TABLE messages ADD COLUMN x ANY", "ALTER TABLE messages DROP COLUMN x"},
		"renamed":           {"ALTER TABLE messages RENAME TO away", "ALTER TABLE away RENAME TO messages"},
		"made anew":         {"DROP TABLE messages; " + createTable, ""},
		"view in its place": {"ALTER TABLE messages RENAME TO away; CREATE VIEW messages AS SELECT * FROM away", ""},
		"id removed":        {"DROP VIEW log_id", ""},
		"another id":        {"DROP VIEW log_id; " + fmt.Sprintf(createID, "01234567-89ab-cdef-0123-456789abcdef"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "log.db")
			var log bytes.Buffer
			a, err := Open(t.Context(), path, slog.New(slog.NewTextHandler(&log, nil)))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { a.Close() })
			b := open(t, path)
			fill(t, a, 0, 12)
			if err := b.Ready(t.Context()); err != nil {
				t.Fatal(err)
			}
			other := shell(t, path, c.do)
			if name != "one deleted" { // which no longer shows at the end
				mustRefuse(t, "one that stored", a)
				mustRefuse(t, "one that read", b)
			} else if _, err := b.Read(t.Context(), 2, 10); messenger.KindOf(err) != messenger.Unavailable {
				t.Errorf("Read of a hole: %v", err)
			} else {
				refuse(t, t.Context(), a, messenger.Unavailable, draft(13))
			}
			if n := strings.Count(log.String(), "level=ERROR"); n != 1 {
				t.Errorf("%d errors in the log, want one:\n%s", n, &log)
			}
			if c.undo == "" {
				return
			}
			if err := other.Exec(c.undo); err != nil {
				t.Fatal(err)
			}
			// SQLite quotes what was renamed: it is the table, but no longer the text.
			if name != "renamed" {
				store(t, a, 13, 13)
				store(t, b, 14, 14)
			}
		})
	}
}

// TestRestoredBySQL: SQLite itself puts another log into the file, even a longer one,
// or an older state of this log.
func TestRestoredBySQL(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path, other, backup := filepath.Join(dir, "log.db"), filepath.Join(dir, "other.db"), filepath.Join(dir, "backup.db")
	a, b := open(t, path), open(t, path)
	fill(t, a, 0, 10)
	fill(t, open(t, other), 0, 30)
	if err := shell(t, path, "").Backup("main", backup); err != nil {
		t.Fatal(err)
	}
	fill(t, b, 10, 10)
	for _, from := range []string{other, backup} {
		if err := shell(t, path, "").Restore("main", from); err != nil {
			t.Fatal(err)
		}
		mustRefuse(t, from, a)
		mustRefuse(t, from, b)
	}
}

// TestRestoredAndWrittenOn: an older state of the log is still not this one when
// another replica has stored as many messages, and is again when the newer is restored.
func TestRestoredAndWrittenOn(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path, older, newer := filepath.Join(dir, "log.db"), filepath.Join(dir, "older.db"), filepath.Join(dir, "newer.db")
	var log bytes.Buffer
	a, err := Open(t.Context(), path, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	other := shell(t, path, "")
	fill(t, a, 0, 15)
	if err := other.Backup("main", older); err != nil {
		t.Fatal(err)
	}
	fill(t, a, 15, 5)
	if err := other.Backup("main", newer); err != nil {
		t.Fatal(err)
	}
	if err := other.Restore("main", older); err != nil {
		t.Fatal(err)
	}
	b := open(t, path)
	for n := range 20 { // up to where 20 is no longer in the last window
		store(t, b, 100+n, int64(16+n))
		mustRefuse(t, fmt.Sprint("as long as ", 16+n), a)
	}
	if err := other.Restore("main", newer); err != nil {
		t.Fatal(err)
	}
	mustRefuse(t, "one that saw the other messages", b)
	fill(t, a, 20, 1)
	if e, i := strings.Count(log.String(), "level=ERROR"), strings.Count(log.String(), "as it was again"); e != 1 || i != 1 {
		t.Errorf("%d times changed and %d times as it was, want one of each:\n%s", e, i, &log)
	}
}

// TestHoleFarBack: once one call has found a hole, all calls fail until it is filled.
func TestHoleFarBack(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "log.db")
	s := open(t, path)
	fill(t, s, 0, 50)
	other := shell(t, path, "CREATE TABLE copy AS SELECT * FROM messages; DELETE FROM messages WHERE seq BETWEEN 7 AND 9")
	if _, err := s.Read(t.Context(), 0, 20); messenger.KindOf(err) != messenger.Unavailable {
		t.Errorf("Read of a hole: %v", err)
	}
	mustRefuse(t, "no hole in the last window", s)
	refuse(t, t.Context(), s, messenger.Unavailable) // nothing to store
	for seq := 7; seq <= 9; seq++ {
		mustRefuse(t, fmt.Sprint("without ", seq), s)
		if err := other.Exec(fmt.Sprint("INSERT INTO messages SELECT * FROM copy WHERE seq = ", seq)); err != nil {
			t.Fatal(err)
		}
	}
	fill(t, s, 50, 1)

	if err := other.Exec("DELETE FROM messages WHERE seq = 45"); err != nil {
		t.Fatal(err)
	}
	if err := s.Ready(t.Context()); messenger.KindOf(err) != messenger.Unavailable {
		t.Errorf("Ready with a hole in the last window: %v", err)
	}
}

func TestLogID(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "log.db")
	a, b := open(t, path), open(t, path)
	if a.LogID() == "" || a.LogID() != b.LogID() {
		t.Errorf("two replicas say %q and %q", a.LogID(), b.LogID())
	}
	if c := open(t, filepath.Join(dir, "other.db")); c.LogID() == a.LogID() {
		t.Errorf("another log is %q, too", c.LogID())
	}
	r := <-a.reader
	defer func() { a.reader <- r }()
	r.db.SetInterrupt(t.Context())
	if got, err := r.text("SELECT id FROM log_id"); err != nil || got != a.LogID() {
		t.Errorf("the database says %q, %v, want %q", got, err, a.LogID())
	}
}

// TestEarlierVersion: a log of a version without ids gets one and goes on, while
// a connection of such a version is open.
func TestEarlierVersion(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "log.db")
	old := shell(t, path, "PRAGMA journal_mode = WAL; "+createTable)
	if err := old.Exec(`INSERT INTO messages VALUES (1, 'Анна', 1, 'text', 1, zeroblob(16))`); err != nil {
		t.Fatal(err)
	}
	a, b := open(t, path), open(t, path)
	if a.LogID() == "" || a.LogID() != b.LogID() {
		t.Errorf("two replicas say %q and %q", a.LogID(), b.LogID())
	}
	store(t, a, 2, 2)
	if err := old.Exec(`INSERT INTO messages VALUES (3, 'Анна', 3, 'text', 1, x'00112233445566778899aabbccddeeff')`); err != nil {
		t.Fatal(err)
	}
	store(t, b, 4, 4)
}

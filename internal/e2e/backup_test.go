package e2e

import (
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"dummymessenger/internal/lab/labtest"
	"dummymessenger/internal/lab/pgcluster"
)

// command runs a program as OPERATIONS.md says and returns what it prints.
func command(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", filepath.Base(name), err, out)
	}
	return string(out)
}

// A saved log is one that was backed up under load.
type saved struct {
	table []message // as it was in the end
	body  []byte    // the answer to the message with the key, which came first
}

const (
	savedKey    = "a-key-of-the-time-before"
	savedSender = "Анна"
	savedText   = "привет"
)

// saveUnderLoad has two replicas under load on db while backup runs.
func saveUnderLoad(t *testing.T, db database, backup func()) saved {
	t.Helper()
	rs := start(t, 2, db.url)
	urls := rs.urls()
	first := operation{Sender: savedSender, Text: savedText, Call: time.Now(), OK: true}
	var r response
	r, first.Window = mustPost(t, urls[0], savedSender, savedText, savedKey)
	first.Return = time.Now()

	var operations []operation
	var failures []error
	var loading sync.WaitGroup
	stop := make(chan struct{})
	stopLoad := sync.OnceFunc(func() { close(stop); loading.Wait() })
	defer stopLoad()
	loading.Go(func() {
		operations, failures = loadUntil(t.Context(), 8, stop, rs.urls)
	})
	busy := func(rows int) {
		t.Helper()
		eventually(t, "the log grows", func() bool { return len(db.table(t)) >= rows })
	}
	busy(100)
	backup()
	busy(len(db.table(t)) + 100)
	stopLoad()
	for _, err := range failures {
		t.Error(err)
	}
	table := db.table(t)
	mustHold(t, append(operations, first), table)
	for i := range rs.members {
		rs.stop(i)
	}
	return saved{table, r.body}
}

// mustGoOn starts replicas on what was restored, which must be a log as the
// saved one was at one instant, and go on from there.
func (s saved) mustGoOn(t *testing.T, restored database, databaseURL string) {
	t.Helper()
	table := restored.table(t)
	n := len(table)
	if n < 100 || n > len(s.table) || !slices.Equal(table, s.table[:n]) {
		t.Fatalf("%d messages are restored, want the first ones, 100 or more, of %d", n, len(s.table))
	}
	t.Logf("%d of %d messages are in the backup", n, len(s.table))
	rs := start(t, 2, databaseURL)
	urls := rs.urls()
	again, _ := mustPost(t, urls[0], savedSender, savedText, savedKey)
	if string(again.body) != string(s.body) || again.header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("the replay is\n%s, want the answer of that time\n%s", again.body, s.body)
	}
	for i, url := range urls {
		_, window := mustPost(t, url, savedSender, fmt.Sprint("after ", i), "")
		own := window[len(window)-1]
		if own.Seq != int64(n+1+i) || own.SenderCount != int64(2+i) || len(window) != 10 || window[8-i].Seq != int64(n) {
			t.Errorf("message %d after the restore has the window %v", i, window)
		}
	}
	for i := range rs.members {
		rs.stop(i)
	}
}

// A dump that was made while replicas wrote is restored into another cluster,
// whose role has the documented grants and nothing else.
func TestBackupPostgres(t *testing.T) {
	t.Parallel()
	from, to := labtest.Cluster(t, pgcluster.Config{}), labtest.Cluster(t, pgcluster.Config{})
	source, err := from.CreateDatabase(t.Context(), "messenger")
	must(t, err)
	target, err := to.CreateDatabase(t.Context(), "messenger")
	must(t, err)
	dump := filepath.Join(t.TempDir(), "messenger.dump")
	s := saveUnderLoad(t, postgresDatabase(source), func() {
		command(t, from.Program("pg_dump"), "--format=custom", "--file", dump, source)
	})
	command(t, to.Program("pg_restore"), "--exit-on-error", "--dbname", target, dump)

	restored := postgresDatabase(target)
	for _, sql := range []string{
		"CREATE ROLE messenger LOGIN PASSWORD 'secret'",
		"GRANT SELECT, INSERT ON messages TO messenger",
		"GRANT SELECT, UPDATE ON log_lock TO messenger",
	} {
		restored.exec(t, sql)
	}
	u, err := url.Parse(target)
	must(t, err)
	u.User = url.UserPassword("messenger", "secret")
	s.mustGoOn(t, restored, u.String())
}

// So is SQLite's file, in each of the two ways, with the programs that are
// documented.
func TestBackupSQLite(t *testing.T) {
	t.Parallel()
	program := labtest.Program(t, "sqlite3")
	for name, backup := range map[string]func(path, copy string) []string{
		"VACUUM INTO": func(path, copy string) []string { return []string{"-readonly", path, "VACUUM INTO '" + copy + "'"} },
		".backup":     func(path, copy string) []string { return []string{path, ".backup " + copy} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			path, copy := filepath.Join(dir, "messages.db"), filepath.Join(dir, "backup.db")
			db := sqliteDatabase(path)
			s := saveUnderLoad(t, db, func() { command(t, program, backup(path, copy)...) })
			for _, suffix := range []string{"", "-wal", "-shm"} {
				if err := os.Remove(path + suffix); err != nil && !os.IsNotExist(err) {
					t.Fatal(err)
				}
			}
			must(t, os.Rename(copy, path))
			if found := db.strings(t, "PRAGMA integrity_check"); strings.Join(found, "\n") != "ok" {
				t.Errorf("integrity_check: %q", found)
			}
			s.mustGoOn(t, db, db.url)
		})
	}
}

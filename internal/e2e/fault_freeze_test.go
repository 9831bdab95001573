//go:build linux

package e2e

import (
	"net/http"
	"testing"
	"time"

	"dummymessenger/internal/lab/labtest"
	"dummymessenger/internal/lab/nemesis"
)

// A replica freezes, also while it holds the lock. PostgreSQL takes the lock
// from it, so that the other goes on within two seconds.
func TestFaultFreezePostgres(t *testing.T) {
	t.Parallel()
	databaseURL := labtest.Database(t)
	db := postgresDatabase(databaseURL)
	tr := startTrial(t, start(t, 2, databaseURL), databaseURL, full())
	held := func() string { // sessions that PostgreSQL ended, the replica having frozen with the lock
		return db.strings(t, `SELECT sessions_fatal::text FROM pg_stat_database WHERE datname = current_database()`)[0]
	}
	for n := 0; n < times(8) || held() == "0"; n++ {
		if n == 30 {
			t.Fatal("no replica froze while it held the lock: nothing was shown")
		}
		tr.after(600)
		i := tr.pick()
		thaw := tr.inject(nemesis.Freeze(tr.members, i))
		// Its session may still be given the lock that it waits for.
		if status := tr.probe(1-i, 2*time.Second+slack).Status; status != http.StatusOK {
			t.Errorf("status %d of the other replica, want 200", status)
		}
		tr.Pause(2 * time.Second)
		thaw()
		tr.progress()
	}
	t.Logf("sessions ended by PostgreSQL, the replica having frozen with the lock: %s", held())
	tr.finishUnharmed()
}

// A frozen process keeps SQLite's lock, and no other can take it away. Until it goes
// on, the other replica answers its callers in time that nothing is stored.
func TestFaultFreezeSQLite(t *testing.T) {
	t.Parallel()
	db := sqliteDatabase(t.ArtifactDir() + "/messages.db")
	tr := startTrial(t, start(t, 2, db.url, "--request-timeout", "1s"), db.url, full())
	withLock := 0
	for n := 0; n < times(8) || withLock == 0; n++ {
		if n == 100 {
			t.Fatal("no replica froze while it held the lock: nothing was shown")
		}
		tr.after(200)
		i := tr.pick()
		thaw := tr.inject(nemesis.Freeze(tr.members, i))
		switch status := tr.probe(1-i, time.Second+slack).Status; status {
		case http.StatusOK:
		case http.StatusServiceUnavailable:
			withLock++
		default:
			t.Errorf("status %d of the other replica, want 200 or 503", status)
		}
		thaw()
		tr.progress()
	}
	t.Logf("frozen with the lock: %d times", withLock)
	tr.finishUnharmed()
}

//go:build linux

package e2e

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"time"

	"dummymessenger/internal/lab/labtest"
	"dummymessenger/internal/lab/nemesis"
	"dummymessenger/internal/lab/pgcluster"
)

// Replicas are killed under load, one after the other. Clients that repeat
// their requests notice nothing but a delay.
func TestFaultKillReplica(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, db database) {
		tr := startTrial(t, start(t, 2, db.url), db.url, calm())
		for range times(20) {
			tr.after(80)
			tr.inject(nemesis.Kill(tr.members, tr.pick()))()
			tr.progress()
		}
		tr.finishUnharmed()
	})
}

// SQLite's two processes share locks and memory. Killing one, or both, in the
// middle of commits frees the lock and leaves the file sound.
func TestFaultKillSQLite(t *testing.T) {
	t.Parallel()
	path := t.ArtifactDir() + "/messages.db"
	db := sqliteDatabase(path)
	tr := startTrial(t, start(t, 2, db.url), db.url, calm())
	for n := range times(50) {
		tr.after(24)
		i := tr.pick()
		restart := tr.inject(nemesis.Kill(tr.members, i))
		if n%5 == 4 { // and the other, too
			tr.inject(nemesis.Kill(tr.members, 1-i))()
		} else if status := tr.probe(1-i, 2*time.Second+slack).Status; status != http.StatusOK {
			t.Errorf("status %d of the other replica, want 200: the lock was not released", status)
		}
		if err := nemesis.IntegrityCheck(path); err != nil {
			t.Error(err)
		}
		restart()
	}
	tr.finishUnharmed()
}

// The whole PostgreSQL is shut down at once, or killed, and comes back.
func TestFaultKillPostgres(t *testing.T) {
	t.Parallel()
	cluster := labtest.Cluster(t, pgcluster.Config{})
	databaseURL := cluster.URL("postgres")
	tr := startTrial(t, start(t, 2, databaseURL), databaseURL, calm())
	for n := range times(10) {
		tr.after(120)
		end := nemesis.StopPostgres
		if n%2 == 1 {
			end = nemesis.KillPostgres
		}
		restart := tr.inject(end(cluster))
		tr.Pause(500 * time.Millisecond)
		restart()
		tr.progress()
	}
	tr.finishUnharmed()
}

// An operator turns synchronous_commit off for the whole server while replicas run, and
// the server is killed. No answered message is lost: first those of sessions from
// before the change, then those of sessions that began after it.
func TestFaultSynchronousCommitOff(t *testing.T) {
	t.Parallel()
	// A log that is not flushed by commits would be, by chance, soon afterwards.
	cluster := labtest.Cluster(t, pgcluster.Config{Settings: map[string]string{"wal_writer_delay": "10s"}})
	databaseURL := cluster.URL("postgres")
	tr := startTrial(t, start(t, 2, databaseURL), databaseURL, calm())
	must(t, cluster.Set(t.Context(), "synchronous_commit", "off"))
	for range max(2, times(5)) {
		tr.progress()
		tr.after(120)
		tr.inject(nemesis.KillPostgres(cluster))()
		tr.progress()
	}
	tr.finishUnharmed()
}

// Sessions of the replicas are terminated as an operator, or a pooler, does.
func TestFaultTerminateBackends(t *testing.T) {
	t.Parallel()
	databaseURL := labtest.Database(t)
	tr := startTrial(t, start(t, 2, databaseURL), databaseURL, calm())
	for range times(20) {
		tr.after(40)
		tr.inject(nemesis.TerminateSessions(databaseURL))()
		tr.progress()
	}
	tr.finishUnharmed()
}

// Every replica is restarted with SIGTERM, one after the other. Callers who
// look at /readyz see no failure at all, without trying anything twice.
func TestFaultRollingRestart(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, db database) {
		rs := start(t, 3, db.url, "--drain-delay", "2s")
		b := watch(t, rs.urls())
		var operations []operation
		var failures []error
		var loading sync.WaitGroup
		stop := make(chan struct{})
		stopLoad := sync.OnceFunc(func() { close(stop); loading.Wait() })
		defer stopLoad()
		loading.Go(func() { operations, failures = loadUntil(t.Context(), 8, stop, b.choose) })

		restarts := 0
		for range max(1, times(5)/2) {
			for i := range rs.members {
				rs.stop(i)
				rs.restart(i)
				restarts++
				eventually(t, "the balancer sees all replicas", func() bool { return len(b.choose()) == len(rs.members) })
			}
		}
		stopLoad()
		for _, err := range failures[:min(5, len(failures))] {
			t.Error(err)
		}
		table := db.table(t)
		t.Logf("%d × restart with SIGTERM; %d requests, %d failed; %d rows", restarts, len(operations), len(failures), len(table))
		mustHold(t, operations, table)
	})
}

// A balancer knows which replicas are ready.
type balancer struct {
	mu    sync.Mutex
	ready map[string]bool
}

// watch asks every replica for /readyz again and again until the test ends.
func watch(t *testing.T, urls []string) *balancer {
	b := &balancer{ready: map[string]bool{}}
	ctx, cancel := context.WithCancel(t.Context())
	var watching sync.WaitGroup
	t.Cleanup(func() { cancel(); watching.Wait() })
	for _, url := range urls {
		b.ready[url] = true // start has seen to that
	}
	for _, url := range urls {
		watching.Go(func() {
			for ctx.Err() == nil {
				asking, cancel := context.WithTimeout(ctx, time.Second)
				r, err := get(asking, url+"/readyz")
				cancel()
				b.mu.Lock()
				b.ready[url] = err == nil && r.status == http.StatusOK
				b.mu.Unlock()
				time.Sleep(20 * time.Millisecond)
			}
		})
	}
	return b
}

// choose is the replicas to choose from.
func (b *balancer) choose() (urls []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for url, ready := range b.ready {
		if ready {
			urls = append(urls, url)
		}
	}
	return urls
}

// The same with no drain and no look at /readyz: a refused caller tries another
// replica.
func TestFaultRollingRestartWithRetries(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, db database) {
		tr := startTrial(t, start(t, 2, db.url), db.url, calm())
		for range times(3) {
			for i := range tr.members {
				tr.inject(nemesis.Restart(tr.members, i))()
				tr.progress()
			}
		}
		tr.finishUnharmed()
	})
}

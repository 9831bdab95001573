//go:build linux

package e2e

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"dummymessenger/internal/lab/labtest"
	"dummymessenger/internal/lab/nemesis"
	"dummymessenger/internal/lab/pgcluster"
)

// publicDir is a folder that PostgreSQL's account can enter, as t.TempDir is not.
func publicDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "dummymessenger-e2e-")
	must(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	must(t, os.Chmod(dir, 0o755))
	return dir
}

func smallDisk(t *testing.T, size string) *nemesis.Disk {
	t.Helper()
	d, err := nemesis.MountDisk(publicDir(t), size)
	if err != nil {
		labtest.Missing(t, "root, to mount a small disk", err)
	}
	t.Cleanup(func() { must(t, d.Unmount()) })
	return d
}

// The disk under SQLite's file fills up and is given room again. Callers get the
// reason, and the replicas recover by themselves.
func TestFaultDiskFullSQLite(t *testing.T) {
	t.Parallel()
	d := smallDisk(t, "32m")
	databaseURL := "sqlite:" + filepath.Join(d.Dir, "messages.db")
	rs := start(t, 2, databaseURL)
	tr := startTrial(t, rs, databaseURL, calm())
	for range times(6) {
		tr.after(80)
		free := tr.inject(nemesis.FillDisk(d.Dir))
		eventually(t, "callers are told that the disk is full", func() bool {
			r := tr.probe(tr.pick(), 6*time.Second)
			return r.Status == http.StatusServiceUnavailable && strings.Contains(string(r.Body), "disk is full")
		})
		tr.Pause(500 * time.Millisecond)
		free()
		tr.progress()
	}
	tr.finishUnharmed()
}

// The disk of PostgreSQL's tables fills up.
func TestFaultDiskFullPostgres(t *testing.T) {
	t.Parallel()
	d := smallDisk(t, "128m")
	fillPostgres(t, d, pgcluster.Config{Dir: d.Dir, WALDir: publicDir(t), Settings: map[string]string{"max_wal_size": "8MB"}}, true)
}

// The disk of PostgreSQL's write-ahead log fills up. PostgreSQL crashes, and may not
// come up until there is room. The replicas need no restart.
func TestFaultDiskFullPostgresWAL(t *testing.T) {
	t.Parallel()
	d := smallDisk(t, "24m")
	fillPostgres(t, d, pgcluster.Config{WALDir: d.Dir, Settings: map[string]string{"min_wal_size": "2MB"}}, false)
}

func fillPostgres(t *testing.T, d *nemesis.Disk, config pgcluster.Config, told bool) {
	t.Helper()
	cluster := labtest.Cluster(t, config)
	databaseURL := cluster.URL("postgres")
	tr := startTrial(t, start(t, 2, databaseURL), databaseURL, calm())
	for range times(4) {
		tr.after(80)
		free := tr.inject(nemesis.FillDisk(d.Dir))
		eventually(t, "callers are refused", func() bool {
			up := switchWAL(t, databaseURL)
			r := tr.probe(tr.pick(), 6*time.Second)
			full := strings.Contains(string(r.Body), "disk is full")
			// If PostgreSQL has crashed and is too full to accept connections, callers
			// cannot get the reason.
			return r.Status == http.StatusServiceUnavailable && (full || !told || !up)
		})
		tr.Pause(500 * time.Millisecond)
		free()
		again := tr.Answered() + 64
		eventually(t, "requests are answered", func() bool {
			select {
			case <-cluster.Done(): // it gave up while there was no room
				t.Log("PostgreSQL has ended")
				must(t, cluster.Restart(t.Context()))
			default:
			}
			return tr.Answered() >= again
		})
	}
	tr.finishUnharmed()
}

// switchWAL makes PostgreSQL begin a new file of its write-ahead log, which may not fit
// on the disk. It reports whether PostgreSQL takes connections at all.
func switchWAL(t *testing.T, databaseURL string) (up bool) {
	conn, err := pgx.Connect(t.Context(), databaseURL)
	if err != nil {
		return false
	}
	defer conn.Close(t.Context())
	conn.Exec(t.Context(), "SELECT pg_switch_wal()") // its own answer is of no interest
	return true
}

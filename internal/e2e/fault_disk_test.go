//go:build linux

package e2e

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"dummymessenger/internal/pgcluster"
	"dummymessenger/internal/pgtest"
)

// A disk is a small file system of its own, in memory.
type disk struct {
	t   *testing.T
	dir string
}

// publicDir is a folder that PostgreSQL's account can enter, as t.TempDir is not.
func publicDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "dummymessenger-e2e-")
	must(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	must(t, os.Chmod(dir, 0o755))
	return dir
}

func smallDisk(t *testing.T, size string) *disk {
	t.Helper()
	dir := publicDir(t)
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size+",mode=755"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("needs a small disk: mount: %v", err)
		}
		t.Skipf("needs root, to mount a small disk: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return &disk{t, dir}
}

func (d *disk) ballast() string { return filepath.Join(d.dir, "ballast") }

// fill takes all the room that is left.
func (d *disk) fill() {
	d.t.Helper()
	f, err := os.Create(d.ballast())
	must(d.t, err)
	defer f.Close()
	for piece := 1 << 20; piece > 0; piece /= 2 {
		for {
			if _, err := f.Write(make([]byte, piece)); err != nil {
				break
			}
		}
	}
}

// free makes room again.
func (d *disk) free() {
	d.t.Helper()
	must(d.t, os.Remove(d.ballast()))
}

// The disk under SQLite's file fills up and is given room again: callers are
// told why, and the replicas go on by themselves.
func TestFaultDiskFullSQLite(t *testing.T) {
	t.Parallel()
	d := smallDisk(t, "32m")
	databaseURL := "sqlite:" + filepath.Join(d.dir, "messages.db")
	rs := start(t, 2, databaseURL)
	tr := startTrial(t, rs, databaseURL, calm())
	for range times(6) {
		tr.pause(200 * time.Millisecond)
		d.fill()
		tr.fault("disk full")
		eventually(t, "callers are told that the disk is full", func() bool {
			r := tr.probe(tr.pick(), 6*time.Second)
			return r.status == http.StatusServiceUnavailable && strings.Contains(string(r.body), "disk is full")
		})
		tr.pause(500 * time.Millisecond)
		d.free()
		tr.progress()
	}
	tr.finishUnharmed()
}

// The disk of PostgreSQL's tables fills up.
func TestFaultDiskFullPostgres(t *testing.T) {
	t.Parallel()
	d := smallDisk(t, "128m")
	fillPostgres(t, d, pgcluster.Config{Dir: d.dir, WALDir: publicDir(t), Settings: map[string]string{"max_wal_size": "8MB"}}, true)
}

// The disk of PostgreSQL's write-ahead log fills up, at which it crashes, and
// may end for good until there is room. The replicas need no restart.
func TestFaultDiskFullPostgresWAL(t *testing.T) {
	t.Parallel()
	d := smallDisk(t, "24m")
	fillPostgres(t, d, pgcluster.Config{WALDir: d.dir, Settings: map[string]string{"min_wal_size": "2MB"}}, false)
}

func fillPostgres(t *testing.T, d *disk, config pgcluster.Config, told bool) {
	t.Helper()
	cluster := pgtest.Cluster(t, config)
	databaseURL := cluster.URL("postgres")
	tr := startTrial(t, start(t, 2, databaseURL), databaseURL, calm())
	for range times(4) {
		tr.pause(200 * time.Millisecond)
		d.fill()
		tr.fault("disk full")
		eventually(t, "callers are refused", func() bool {
			up := switchWAL(t, databaseURL)
			r := tr.probe(tr.pick(), 6*time.Second)
			full := strings.Contains(string(r.body), "disk is full")
			// Where it has crashed, and has no room to let anybody in, nobody can
			// be told why.
			return r.status == http.StatusServiceUnavailable && (full || !told || !up)
		})
		tr.pause(500 * time.Millisecond)
		d.free()
		again := tr.load.Answered() + 64
		eventually(t, "requests are answered", func() bool {
			select {
			case <-cluster.Done(): // it gave up while there was no room
				tr.fault("PostgreSQL ended")
				must(t, cluster.Restart(t.Context()))
			default:
			}
			return tr.load.Answered() >= again
		})
	}
	tr.finishUnharmed()
}

// switchWAL has PostgreSQL begin a new file of its write-ahead log, for which
// there may be no room. It tells whether PostgreSQL takes connections at all.
func switchWAL(t *testing.T, databaseURL string) (up bool) {
	conn, err := pgx.Connect(t.Context(), databaseURL)
	if err != nil {
		return false
	}
	defer conn.Close(t.Context())
	conn.Exec(t.Context(), "SELECT pg_switch_wal()") // its own answer is of no interest
	return true
}

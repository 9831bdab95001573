//go:build linux

package e2e

import (
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sys/unix"

	"dummymessenger/internal/lab"
	"dummymessenger/internal/lab/labtest"
	"dummymessenger/internal/lab/nemesis"
	"dummymessenger/internal/lab/pgcluster"
)

// cuts is how often the power is cut.
func cuts() int {
	switch {
	case testing.Short():
		return 1
	case os.Getenv("E2E_LONG") == "1":
		return 50
	case os.Getenv("CI") == "true":
		return 10
	}
	return 3
}

func powerDisk(t *testing.T) *nemesis.PowerDisk {
	t.Helper()
	d, err := nemesis.NewPowerDisk(t.Context(), publicDir(t))
	if err != nil {
		labtest.Missing(t, "root, loop devices and btrfs-progs, to cut a disk's power", err)
	}
	t.Cleanup(func() { must(t, d.Close()) })
	return d
}

// The power of the database's machine is cut under load: its disk keeps what it had
// received and nothing else. Every answered message is there, and clients that repeat
// their requests notice nothing but a delay.
func TestFaultPowerCutPostgres(t *testing.T) {
	t.Parallel()
	d := powerDisk(t)
	cluster := labtest.Cluster(t, pgcluster.Config{Dir: d.Dir})
	must(t, d.Sync())
	databaseURL := cluster.URL("postgres")
	tr := startTrial(t, start(t, 2, databaseURL), databaseURL, full())
	for range cuts() {
		tr.progress()
		tr.Pause(300 * time.Millisecond)
		tr.inject(nemesis.CutPostgres(d, cluster))()
		tr.progress()
	}
	tr.finishUnharmed()
	amcheck(t, databaseURL)
}

// amcheck looks for damage in table and indexes.
func amcheck(t *testing.T, databaseURL string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), databaseURL)
	must(t, err)
	defer conn.Close(t.Context())
	_, err = conn.Exec(t.Context(), `CREATE EXTENSION amcheck`)
	must(t, err)
	var damaged int
	must(t, conn.QueryRow(t.Context(), `SELECT count(*) FROM verify_heapam('messages')`).Scan(&damaged))
	if damaged > 0 {
		t.Errorf("verify_heapam finds %d damages", damaged)
	}
	_, err = conn.Exec(t.Context(), `SELECT bt_index_check(indexrelid, true) FROM pg_index WHERE indrelid = 'messages'::regclass`)
	must(t, err)
}

// The same of the machine on which replicas share an SQLite file.
func TestFaultPowerCutSQLite(t *testing.T) {
	t.Parallel()
	d := powerDisk(t)
	path := filepath.Join(d.Dir, "messages.db")
	databaseURL := "sqlite:" + path
	rs := start(t, 2, databaseURL)
	must(t, d.Sync())
	tr := startTrial(t, rs, databaseURL, full())
	for range cuts() {
		tr.progress()
		tr.Pause(300 * time.Millisecond)
		tr.inject(nemesis.CutReplicas(d, tr.members))()
		if err := nemesis.IntegrityCheck(path); err != nil {
			t.Error(err)
		}
		tr.progress()
	}
	tr.finishUnharmed()
}

// What does not flush loses answered messages in a power cut, and these tests see it.
func TestPowerCutsAreFelt(t *testing.T) {
	t.Parallel()
	t.Run("PostgreSQL with fsync=off", func(t *testing.T) {
		t.Parallel()
		d := powerDisk(t)
		cluster := labtest.Cluster(t, pgcluster.Config{Dir: d.Dir, Settings: map[string]string{"fsync": "off"}})
		databaseURL := cluster.URL("postgres")
		rs := start(t, 2, databaseURL)
		must(t, d.Sync())
		tr := startTrial(t, rs, databaseURL, full())
		tr.inject(nemesis.CutPostgres(d, cluster))()
		mustDiffer(t, tr)
	})
	t.Run("SQLite without flushes", func(t *testing.T) {
		t.Parallel()
		d := powerDisk(t)
		databaseURL := "sqlite:" + filepath.Join(d.Dir, "messages.db")
		self, err := os.Executable()
		must(t, err)
		rs := startAs(t, 2, lab.ReplicaConfig{Database: databaseURL, Program: self, Env: []string{unflushed + "=" + program("server")}})
		must(t, d.Sync())
		tr := startTrial(t, rs, databaseURL, full())
		tr.inject(nemesis.CutReplicas(d, tr.members))()
		mustDiffer(t, tr)
	})
}

func mustDiffer(t *testing.T, tr *trial) {
	t.Helper()
	wrong, err := tr.Differences(t.Context())
	must(t, err)
	if len(wrong) == 0 {
		t.Error("no answered message is missing after a power cut, though nothing was flushed")
	}
	t.Logf("%d differences", len(wrong))
}

// unflushed is the variable that makes this program run another one whose flushes
// do nothing.
const unflushed = "E2E_UNFLUSHED"

// runUnflushed runs the program that the environment names, if it does, under a filter
// (seccomp(2)) that makes every flush succeed at once.
func runUnflushed() error {
	path := os.Getenv(unflushed)
	if path == "" {
		return nil
	}
	runtime.LockOSThread()
	flushes := []uint32{unix.SYS_FSYNC, unix.SYS_FDATASYNC, unix.SYS_SYNC_FILE_RANGE, unix.SYS_MSYNC, unix.SYS_SYNCFS}
	filter := []unix.SockFilter{{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS}} // the call's number
	for i, call := range flushes {
		filter = append(filter, unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: call, Jt: uint8(len(flushes) - i)})
	}
	filter = append(filter, unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
		unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO}) // of 0: success
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return os.NewSyscallError("prctl", err)
	}
	if err := unix.Prctl(unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(&program)), 0, 0); err != nil {
		return os.NewSyscallError("seccomp", err)
	}
	os.Unsetenv(unflushed)
	return syscall.Exec(path, append([]string{path}, os.Args[1:]...), os.Environ())
}

package e2e

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"dummymessenger/internal/lab"
	"dummymessenger/internal/lab/labtest"
)

// patience is how long anything that must happen may take. Nothing is timed
// by it; it only ends a test that would hang.
const patience = time.Minute

// bin is the folder of the programs under test.
var bin string

func TestMain(m *testing.M) {
	signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP) // or children would ignore it where we were started so, as by nohup
	os.Exit(func() int {
		var err error
		if bin, err = os.MkdirTemp("", "dummymessenger-e2e-"); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(bin)
		args := append(buildFlags, "dummymessenger/cmd/...", "dummymessenger/examples/go")
		if err := lab.Build(context.Background(), bin, args...); err != nil {
			fmt.Fprintln(os.Stderr, "building the programs:", err)
			return 1
		}
		return labtest.Run(m)
	}())
}

func program(name string) string { return lab.Program(bin, name) }

// onEachDatabase runs a test on a new, empty database of each kind.
func onEachDatabase(t *testing.T, test func(t *testing.T, db database)) {
	t.Helper()
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, sqliteDatabase(filepath.Join(t.ArtifactDir(), "messages.db")))
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		test(t, postgresDatabase(labtest.Database(t)))
	})
}

// replicas are the server processes of one test on one database.
type replicas struct {
	t       *testing.T
	dir     string // of their logs: evidence, if the test fails
	members lab.Replicas
}

// start starts n replicas at the same instant and waits until all are ready.
// At the end of the test those that still run must stop in order.
func start(t *testing.T, n int, databaseURL string, args ...string) *replicas {
	t.Helper()
	return startAs(t, n, lab.ReplicaConfig{Database: databaseURL, Args: args})
}

// startAs is start for replicas that need more than a database and arguments.
func startAs(t *testing.T, n int, config lab.ReplicaConfig) *replicas {
	t.Helper()
	rs := &replicas{t: t, dir: t.ArtifactDir()}
	t.Cleanup(rs.finish)
	config.Program, config.Dir, config.Log = cmp.Or(config.Program, program("server")), rs.dir, filepath.Join(rs.dir, "replica-*.log")
	var err error
	rs.members, err = lab.StartReplicas(n, config)
	must(t, err)
	rs.waitReady()
	return rs
}

func (rs *replicas) waitReady() {
	rs.t.Helper()
	ctx, cancel := context.WithTimeout(rs.t.Context(), patience)
	defer cancel()
	must(rs.t, rs.members.WaitReady(ctx))
}

// urls are the replicas' addresses.
func (rs *replicas) urls() []string { return rs.members.URLs() }

// stop asks replica i to end, which it must do with exit status 0.
func (rs *replicas) stop(i int) {
	rs.t.Helper()
	if err := rs.members[i].Stop(syscall.SIGTERM, patience); err != nil {
		rs.t.Errorf("replica %d, asked to stop: %v", i+1, err)
	}
}

// mustEnd waits for the end of replica i, which was asked to stop already: a
// second request would kill it.
func (rs *replicas) mustEnd(i int) {
	rs.t.Helper()
	select {
	case <-rs.members[i].Done():
	case <-time.After(patience):
		rs.t.Fatalf("replica %d, asked to stop, still runs", i+1)
	}
	if err := rs.members[i].Wait(); err != nil {
		rs.t.Errorf("replica %d, asked to stop: %v", i+1, err)
	}
}

// kill ends replica i without warning, as kill -9 does.
func (rs *replicas) kill(i int) { rs.members[i].Stop(os.Kill, patience) }

// restart starts replica i, which has ended, again on its address.
func (rs *replicas) restart(i int) {
	rs.t.Helper()
	ctx, cancel := context.WithTimeout(rs.t.Context(), patience)
	defer cancel()
	must(rs.t, rs.members.Restart(ctx, i))
}

// finish stops what still runs and looks for what no log may hold.
func (rs *replicas) finish() {
	if err := rs.members.Stop(patience); err != nil {
		rs.t.Error(err)
	}
	for i, r := range rs.members {
		log := r.LogTail(1 << 20)
		for _, bad := range []string{"DATA RACE", "panic:", "goroutine "} {
			if strings.Contains(log, bad) {
				rs.t.Errorf("replica %d's log holds %q", i+1, bad)
			}
		}
		if rs.t.Failed() {
			rs.t.Logf("replica %d's log ends (go test -artifacts keeps it all):\n%s", i+1, r.LogTail(40))
		}
	}
}

// startFails starts one replica, which must end by itself with an exit status
// other than 0, and returns what it said.
func startFails(t *testing.T, databaseURL string) string {
	t.Helper()
	dir := t.ArtifactDir()
	r, err := lab.StartReplica(lab.ReplicaConfig{
		Program: program("server"), Database: databaseURL, Log: filepath.Join(dir, "refused.log"), Dir: dir,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Stop(os.Kill, 0) })
	select {
	case <-r.Done():
	case <-time.After(patience):
		t.Fatalf("the server still runs; its log:\n%s", r.LogTail(40))
	}
	log := r.LogTail(40)
	if r.Wait() == nil {
		t.Errorf("exit status 0; its log:\n%s", log)
	}
	for _, bad := range []string{"DATA RACE", "panic:", "goroutine "} {
		if strings.Contains(log, bad) {
			t.Errorf("the server's log holds %q:\n%s", bad, log)
		}
	}
	return log
}

// eventually waits until condition holds.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !condition(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within %v", what, patience)
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

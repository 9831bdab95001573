// Package pgtest gives tests a PostgreSQL database of their own.
//
// The server is the one that the environment variable
// DUMMYMESSENGER_TEST_POSTGRES names (a URL of a role that may create
// databases), else a throw-away cluster that the first test to ask for it
// starts and all tests of one test binary share. Where there is neither, the
// test is skipped, or fails if the environment says CI=true.
//
// A package whose tests use it needs
//
//	func TestMain(m *testing.M) { pgtest.Main(m) }
package pgtest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/signal"
	"strings"
	"sync"
	"testing"
	"time"

	"dummymessenger/internal/pgcluster"
	"dummymessenger/internal/shutdown"

	"github.com/jackc/pgx/v5"
)

// Env names the variable that holds the URL of a server for tests.
const Env = "DUMMYMESSENGER_TEST_POSTGRES"

const timeout = time.Minute // for whatever a test waits for here

// shared is the test binary's cluster.
var shared struct {
	managed bool // set by Run, before any test

	mu      sync.Mutex
	started bool
	cluster *pgcluster.Cluster // nil before the first use, and where none could be started
	err     error
}

// Main runs the tests and then stops the cluster, if they started one.
func Main(m *testing.M) {
	os.Exit(Run(m))
}

// Run is Main for a TestMain that has more to do: it returns the exit code.
func Run(m *testing.M) int {
	shared.managed = true
	defer stop()
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, shutdown.Signals()...)
	defer signal.Stop(interrupted)
	go func() {
		<-interrupted
		stop()
		os.Exit(130)
	}()
	return m.Run()
}

func stop() {
	shared.mu.Lock()
	defer shared.mu.Unlock()
	if shared.cluster == nil {
		return
	}
	if err := shared.cluster.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, "pgtest: stopping the cluster:", err)
	}
	shared.cluster = nil
}

// Database creates an empty database and returns its URL. When the test ends
// the database is dropped, with whoever is still connected to it.
func Database(t testing.TB) string {
	t.Helper()
	admin := os.Getenv(Env)
	if admin == "" {
		admin = sharedCluster(t).URL("postgres")
	}
	u, err := url.Parse(admin)
	if err != nil || !strings.HasPrefix(u.Scheme, "postgres") {
		t.Fatalf("%s is not a postgres:// URL", Env) // nor is it shown: it may hold a password
	}
	name := "test_" + strings.ToLower(rand.Text())
	execute(t, admin, "CREATE DATABASE "+name)
	t.Cleanup(func() { execute(t, admin, "DROP DATABASE "+name+" WITH (FORCE)") })
	u.Path = "/" + name
	return u.String()
}

// Cluster starts a cluster for this test alone, which may crash it. It is
// stopped when the test ends.
func Cluster(t testing.TB, config pgcluster.Config) *pgcluster.Cluster {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	c, err := pgcluster.Start(ctx, config)
	if err != nil {
		unavailable(t, err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("PostgreSQL's log ends:\n%s", c.LogTail(30))
		}
		if err := c.Stop(); err != nil {
			t.Errorf("stopping PostgreSQL: %v", err)
		}
	})
	return c
}

func sharedCluster(t testing.TB) *pgcluster.Cluster {
	t.Helper()
	if !shared.managed {
		t.Fatal("the package's TestMain must call pgtest.Main, or nobody would stop the cluster")
	}
	shared.mu.Lock()
	defer shared.mu.Unlock()
	if !shared.started {
		shared.started = true
		ctx, cancel := context.WithTimeout(context.Background(), timeout)
		defer cancel()
		shared.cluster, shared.err = pgcluster.Start(ctx, pgcluster.Config{
			Settings: map[string]string{"max_connections": "300"}, // many tests at once
		})
	}
	if shared.err != nil {
		unavailable(t, shared.err)
	}
	return shared.cluster
}

// unavailable ends a test that could not get a server: only a machine without
// PostgreSQL that is not CI may do without.
func unavailable(t testing.TB, err error) {
	t.Helper()
	if errors.Is(err, pgcluster.ErrNotInstalled) && os.Getenv("CI") != "true" {
		t.Skipf("needs PostgreSQL: %v; or set %s to the URL of a server", err, Env)
	}
	t.Fatalf("needs PostgreSQL: %v", err)
}

// execute runs one statement. It has a context of its own because a test's
// context has ended when its Cleanup runs.
func execute(t testing.TB, databaseURL, statement string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	conn, err := pgx.Connect(ctx, databaseURL)
	if err != nil {
		t.Fatalf("connecting to the test server: %v", err)
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

package pgcluster_test

import (
	"context"
	"errors"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dummymessenger/internal/lab/labtest"
	"dummymessenger/internal/lab/pgcluster"

	"github.com/jackc/pgx/v5"
)

func TestMain(m *testing.M) { labtest.Main(m) }

func connect(t *testing.T, databaseURL string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

func value(t *testing.T, conn *pgx.Conn, query string) (s string) {
	t.Helper()
	if err := conn.QueryRow(t.Context(), query).Scan(&s); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return s
}

// What is measured and promised on a cluster holds only if it flushes.
func TestClusterIsDurable(t *testing.T) {
	t.Parallel()
	c := labtest.Cluster(t, pgcluster.Config{Settings: map[string]string{"work_mem": "7MB"}})
	conn := connect(t, c.URL("postgres"))
	for setting, want := range map[string]string{
		"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "server_encoding": "UTF8",
		"work_mem": "7MB",
	} {
		if got := value(t, conn, "SHOW "+setting); got != want {
			t.Errorf("%s = %s, want %s", setting, got, want)
		}
	}
}

func TestCrashAndRestart(t *testing.T) {
	t.Parallel()
	c := labtest.Cluster(t, pgcluster.Config{})
	databaseURL, err := c.CreateDatabase(t.Context(), `odd "name"`)
	if err != nil {
		t.Fatal(err)
	}
	before := connect(t, databaseURL)
	if _, err := before.Exec(t.Context(), "CREATE TABLE t AS SELECT 'kept' AS v"); err != nil {
		t.Fatal(err)
	}
	if err := c.Restart(t.Context()); err == nil {
		t.Error("Restart of a running cluster succeeded")
	}

	if err := c.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := before.Ping(t.Context()); err == nil {
		t.Error("a connection outlived the crash")
	}
	if conn, err := pgx.Connect(t.Context(), databaseURL); err == nil {
		conn.Close(t.Context())
		t.Error("the crashed cluster takes connections")
	}

	if err := c.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := value(t, connect(t, databaseURL), "SELECT v FROM t"); got != "kept" {
		t.Errorf("after the crash the table holds %q, want %q", got, "kept")
	}
}

func TestStopLeavesNothing(t *testing.T) {
	t.Parallel()
	c := labtest.Cluster(t, pgcluster.Config{})
	conn := connect(t, c.URL("postgres")) // and a fast shutdown does not wait for it
	dir := filepath.Dir(value(t, conn, "SHOW data_directory"))
	u, err := url.Parse(c.URL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Stop(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the cluster's folder is still there: %v", err)
	}
	if conn, err := net.Dial("tcp", u.Host); err == nil {
		conn.Close()
		t.Error("the cluster's port still takes connections")
	}
	if err := c.Stop(); err != nil {
		t.Errorf("a second Stop: %v", err)
	}
}

// A setting that the server refuses is an error that says so.
func TestBadSetting(t *testing.T) {
	t.Parallel()
	labtest.Database(t) // skips where there is no PostgreSQL
	_, err := pgcluster.Start(t.Context(), pgcluster.Config{Settings: map[string]string{"max_connections": "none"}})
	if err == nil {
		t.Fatal("Start succeeded with an impossible setting")
	}
	if want := `invalid value for parameter "max_connections"`; !strings.Contains(err.Error(), want) {
		t.Errorf("Start = %v, want an error with PostgreSQL's reason, %s", err, want)
	}
}

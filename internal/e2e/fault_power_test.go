//go:build linux

package e2e

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

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
		tr.after(600)
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
		tr.after(600)
		tr.inject(nemesis.CutReplicas(d, tr.members))()
		if err := nemesis.IntegrityCheck(path); err != nil {
			t.Error(err)
		}
		tr.progress()
	}
	tr.finishUnharmed()
}

// Whatever weakens the flush of a commit loses answered messages in a power cut, and
// these tests see it.
func TestPowerCutsAreFelt(t *testing.T) {
	t.Parallel()
	const (
		session = "internal/store/postgres/session.go"
		writer  = "internal/store/postgres/writer.go"
		conn    = "internal/store/sqlite/conn.go"
	)
	early := []edit{ // answers, and commits a while later
		{writer, `batch.Queue("COMMIT").Exec(func(t pgconn.CommandTag) error {
		tag = t.String()`, `batch.Queue("SELECT 1").Exec(func(pgconn.CommandTag) error {
		tag = "COMMIT"`},
		{writer, `batch.Queue(beginSQL)`, `time.Sleep(50 * time.Millisecond); batch.Queue("COMMIT"); batch.Queue(beginSQL)`},
		{session, `milliseconds(idleInTransactionTimeout),`, `"0",`}, // or it would be felt before the cut
	}
	for name, test := range map[string]struct {
		settings map[string]string // of PostgreSQL
		edits    []edit            // of the server's source
	}{
		"PostgreSQL with fsync=off": {settings: map[string]string{"fsync": "off"}},
		"PostgreSQL with synchronous_commit=off": {
			map[string]string{"synchronous_commit": "off", "wal_writer_delay": "10s"}, []edit{{session, `THEN 'on' ELSE`, `THEN 'off' ELSE`}},
		},
		"PostgreSQL, answers before the commit": {edits: early},
		"SQLite with synchronous=OFF":           {edits: []edit{{conn, `"synchronous", "FULL", "2"`, `"synchronous", "OFF", "0"`}}},
		"SQLite with synchronous=NORMAL":        {edits: []edit{{conn, `"synchronous", "FULL", "2"`, `"synchronous", "NORMAL", "1"`}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := powerDisk(t)
			databaseURL := "sqlite:" + filepath.Join(d.Dir, "messages.db")
			var cluster *pgcluster.Cluster
			if strings.HasPrefix(name, "PostgreSQL") {
				cluster = labtest.Cluster(t, pgcluster.Config{Dir: d.Dir, Settings: test.settings})
				databaseURL = cluster.URL("postgres")
			}
			rs := startAs(t, 1, lab.ReplicaConfig{Database: databaseURL, Program: mutant(t, test.edits)})
			if cluster != nil {
				checkpoint(t, databaseURL) // or the table itself may be lost, and nothing is left to compare
			}
			must(t, d.Sync())
			tr := startTrial(t, rs, databaseURL, full())
			if cluster != nil {
				tr.inject(nemesis.CutPostgres(d, cluster))()
			} else {
				tr.inject(nemesis.CutReplicas(d, tr.members))()
			}
			mustDiffer(t, tr)
		})
	}
}

func checkpoint(t *testing.T, databaseURL string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), databaseURL)
	must(t, err)
	defer conn.Close(t.Context())
	_, err = conn.Exec(t.Context(), "CHECKPOINT")
	must(t, err)
}

func mustDiffer(t *testing.T, tr *trial) {
	t.Helper()
	wrong, err := tr.Differences(t.Context())
	must(t, err)
	if len(wrong) == 0 {
		t.Error("no answered message is missing")
	}
	t.Logf("%d differences", len(wrong))
}

// An edit is a fault in a file of the server's source.
type edit struct{ file, from, to string }

// mutant builds the server with edits, and returns the program's path.
func mutant(t *testing.T, edits []edit) string {
	t.Helper()
	if edits == nil {
		return program("server")
	}
	dir := t.TempDir()
	overlay := struct{ Replace map[string]string }{map[string]string{}} // go help build
	for i, e := range edits {
		original, err := filepath.Abs(filepath.Join("../..", e.file))
		must(t, err)
		edited := filepath.Join(dir, fmt.Sprint(i, ".go"))
		source, err := os.ReadFile(cmp.Or(overlay.Replace[original], original))
		must(t, err)
		changed := strings.Replace(string(source), e.from, e.to, 1)
		if changed == string(source) {
			t.Fatalf("%s does not hold %q any more", e.file, e.from)
		}
		must(t, os.WriteFile(edited, []byte(changed), 0o600))
		overlay.Replace[original] = edited
	}
	description, err := json.Marshal(overlay)
	must(t, err)
	must(t, os.WriteFile(filepath.Join(dir, "overlay"), description, 0o600))
	must(t, lab.Build(t.Context(), dir, append(slices.Clone(buildFlags), "-overlay", filepath.Join(dir, "overlay"), "dummymessenger/cmd/server")...))
	return lab.Program(dir, "server")
}

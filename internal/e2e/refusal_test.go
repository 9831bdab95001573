package e2e

import (
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"dummymessenger/internal/lab/labtest"
	"dummymessenger/internal/lab/pgcluster"
)

// A server that cannot have its database says so and ends.
func TestDatabaseNotThere(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := l.Addr().String()
	l.Close()
	folder := filepath.Join(t.TempDir(), "no", "such", "folder")
	for name, tt := range map[string]struct{ url, want string }{
		"nobody listens":  {"postgres://user:s3cret@" + nobody + "/messages", "database"},
		"missing folder":  {"sqlite:" + filepath.Join(folder, "messages.db"), folder},
		"unknown scheme":  {"mysql://user:s3cret@127.0.0.1/messages", "mysql"},
		"not a URL":       {"postgres://user:s3cret@[::1/messages", "database"},
		"sqlite, no path": {"sqlite:", "sqlite"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			log := startFails(t, tt.url)
			if !strings.Contains(log, tt.want) {
				t.Errorf("the log does not mention %q:\n%s", tt.want, log)
			}
			if strings.Contains(log, "s3cret") {
				t.Errorf("the log holds the password:\n%s", log)
			}
		})
	}
}

// A file that is no database stays as it is.
func TestNotADatabase(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "notes.txt")
	notes := []byte(strings.Repeat("these are my notes\n", 1000))
	if err := os.WriteFile(path, notes, 0o644); err != nil {
		t.Fatal(err)
	}
	if log := startFails(t, "sqlite:"+path); !strings.Contains(log, "not a database") {
		t.Errorf("the log does not say that it is not a database:\n%s", log)
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != string(notes) {
		t.Errorf("the file was changed (or: %v)", err)
	}
}

// A messages table of somebody else's is an error, and nothing is touched.
func TestForeignTable(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, db database) {
		db.exec(t, "CREATE TABLE messages (id integer, body text)")
		db.exec(t, "INSERT INTO messages VALUES (1, 'mine')")
		relations := "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY 1"
		if strings.HasPrefix(db.url, "sqlite") {
			relations = "SELECT name || coalesce(sql, '') FROM sqlite_schema ORDER BY 1"
		}
		before := db.strings(t, relations)

		if log := startFails(t, db.url); !strings.Contains(log, "messages") {
			t.Errorf("the log does not mention the table:\n%s", log)
		}
		if after := db.strings(t, relations); !slices.Equal(after, before) {
			t.Errorf("the database now holds %q, held %q", after, before)
		}
		if rows := db.strings(t, "SELECT body FROM messages"); !slices.Equal(rows, []string{"mine"}) {
			t.Errorf("the table now holds %q", rows)
		}
	})
}

// While PostgreSQL is away nothing is stored, and callers are refused in time. When it
// is back the replicas go on without a restart.
func TestDatabaseGoneWhileRunning(t *testing.T) {
	t.Parallel()
	cluster := labtest.Cluster(t, pgcluster.Config{})
	databaseURL, err := cluster.CreateDatabase(t.Context(), "messages")
	if err != nil {
		t.Fatal(err)
	}
	db := postgresDatabase(databaseURL)
	rs := start(t, 2, databaseURL)
	urls := rs.urls()
	for _, url := range urls {
		mustPost(t, url, "sender", "before", "")
	}

	if err := cluster.Kill(); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for i := range 6 {
		wg.Go(func() { mustRefuse(t, urls[i%2]) })
	}
	wg.Wait()
	for _, url := range urls {
		wantStatus(t, url+"/readyz", http.StatusServiceUnavailable)
		wantStatus(t, url+"/livez", http.StatusOK)
	}

	if err := cluster.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	rs.waitReady()
	for _, url := range urls {
		mustPost(t, url, "sender", "after", "")
	}
	var texts []string
	for _, m := range db.table(t) {
		texts = append(texts, m.Text)
	}
	if want := []string{"before", "before", "after", "after"}; !slices.Equal(texts, want) {
		t.Errorf("the table holds %q, want %q", texts, want)
	}
}

// mustRefuse sends a message while the database is gone.
func mustRefuse(t *testing.T, replicaURL string) {
	const requestTimeout = 5 * time.Second // the server's default
	called := time.Now()
	r, err := post(t.Context(), replicaURL, "sender", "meanwhile", "")
	if err != nil {
		t.Error(err)
		return
	}
	if took := time.Since(called); took > requestTimeout+time.Second+slack {
		t.Errorf("the refusal took %v, want the request timeout, %v, at most", took, requestTimeout)
	}
	p, retry := r.problem(t), r.header.Get("Retry-After")
	if r.status != http.StatusServiceUnavailable || p.Outcome != "not_stored" || retry == "" {
		t.Errorf("status %d, outcome %q, Retry-After %q, want 503, not_stored and some time", r.status, p.Outcome, retry)
	}
	for _, internal := range []string{"127.0.0.1", "postgres", "SQLSTATE", "dial"} {
		if strings.Contains(string(r.body), internal) {
			t.Errorf("the refusal holds %q: %s", internal, r.body)
		}
	}
}

func wantStatus(t *testing.T, url string, want int) {
	t.Helper()
	r, err := get(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	if r.status != want {
		t.Errorf("GET %s: status %d, want %d; body %q", url, r.status, want, r.body)
	}
}

package labtest

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"net/url"
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"dummymessenger/internal/lab/pgcluster"
	"dummymessenger/internal/program"

	"github.com/jackc/pgx/v5"
)

// Env names the variable that holds the URL of a server for tests.
const Env = "DUMMYMESSENGER_TEST_POSTGRES"

const timeout = time.Minute // for whatever a test waits for here

// shared is what the tests of one binary share.
var shared struct {
	managed bool // set by Run, before any test

	mu       sync.Mutex
	template *pgcluster.Template // of all clusters but Stranger's
	cluster  *pgcluster.Cluster  // of all databases
	schemas  *schemas
	err      error // why one of these cannot be had
}

// Main runs the tests and then stops the cluster, if they started one.
func Main(m *testing.M) {
	os.Exit(Run(m))
}

// Run is Main for a TestMain that has more to do: it returns the exit code.
func Run(m *testing.M) int {
	overlap()
	shared.managed = true
	defer stop()
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, program.Signals()...)
	defer signal.Stop(interrupted)
	go func() {
		<-interrupted
		stop()
		os.Exit(130)
	}()
	return m.Run()
}

// overlap runs twice as many tests at once as there are processors, unless
// -parallel says how many: they wait for time-outs and other programs more than
// they compute.
func overlap() {
	flag.Parse()
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "test.parallel" })
	if !given {
		flag.Set("test.parallel", strconv.Itoa(2*runtime.GOMAXPROCS(0)))
	}
}

func stop() {
	shared.mu.Lock()
	defer shared.mu.Unlock()
	if shared.cluster != nil {
		complain("stopping the cluster", shared.cluster.Stop())
	} else if shared.schemas != nil {
		complain("dropping the schemas", run(os.Getenv(Env), drop(shared.schemas.database)))
	}
	if shared.template != nil {
		complain("removing the cluster's template", shared.template.Remove())
	}
	shared.cluster, shared.schemas, shared.template = nil, nil, nil
}

func complain(doing string, err error) {
	if err != nil {
		fmt.Fprintf(os.Stderr, "labtest: %s: %v\n", doing, err)
	}
}

// Database creates an empty database and returns its URL. When the test ends
// the database is dropped, with whoever is still connected to it.
func Database(t testing.TB) string {
	t.Helper()
	admin := server(t)
	u, err := create(admin)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { execute(t, admin, drop(u)) })
	return u.String()
}

// Schema creates an empty schema in a database that the tests of one binary share,
// and returns the URL of which it is the search_path. That takes a tenth of the time
// that Database takes. The schema stays until all tests have ended.
func Schema(t testing.TB) string {
	t.Helper()
	admin := server(t)
	s := share(t, &shared.schemas, func(ctx context.Context) (*schemas, error) {
		database, err := create(admin)
		if err != nil {
			return nil, err
		}
		session, err := pgx.Connect(ctx, database.String())
		return &schemas{database: database, session: session}, err
	})
	u, err := s.add()
	if err != nil {
		t.Fatal(err)
	}
	return u.String()
}

// schemas is the database of all schemas.
type schemas struct {
	database *url.URL

	mu      sync.Mutex
	session *pgx.Conn // one for all, since a new one takes longer than CREATE SCHEMA
}

func (s *schemas) add() (*url.URL, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	name := newName()
	if _, err := s.session.Exec(ctx, "CREATE SCHEMA "+name); err != nil {
		return nil, err
	}
	u := *s.database
	query := u.Query()
	query.Set("search_path", name)
	u.RawQuery = query.Encode()
	return &u, nil
}

// server returns the URL of the server for databases.
func server(t testing.TB) string {
	t.Helper()
	admin := os.Getenv(Env)
	if admin == "" {
		return sharedCluster(t).URL("postgres")
	}
	if u, err := url.Parse(admin); err != nil || !strings.HasPrefix(u.Scheme, "postgres") {
		t.Fatalf("%s is not a postgres:// URL", Env) // nor is it shown: it may hold a password
	}
	return admin
}

// create creates a database on the server admin.
func create(admin string) (*url.URL, error) {
	u, err := url.Parse(admin)
	if err != nil {
		return nil, err
	}
	u.Path = "/" + newName()
	return u, run(admin, "CREATE DATABASE "+u.Path[1:])
}

func drop(database *url.URL) string { return "DROP DATABASE " + database.Path[1:] + " WITH (FORCE)" }

func newName() string { return "test_" + strings.ToLower(rand.Text()) }

// Cluster starts a cluster for this test alone, which may crash it. It is
// stopped when the test ends. Its data began as a copy of a template, so it has
// the password and the system identifier of every other one; Stranger has not.
func Cluster(t testing.TB, config pgcluster.Config) *pgcluster.Cluster {
	t.Helper()
	config.Template = template(t)
	return startCluster(t, config)
}

// Stranger starts a cluster that has nothing in common with any other.
func Stranger(t testing.TB) *pgcluster.Cluster {
	t.Helper()
	return startCluster(t, pgcluster.Config{})
}

func startCluster(t testing.TB, config pgcluster.Config) *pgcluster.Cluster {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	c, err := pgcluster.Start(ctx, config)
	if err != nil {
		unavailable(t, err)
	}
	atEnd(t, c.Stop, c)
	return c
}

// Pair starts a primary and its standby for this test alone.
func Pair(t testing.TB) *pgcluster.Pair {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	p, err := pgcluster.StartPair(ctx, pgcluster.Config{Template: template(t)})
	if err != nil {
		unavailable(t, err)
	}
	atEnd(t, p.Stop, p.Primary, p.Standby)
	return p
}

// atEnd stops clusters at the end of the test, and shows the logs if it failed.
func atEnd(t testing.TB, stop func() error, clusters ...*pgcluster.Cluster) {
	t.Cleanup(func() {
		if t.Failed() {
			for _, c := range clusters {
				t.Logf("PostgreSQL's log ends:\n%s", c.LogTail(30))
			}
		}
		if err := stop(); err != nil {
			t.Errorf("stopping PostgreSQL: %v", err)
		}
	})
}

// template is made by the first test that asks.
func template(t testing.TB) *pgcluster.Template {
	t.Helper()
	return share(t, &shared.template, pgcluster.NewTemplate)
}

func sharedCluster(t testing.TB) *pgcluster.Cluster {
	t.Helper()
	from := template(t)
	return share(t, &shared.cluster, func(ctx context.Context) (*pgcluster.Cluster, error) {
		return pgcluster.Start(ctx, pgcluster.Config{
			Settings: map[string]string{
				"max_connections": "300", // many tests at once
				"fsync":           "off", // no test may crash it
			},
			Template: from,
		})
	})
}

// share returns *what, which the first test that asks makes.
func share[T any](t testing.TB, what **T, make func(context.Context) (*T, error)) *T {
	t.Helper()
	if !shared.managed {
		t.Fatal("the package's TestMain must call labtest.Main, or nobody would stop the cluster")
	}
	shared.mu.Lock()
	defer shared.mu.Unlock()
	if *what == nil && shared.err == nil {
		ctx, cancel := context.WithTimeout(context.Background(), timeout)
		defer cancel()
		*what, shared.err = make(ctx)
	}
	if shared.err != nil {
		unavailable(t, shared.err)
	}
	return *what
}

// unavailable ends a test that could not get a server: only a machine without
// PostgreSQL that is not CI may do without.
func unavailable(t testing.TB, err error) {
	t.Helper()
	if errors.Is(err, pgcluster.ErrNotInstalled) {
		Missing(t, "PostgreSQL", fmt.Errorf("%w; or set %s to the URL of a server", err, Env))
	}
	t.Fatalf("starting PostgreSQL: %v", err)
}

// execute runs one statement, also in a Cleanup.
func execute(t testing.TB, databaseURL, statement string) {
	t.Helper()
	if err := run(databaseURL, statement); err != nil {
		t.Fatal(err)
	}
}

// run has a context of its own because a test's context has ended when its Cleanup runs.
func run(databaseURL, statement string) error {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	conn, err := pgx.Connect(ctx, databaseURL)
	if err != nil {
		return fmt.Errorf("connecting to the test server: %w", err)
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, statement); err != nil {
		return fmt.Errorf("%s: %w", statement, err)
	}
	return nil
}

package postgres

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	neturl "net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"dummymessenger/internal/lab/labtest"
	"dummymessenger/internal/lab/pgcluster"
	"dummymessenger/internal/messenger"
	"dummymessenger/internal/store/storetest"
)

func TestMain(m *testing.M) { labtest.Main(m) }

// unflushed is a cluster that no test crashes.
var unflushed = pgcluster.Config{Settings: map[string]string{"fsync": "off"}}

func TestConformance(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Log {
		url := labtest.Schema(t)
		return func(ctx context.Context) (messenger.Store, error) {
			return Open(ctx, url, slog.New(slog.DiscardHandler))
		}
	})
}

// open opens a replica's store, and fails the test if that takes longer than a minute.
func open(t *testing.T, url string) *Store {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	s, err := Open(ctx, url, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// execute runs sql in the database beside the store; also in a Cleanup.
func execute(t *testing.T, url, sql string, args ...any) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
	defer cancel()
	if _, err := session(ctx, t, url).Exec(ctx, sql, args...); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// sessions are those of execute by URL. To open one takes longer than most statements.
var sessions sync.Map

// session returns execute's session at url, which ends with the test.
func session(ctx context.Context, t *testing.T, url string) *pgx.Conn {
	t.Helper()
	if conn, ok := sessions.Load(url); ok {
		return conn.(*pgx.Conn)
	}
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	sessions.Store(url, conn)
	t.Cleanup(func() {
		sessions.Delete(url)
		conn.Close(context.WithoutCancel(t.Context()))
	})
	return conn
}

// emptyFor returns the URL of an empty schema for sql: public, in a database of its own,
// if sql names that.
func emptyFor(t *testing.T, sql string) string {
	t.Helper()
	if strings.Contains(sql, "public") {
		return labtest.Database(t)
	}
	return labtest.Schema(t)
}

func appendText(ctx context.Context, s messenger.Store, text string) (messenger.Message, error) {
	appended, err := s.Append(ctx, func() []messenger.Draft {
		return []messenger.Draft{{ID: messenger.KeyID(text), Sender: "Анна", Text: text}}
	})
	if err != nil {
		return messenger.Message{}, err
	}
	return appended.Results[0].Message, nil
}

func TestDatesDoNotDecreaseWhenTheClockIsSetBack(t *testing.T) {
	t.Parallel()
	url := labtest.Schema(t)
	s := open(t, url)
	first, err := appendText(t.Context(), s, "first")
	if err != nil {
		t.Fatal(err)
	}
	// The same as a clock that was an hour ahead when this was stored.
	execute(t, url, `UPDATE messages SET sent_at = sent_at + interval '1 hour'`)
	second, err := appendText(t.Context(), s, "second")
	if err != nil {
		t.Fatal(err)
	}
	if want := first.SentAt.Add(time.Hour); !second.SentAt.Equal(want) {
		t.Errorf("sent_at = %v, want that of the message before, %v", second.SentAt, want)
	}
}

// createRole creates a role with the password "x" for the time of the test and returns its URL of
// the database. grants is SQL with the verb %[1]s for its name.
func createRole(t *testing.T, url, grants string) *neturl.URL {
	t.Helper()
	role := fmt.Sprintf("role_%d", time.Now().UnixNano())
	execute(t, url, fmt.Sprintf(`CREATE ROLE %[1]s LOGIN PASSWORD 'x'; `+grants, role))
	t.Cleanup(func() { execute(t, url, fmt.Sprintf(`DROP OWNED BY %[1]s; DROP ROLE %[1]s`, role)) })
	u, err := neturl.Parse(url)
	if err != nil {
		t.Fatal(err)
	}
	u.User = neturl.UserPassword(role, "x")
	return u
}

func TestRoleNeedsNoMoreThanTheDocumentedGrants(t *testing.T) {
	t.Parallel()
	url := labtest.Database(t)
	open(t, url).Close() // the administrator creates the tables
	role := createRole(t, url, `
		REVOKE CREATE ON SCHEMA public FROM PUBLIC;
		GRANT SELECT, INSERT ON messages TO %[1]s;
		GRANT SELECT, UPDATE ON log_lock TO %[1]s`)
	s := open(t, role.String())
	if err := s.Ready(t.Context()); err != nil {
		t.Errorf("Ready: %v", err)
	}
	if m, err := appendText(t.Context(), s, "x"); err != nil || m.Seq != 1 {
		t.Errorf("Append = %+v, %v", m, err)
	}
	if _, err := s.Read(t.Context(), 0, 10); err != nil {
		t.Errorf("Read: %v", err)
	}
}

func TestOtherEncodingIsRefused(t *testing.T) {
	t.Parallel()
	url := labtest.Schema(t)
	name := fmt.Sprintf("latin_%d", time.Now().UnixNano())
	execute(t, url, `CREATE DATABASE `+name+` ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0`)
	t.Cleanup(func() { execute(t, url, `DROP DATABASE `+name) })
	latin, err := neturl.Parse(url)
	if err != nil {
		t.Fatal(err)
	}
	latin.Path = "/" + name
	_, err = Open(t.Context(), latin.String(), slog.New(slog.DiscardHandler))
	if err == nil || !strings.Contains(err.Error(), "LATIN1") {
		t.Errorf("error = %v, want one that names the encoding", err)
	}
}

func TestLockTableWithoutItsRowStoresNothing(t *testing.T) {
	t.Parallel()
	url := labtest.Schema(t)
	s := open(t, url)
	execute(t, url, `DELETE FROM log_lock`)
	if _, err := appendText(t.Context(), s, "x"); messenger.KindOf(err) != messenger.Unwritable {
		t.Errorf("Append: %v, want unwritable", err)
	}
	if err := s.Ready(t.Context()); messenger.KindOf(err) != messenger.Unwritable {
		t.Errorf("Ready: %v, want unwritable", err)
	}
	execute(t, url, `INSERT INTO log_lock DEFAULT VALUES`)
	if m, err := appendText(t.Context(), s, "x"); err != nil || m.Seq != 1 {
		t.Errorf("with the row back: %+v, %v", m, err)
	}
}

func TestSessionThatFreezesWithTheLockLosesIt(t *testing.T) {
	t.Parallel()
	url := labtest.Schema(t)
	frozen, other := open(t, url), open(t, url)
	thaw, froze := make(chan struct{}), make(chan struct{})
	var sleeper sync.WaitGroup
	sleeper.Go(func() {
		_, err := frozen.Append(context.Background(), func() []messenger.Draft {
			close(froze)
			<-thaw
			return []messenger.Draft{{ID: messenger.KeyID("frozen"), Sender: "Анна", Text: "frozen"}}
		})
		if kind := messenger.KindOf(err); err == nil || kind != messenger.Unavailable {
			t.Errorf("the frozen replica's Append: %v, want unavailable", err)
		}
	})
	<-froze
	began := time.Now()
	m, err := appendText(t.Context(), other, "other")
	if err != nil || m.Seq != 1 {
		t.Errorf("Append = %+v, %v", m, err)
	}
	t.Logf("the other one waited %v", time.Since(began))
	close(thaw)
	sleeper.Wait()
	if m, err := appendText(t.Context(), frozen, "thawed"); err != nil || m.Seq != 2 {
		t.Errorf("after the thaw: %+v, %v", m, err)
	}
}

func TestBrokenSessionIsReplaced(t *testing.T) {
	t.Parallel()
	url := labtest.Database(t)
	s := open(t, url)
	for i := range 3 {
		if m, err := appendText(t.Context(), s, fmt.Sprint(i)); err != nil || m.Seq != int64(i+1) {
			t.Fatalf("Append = %+v, %v", m, err)
		}
		execute(t, url, `SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
			WHERE datname = current_database() AND pid <> pg_backend_pid()`)
		if _, err := appendText(t.Context(), s, "lost"); err == nil {
			t.Error("a dead session appended")
		} else if kind := messenger.KindOf(err); kind != messenger.Unavailable {
			t.Errorf("kind = %v, want unavailable: the batch was not sent", kind)
		}
	}
}

func TestReadyMissesTheTable(t *testing.T) {
	t.Parallel()
	url := labtest.Schema(t)
	s := open(t, url)
	execute(t, url, `DROP TABLE messages`)
	if err := s.Ready(t.Context()); messenger.KindOf(err) != messenger.Unwritable {
		t.Errorf("Ready: %v, want unwritable", err)
	}
}

func TestClientEncodingAndQueryModeArePinned(t *testing.T) {
	t.Parallel()
	url := labtest.Schema(t)
	for i, parameters := range []string{
		"client_encoding=LATIN1", "default_query_exec_mode=simple_protocol", "statement_cache_capacity=0", "statement_cache_capacity=1",
	} {
		separator := "?"
		if strings.Contains(url, "?") {
			separator = "&"
		}
		s := open(t, url+separator+parameters)
		if m, err := appendText(t.Context(), s, fmt.Sprint("привет ", i)); err != nil || m.SenderCount != int64(i+1) {
			t.Errorf("%s: Append = %+v, %v", parameters, m, err)
		}
	}
	all, err := open(t, url).Read(t.Context(), 0, 10)
	if err != nil || len(all) != 4 || all[0].Text != "привет 0" || all[0].Sender != "Анна" {
		t.Errorf("Read = %+v, %v", all, err)
	}
}

func TestPasswordIsInNoError(t *testing.T) {
	t.Parallel()
	for _, url := range []string{
		"postgres://anna:s3cret@127.0.0.1:1/x",
		"postgres://anna:s3cret@127.0.0.1:port/x",
		"postgres://anna:s3cret@127.0.0.1/x?sslmode=s3cret?",
		"postgres://anna:s3cret%zz@127.0.0.1/x",
	} {
		_, err := Open(t.Context(), url, slog.New(slog.DiscardHandler))
		if err == nil {
			t.Errorf("Open(%s) succeeded", url)
		} else if strings.Contains(err.Error(), "anna:s3cret") || strings.Contains(err.Error(), "s3cret@") {
			t.Errorf("the error shows the password: %v", err)
		}
	}
}

// again is the draft of appendText, tried once more.
func again(t *testing.T, s *Store, text string) messenger.Result {
	t.Helper()
	appended, err := s.Append(t.Context(), func() []messenger.Draft {
		return []messenger.Draft{{ID: messenger.KeyID(text), Sender: "Анна", Text: text, MayExist: true}}
	})
	if err != nil {
		t.Fatalf("Append again: %v", err)
	}
	return appended.Results[0]
}

// A reload of the server's configuration does not change the settings that the writer's
// session relies on.
func TestWriterKeepsItsSettings(t *testing.T) {
	t.Parallel()
	cluster := labtest.Cluster(t, unflushed)
	s := open(t, cluster.URL("postgres"))
	if _, err := appendText(t.Context(), s, "x"); err != nil {
		t.Fatal(err)
	}
	for _, setting := range [][2]string{{"synchronous_commit", "off"}, {"work_mem", "5MB"}} {
		if err := cluster.Set(t.Context(), setting[0], setting[1]); err != nil {
			t.Fatal(err)
		}
	}
	show := func(name string) (value string) {
		t.Helper()
		if err := s.writer.conn.QueryRow(t.Context(), "SELECT current_setting($1)", name).Scan(&value); err != nil {
			t.Fatal(err)
		}
		return value
	}
	for deadline := time.Now().Add(time.Minute); show("work_mem") != "5MB"; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the session has not seen the reload")
		}
	}
	for name, want := range map[string]string{
		"synchronous_commit":  "on",
		"tcp_keepalives_idle": "2", "tcp_keepalives_interval": "1", "tcp_keepalives_count": "3", "tcp_user_timeout": "5000",
	} {
		if got := show(name); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
}

// When a replica gives up waiting for a commit, the commit still waits for the standby.
// If it were cancelled, others would see the message while only one server has it.
func TestCommitIsNotCancelled(t *testing.T) {
	t.Parallel()
	cluster := labtest.Cluster(t, unflushed)
	url := cluster.URL("postgres")
	impatient, other := open(t, url), open(t, url)
	if err := cluster.Set(t.Context(), "synchronous_standby_names", "nobody"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if _, err := appendText(ctx, impatient, "waits"); messenger.KindOf(err) != messenger.Unknown {
		t.Errorf("Append while the standby is away: %v, want unknown", err)
	}
	if _, err := appendText(t.Context(), other, "behind it"); messenger.KindOf(err) != messenger.Unavailable {
		t.Errorf("the other replica's Append: %v, want unavailable, since the lock is held", err)
	}
	if head, err := other.Head(t.Context()); head != 0 || err != nil {
		t.Errorf("Head = %d, %v while only one server has the message, want 0", head, err)
	}
	if err := cluster.Set(t.Context(), "synchronous_standby_names", ""); err != nil {
		t.Fatal(err)
	}
	if m, err := appendText(t.Context(), other, "after it"); err != nil || m.Seq != 2 {
		t.Errorf("without a standby to wait for: %+v, %v", m, err)
	}
}

// A transaction that waited for a lock sees what it waited for, whatever the
// role's isolation is.
func TestStartRaceUnderStricterIsolation(t *testing.T) {
	t.Parallel()
	url := labtest.Database(t)
	execute(t, url, `DO $$ BEGIN
		EXECUTE format('ALTER DATABASE %I SET default_transaction_isolation = ''repeatable read''', current_database());
	END $$`)
	gate, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer gate.Close(context.Background())
	if _, err := gate.Exec(t.Context(), `SELECT pg_advisory_lock($1)`, createLock); err != nil {
		t.Fatal(err)
	}
	var starting sync.WaitGroup
	for range 2 {
		starting.Go(func() {
			s, err := Open(t.Context(), url, slog.New(slog.DiscardHandler))
			if err != nil {
				t.Errorf("Open: %v", err)
				return
			}
			s.Close()
		})
	}
	waiting := 0
	for deadline := time.Now().Add(time.Minute); waiting < 2 && err == nil; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Error("two replicas do not come to wait for each other")
			break
		}
		err = gate.QueryRow(t.Context(), `SELECT count(*) FROM pg_locks
			WHERE locktype = 'advisory' AND NOT granted
			AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`).Scan(&waiting)
	}
	if err != nil {
		t.Error(err)
	}
	gate.Close(t.Context())
	starting.Wait()
}

// A deafConn receives nothing once it is deaf, and then breaks.
type deafConn struct {
	net.Conn
	deaf *atomic.Bool
}

func (c deafConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if c.deaf.Load() {
		return 0, io.ErrUnexpectedEOF
	}
	return n, err
}

func TestLostAnswerToCommitIsAnUnknownOutcome(t *testing.T) {
	t.Parallel()
	s := open(t, labtest.Schema(t))
	var deaf atomic.Bool
	dial := s.config.DialFunc
	s.config.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := dial(ctx, network, addr)
		return deafConn{c, &deaf}, err
	}
	for i := range 20 { // the insert may or may not be through when the connection is dropped
		text := fmt.Sprint("x ", i)
		_, err := s.Append(t.Context(), func() []messenger.Draft {
			deaf.Store(true)
			return []messenger.Draft{{ID: messenger.KeyID(text), Sender: "Анна", Text: text}}
		})
		deaf.Store(false)
		if messenger.KindOf(err) != messenger.Unknown {
			t.Fatalf("Append: %v, want outcome unknown", err)
		}
		if r := again(t, s, text); r.Seq != int64(i+1) {
			t.Errorf("Append again = %+v, want seq %d", r, i+1)
		}
	}
	all, err := s.Read(t.Context(), 0, 100)
	if err != nil || len(all) != 20 {
		t.Errorf("Read: %d messages, %v, want 20", len(all), err)
	}
}

func TestLockedTableIsWaitedForWithoutTheLog(t *testing.T) {
	t.Parallel()
	url := labtest.Schema(t)
	s := open(t, url)
	operator, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer operator.Close(context.WithoutCancel(t.Context()))
	if _, err := operator.Exec(t.Context(), `BEGIN; LOCK TABLE messages IN SHARE MODE`); err != nil {
		t.Fatal(err)
	}
	_, err = s.Append(t.Context(), func() []messenger.Draft {
		t.Error("the batch was taken")
		return nil
	})
	if messenger.KindOf(err) != messenger.Unavailable {
		t.Errorf("Append: %v, want unavailable", err)
	}
}

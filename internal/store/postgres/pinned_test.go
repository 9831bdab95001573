package postgres

import (
	"context"
	"fmt"
	"log/slog"
	neturl "net/url"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"dummymessenger/internal/lab/labtest"
	"dummymessenger/internal/lab/netfault"
	"dummymessenger/internal/lab/pgcluster"
	"dummymessenger/internal/messenger"
)

// A notebook keeps what is logged.
type notebook struct {
	mu   sync.Mutex
	text strings.Builder
}

func (n *notebook) Write(p []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.text.Write(p)
}

func (n *notebook) String() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.text.String()
}

func (n *notebook) logger() *slog.Logger { return slog.New(slog.NewTextHandler(n, nil)) }

// openNoted is open, with what the store logs.
func openNoted(t *testing.T, url string) (*Store, *notebook) {
	t.Helper()
	notes := &notebook{}
	s, err := Open(t.Context(), url, notes.logger())
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() { s.Close() })
	return s, notes
}

func fill(t *testing.T, s messenger.Store, n int) {
	t.Helper()
	for i := range n {
		if _, err := appendText(t.Context(), s, fmt.Sprint("filled ", i)); err != nil {
			t.Fatal(err)
		}
	}
}

// withParameter is url with one more parameter.
func withParameter(t *testing.T, url, key, value string) string {
	t.Helper()
	u, err := neturl.Parse(url)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set(key, value)
	u.RawQuery = strings.ReplaceAll(q.Encode(), "+", "%20") // a + is a + to libpq
	return u.String()
}

// While a replica runs, its log is taken away and given back in every way that SQL
// allows. The replica stores and shows nothing that is not of its log, and logs why.
func TestLogIsKnownAgain(t *testing.T) {
	t.Parallel()
	const copied = `CREATE TABLE copy AS TABLE messages; `
	for name, tt := range map[string]struct {
		change, back string
		want         string // in what is logged
		reads        bool   // is what Read returns still the log?
	}{
		"made anew": {
			`BEGIN; ALTER TABLE messages RENAME TO old; CREATE TABLE messages (LIKE old INCLUDING ALL); COMMIT`,
			`DROP TABLE messages; ALTER TABLE old RENAME TO messages`, "made since", false},
		"made anew and filled": {
			`BEGIN; ALTER TABLE messages RENAME TO old; CREATE TABLE messages (LIKE old INCLUDING ALL);
				INSERT INTO messages TABLE old; COMMIT`,
			`DROP TABLE messages; ALTER TABLE old RENAME TO messages`, "made since", false},
		"schema exchanged": {
			`BEGIN; ALTER SCHEMA public RENAME TO old; CREATE SCHEMA public; ` + createSQL + ` COMMIT`,
			`DROP SCHEMA public CASCADE; ALTER SCHEMA old RENAME TO public`, "made since", false},
		"lock made anew": {
			`BEGIN; ALTER TABLE log_lock RENAME TO old; CREATE TABLE log_lock (LIKE old INCLUDING ALL);
				INSERT INTO log_lock DEFAULT VALUES; COMMIT`,
			`DROP TABLE log_lock; ALTER TABLE old RENAME TO log_lock`, "log_lock", true},
		"truncated": {copied + `TRUNCATE messages`, `INSERT INTO messages TABLE copy`, "seq 0, but there was one with seq 5", false},
		"emptied":   {copied + `DELETE FROM messages`, `INSERT INTO messages TABLE copy`, "seq 0, but there was one with seq 5", false},
		"restored": {copied + `DELETE FROM messages WHERE seq > 3`,
			`INSERT INTO messages SELECT * FROM copy WHERE seq > 3`, "seq 3, but there was one with seq 5", false},
		"row security": {`ALTER TABLE messages ENABLE ROW LEVEL SECURITY`,
			`ALTER TABLE messages DISABLE ROW LEVEL SECURITY`, "row-level security", true},
		"trigger before": {`CREATE FUNCTION shout() RETURNS trigger LANGUAGE plpgsql
				AS $$ BEGIN NEW.text = upper(NEW.text); RETURN NEW; END $$;
			CREATE TRIGGER shout BEFORE INSERT ON messages FOR EACH ROW EXECUTE FUNCTION shout()`,
			`DROP TRIGGER shout ON messages`, "TRIGGER shout", true},
		"trigger after": {tellSQL + `CREATE TRIGGER tell AFTER INSERT ON messages EXECUTE FUNCTION tell()`,
			`DROP TRIGGER tell ON messages`, "TRIGGER tell", true},
		"a hole": {copied + `DELETE FROM messages WHERE seq IN (2, 3)`,
			`INSERT INTO messages SELECT * FROM copy WHERE seq IN (2, 3)`, "message 2 is missing", false},
		"first ones cut off": {copied + `DELETE FROM messages WHERE seq < 3`,
			`INSERT INTO messages SELECT * FROM copy WHERE seq < 3`, "message 1 is missing", false},
		"restored and written to": {copied + `BEGIN; DELETE FROM messages WHERE seq > 4; INSERT INTO messages
			SELECT n, 'Анна', n, 'stray', now(), gen_random_uuid() FROM generate_series(5, 7) AS n; COMMIT`,
			`BEGIN; DELETE FROM messages; INSERT INTO messages TABLE copy; COMMIT`, "message 5 is not the one that was there", false},
		"refilled far beyond": {copied + `BEGIN; TRUNCATE messages; INSERT INTO messages
			SELECT n, 'Анна', n, 'stray', now(), gen_random_uuid() FROM generate_series(1, 500) AS n; COMMIT`,
			`BEGIN; TRUNCATE messages; INSERT INTO messages TABLE copy; COMMIT`, "message 5 is not the one that was there", false},
		"rule": {`CREATE RULE also AS ON INSERT TO messages DO ALSO DELETE FROM messages`,
			`DROP RULE also ON messages`, "RULE also", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := emptyFor(t, tt.change)
			s, notes := openNoted(t, url)
			fill(t, s, 5)
			execute(t, url, tt.change)
			for range 2 { // also on a new connection
				if m, err := appendText(t.Context(), s, "stray"); messenger.KindOf(err) != messenger.Unwritable {
					t.Fatalf("Append = %+v, %v, want unwritable", m, err)
				}
			}
			messages, err := s.Read(t.Context(), 0, 10)
			if tt.reads != (err == nil) || tt.reads && len(messages) != 5 {
				t.Errorf("Read = %v, %v", messages, err)
			}
			if head, err := s.Head(t.Context()); tt.reads != (err == nil) {
				t.Errorf("Head = %d, %v", head, err)
			}
			if err := s.Ready(t.Context()); name != "lock made anew" && messenger.KindOf(err) != messenger.Unwritable {
				t.Errorf("Ready: %v, want unwritable", err)
			}
			if said := notes.String(); strings.Count(said, "level=ERROR") != 1 || !strings.Contains(said, tt.want) {
				t.Errorf("logged, want one error with %q:\n%s", tt.want, said)
			}

			execute(t, url, tt.back)
			if m, err := appendText(t.Context(), s, "back"); err != nil || m.Seq != 6 {
				t.Errorf("with the log back, Append = %+v, %v", m, err)
			}
			if err := s.Ready(t.Context()); err != nil {
				t.Errorf("with the log back, Ready: %v", err)
			}
			if messages, err := s.Read(t.Context(), 0, 10); err != nil || len(messages) != 6 {
				t.Errorf("with the log back, Read = %d messages, %v", len(messages), err)
			}
			if !strings.Contains(notes.String(), "the log is back") {
				t.Errorf("it was not logged that the log is back:\n%s", notes)
			}
		})
	}
}

// The store never reads a child table's rows as messages of the log.
func TestForgedChildIsNotRead(t *testing.T) {
	t.Parallel()
	url := labtest.Schema(t)
	s := open(t, url)
	fill(t, s, 2)
	execute(t, url, `CREATE TABLE forged () INHERITS (messages);
		INSERT INTO forged VALUES (3, 'Анна', 99, 'forged', now(), gen_random_uuid())`)
	if messages, err := s.Read(t.Context(), 0, 10); err != nil || len(messages) != 2 {
		t.Errorf("Read = %v, %v, want the two that were stored", messages, err)
	}
	m, err := appendText(t.Context(), s, "own")
	if messenger.KindOf(err) != messenger.Unwritable || !strings.Contains(err.Error(), "forged") {
		t.Errorf("Append = %+v, %v, want an error that names the child", m, err)
	}
	if err := s.Ready(t.Context()); messenger.KindOf(err) != messenger.Unwritable || !strings.Contains(err.Error(), "forged") {
		t.Errorf("Ready: %v, want an error that names the child", err)
	}
	execute(t, url, `DROP TABLE forged`)
	if m, err := appendText(t.Context(), s, "own"); err != nil || m.Seq != 3 || m.SenderCount != 3 {
		t.Errorf("Append = %+v, %v, want number 3", m, err)
	}
}

// If a row policy is made while a replica runs, all calls fail: none leaves out rows.
func TestPolicyHidesNothing(t *testing.T) {
	t.Parallel()
	url := labtest.Database(t)
	fill(t, open(t, url), 3)
	role := createRole(t, url, `GRANT SELECT, INSERT ON messages TO %[1]s; GRANT SELECT, UPDATE ON log_lock TO %[1]s`)
	s := open(t, role.String())
	execute(t, url, `CREATE POLICY hide ON messages USING (seq <> 2); ALTER TABLE messages ENABLE ROW LEVEL SECURITY`)
	if messages, err := s.Read(t.Context(), 0, 10); messenger.KindOf(err) != messenger.Unwritable {
		t.Errorf("Read = %v, %v, want unwritable", messages, err)
	}
	if m, err := appendText(t.Context(), s, "x"); messenger.KindOf(err) != messenger.Unwritable {
		t.Errorf("Append = %+v, %v, want unwritable", m, err)
	}
}

// Open chooses the schema once. A schema that comes first in the search_path later,
// such as one named like the role, does not affect a running replica.
func TestSchemaIsPinned(t *testing.T) {
	t.Parallel()
	url := labtest.Database(t)
	s := open(t, url)
	fill(t, s, 3)
	execute(t, url, `DO $$ BEGIN EXECUTE format('CREATE SCHEMA %I', current_user); END $$`)
	other := open(t, withParameter(t, url, "search_path", "postgres, public"))
	if other.log.schema != "public" || other.LogID() != s.LogID() {
		t.Errorf("with an empty schema first, the log is in %s", other.log.schema)
	}
	apart := open(t, withParameter(t, url, "search_path", "postgres"))
	if m, err := appendText(t.Context(), apart, "apart"); err != nil || m.Seq != 1 {
		t.Errorf("Append in a schema of its own = %+v, %v", m, err)
	}
	if apart.LogID() == s.LogID() {
		t.Error("two logs in one database have the same ID")
	}
	s.writer.close()
	s.writer = nil // connects anew
	if m, err := appendText(t.Context(), s, "x"); err != nil || m.Seq != 4 {
		t.Errorf("Append = %+v, %v, want message 4 of the log that was opened", m, err)
	}
	if _, notes := openNoted(t, url); !strings.Contains(notes.String(), "several schemas") {
		t.Errorf("two logs in the search_path were not told:\n%s", notes)
	}
	_, err := Open(t.Context(), withParameter(t, url, "search_path", "nowhere"), slog.New(slog.DiscardHandler))
	if err == nil || !strings.Contains(err.Error(), "search_path") {
		t.Errorf("Open where no schema is: %v, want an error that names the search_path", err)
	}
}

// The schema's name may hold characters that SQL must quote. Functions of other users
// are not called, even where their parameter types fit better.
func TestOddSchemaAndStrangersFunctions(t *testing.T) {
	t.Parallel()
	url := labtest.Database(t)
	execute(t, url, `CREATE SCHEMA "it's ""odd""\";
		CREATE FUNCTION public.cardinality(uuid[]) RETURNS int LANGUAGE sql AS 'SELECT 0';
		CREATE FUNCTION "it's ""odd""\".cardinality(uuid[]) RETURNS int LANGUAGE sql AS 'SELECT 0'`)
	s := open(t, withParameter(t, url, "search_path", `"it's ""odd""\", public, pg_catalog`))
	fill(t, s, 3)
	if err := s.Ready(t.Context()); err != nil {
		t.Errorf("Ready: %v", err)
	}
	if messages, err := s.Read(t.Context(), 0, 10); err != nil || len(messages) != 3 {
		t.Errorf("Read = %v, %v", messages, err)
	}
}

// Of two servers that accept writes, the store connects to the one with its log, even
// if the other has tables of the same names.
func TestAnotherServerIsNotTheLog(t *testing.T) {
	t.Parallel()
	a, b := labtest.Cluster(t, unflushed), labtest.Stranger(t)
	open(t, b.URL("postgres"))
	target, err := neturl.Parse(a.URL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	stranger, err := neturl.Parse(b.URL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	proxy, err := netfault.Listen(target.Host)
	if err != nil {
		t.Fatal(err)
	}
	defer proxy.Close()
	user := target.User
	execute(t, b.URL("postgres"), fmt.Sprintf(`ALTER ROLE postgres PASSWORD '%s'`, password(user)))
	target.Host = proxy.Addr() + "," + stranger.Host
	s, notes := openNoted(t, target.String())
	fill(t, s, 2)

	proxy.Cut()
	if m, err := appendText(t.Context(), s, "x"); err == nil {
		t.Errorf("Append = %+v at a stranger's", m)
	}
	if m, err := appendText(t.Context(), s, "x"); messenger.KindOf(err) != messenger.Unwritable {
		t.Errorf("Append = %+v, %v, want unwritable", m, err)
	}
	if messages, err := s.Read(t.Context(), 0, 10); err == nil {
		t.Errorf("Read = %v at a stranger's", messages)
	}
	if !strings.Contains(notes.String(), "another server") {
		t.Errorf("it was not logged:\n%s", notes)
	}
	proxy.Heal()
	if m, err := appendText(t.Context(), s, "x"); err != nil || m.Seq != 3 {
		t.Errorf("Append = %+v, %v", m, err)
	}
}

// A replaced primary that comes back lacks what its successor has stored. Of the two,
// which both accept writes, the replica connects to the one that has the messages it
// has seen.
func TestStalePrimaryIsPassedOver(t *testing.T) {
	t.Parallel()
	old := labtest.Cluster(t, pgcluster.Config{})
	successor, err := old.StartStandby(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := successor.Stop(); err != nil {
			t.Error(err)
		}
	}()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(old.Set(t.Context(), "synchronous_standby_names", "*"))
	must(old.WaitSync(t.Context()))
	first, err := neturl.Parse(old.URL("postgres"))
	must(err)
	second, err := neturl.Parse(successor.URL("postgres"))
	must(err)
	first.Host += "," + second.Host
	s := open(t, first.String())
	fill(t, s, 2)
	must(old.Kill())
	must(successor.Promote(t.Context()))
	_, _ = appendText(t.Context(), s, "finds the primary dead")
	if m, err := appendText(t.Context(), s, "to the successor"); err != nil || m.Seq != 3 {
		t.Fatalf("Append = %+v, %v", m, err)
	}
	must(old.Restart(t.Context()))
	s.writer.close()
	s.writer = nil
	s.pool.Reset()
	if messages, err := s.Read(t.Context(), 0, 10); err != nil || len(messages) != 3 {
		t.Errorf("Read = %v, %v, want three messages", messages, err)
	}
	if m, err := appendText(t.Context(), s, "again"); err != nil || m.Seq != 4 {
		t.Errorf("Append = %+v, %v, want message 4", m, err)
	}
}

func password(u *neturl.Userinfo) string {
	p, _ := u.Password()
	return p
}

// Reads succeed even if all connections of the pool are dead, whether a superuser or
// the network has ended them.
func TestReadsOutliveTheirConnections(t *testing.T) {
	t.Parallel()
	url := labtest.Database(t)
	u, err := neturl.Parse(url)
	if err != nil {
		t.Fatal(err)
	}
	proxy, err := netfault.Listen(u.Host)
	if err != nil {
		t.Fatal(err)
	}
	defer proxy.Close()
	u.Host = proxy.Addr()
	s := open(t, u.String())
	fill(t, s, 2)
	for cause, kill := range map[string]func(){
		"terminated": func() {
			execute(t, url, `SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
				WHERE datname = current_database() AND pid <> pg_backend_pid()`)
		},
		"reset": func() { proxy.Reset() },
	} {
		for read, f := range map[string]func(context.Context) error{
			"Read": func(ctx context.Context) error {
				messages, err := s.Read(ctx, 0, 10)
				if err == nil && len(messages) != 2 {
					err = fmt.Errorf("%d messages", len(messages))
				}
				return err
			},
			"Head":  func(ctx context.Context) error { _, err := s.Head(ctx); return err },
			"Ready": s.Ready,
		} {
			var all []*pgxpool.Conn
			for range readers {
				c, err := s.pool.Acquire(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, c)
			}
			for _, c := range all {
				c.Release()
			}
			kill()
			if err := f(t.Context()); err != nil {
				t.Errorf("%s, all connections %s: %v", read, cause, err)
			}
		}
	}
}

package postgres

import (
	"fmt"
	"log/slog"
	neturl "net/url"
	"strings"
	"testing"

	"dummymessenger/internal/lab/labtest"
	"dummymessenger/internal/lab/pgcluster"
	"dummymessenger/internal/messenger"
)

// A trigger, rule, child or the like on the tables stops all appends until it is
// removed, each time it is made. An earlier one may have left flags such as
// relhastriggers set, which would then not change.
func TestMeddlersAreFoundEachTime(t *testing.T) {
	t.Parallel()
	harmless := map[string]bool{ // they alter nothing that is stored or read, so Ready may be the first to find them
		"parent": true, "unique index": true, "default": true, "null": true, "key": true,
	}
	for name, tt := range map[string]struct{ before, change, undo string }{
		"trigger": {tellSQL,
			`CREATE TRIGGER tell BEFORE INSERT ON messages FOR EACH ROW EXECUTE FUNCTION tell()`, `DROP TRIGGER tell ON messages`},
		"trigger beside a foreign key to messages": {tellSQL + `CREATE TABLE likes (seq bigint REFERENCES messages)`,
			`CREATE TRIGGER tell BEFORE INSERT ON messages FOR EACH ROW EXECUTE FUNCTION tell()`, `DROP TRIGGER tell ON messages`},
		"rule":  {``, `CREATE RULE nothing AS ON INSERT TO messages DO INSTEAD NOTHING`, `DROP RULE nothing ON messages`},
		"child": {``, `CREATE TABLE child () INHERITS (messages)`, `DROP TABLE child`},
		"parent": {`CREATE TABLE parent (text text)`,
			`ALTER TABLE messages INHERIT parent`, `ALTER TABLE messages NO INHERIT parent`},
		"row security": {``, `ALTER TABLE messages FORCE ROW LEVEL SECURITY`, `ALTER TABLE messages NO FORCE ROW LEVEL SECURITY`},
		"unique index": {``, `CREATE UNIQUE INDEX once ON messages (text)`, `DROP INDEX once`},
		"foreign key": {`CREATE TABLE senders (name text COLLATE "C" PRIMARY KEY); INSERT INTO senders VALUES ('Анна')`,
			`ALTER TABLE messages ADD CONSTRAINT fk FOREIGN KEY (sender) REFERENCES senders`, `ALTER TABLE messages DROP CONSTRAINT fk`},
		"default":  {``, `ALTER TABLE messages ALTER text SET DEFAULT 'x'`, `ALTER TABLE messages ALTER text DROP DEFAULT`},
		"null":     {``, `ALTER TABLE messages ALTER id DROP NOT NULL`, `ALTER TABLE messages ALTER id SET NOT NULL`},
		"key":      {``, `ALTER TABLE messages DROP CONSTRAINT messages_id_key`, `ALTER TABLE messages ADD UNIQUE (id)`},
		"unlogged": {``, `ALTER TABLE messages SET UNLOGGED`, `ALTER TABLE messages SET LOGGED`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := labtest.Schema(t)
			s := open(t, url)
			fill(t, s, 2)
			execute(t, url, tt.before)
			for i := range 3 {
				if m, err := appendText(t.Context(), s, fmt.Sprint("good ", i)); err != nil || m.Seq != int64(3+i) {
					t.Fatalf("round %d: Append = %+v, %v, want message %d", i, m, err, 3+i)
				}
				if err := s.Ready(t.Context()); err != nil {
					t.Errorf("round %d: Ready: %v", i, err)
				}
				execute(t, url, tt.change)
				look := func() {
					if err := s.Ready(t.Context()); messenger.KindOf(err) != messenger.Unwritable {
						t.Errorf("round %d: Ready: %v, want unwritable", i, err)
					}
				}
				if harmless[name] {
					look()
				}
				for range 2 {
					if m, err := appendText(t.Context(), s, "meddled"); messenger.KindOf(err) != messenger.Unwritable {
						t.Errorf("round %d: Append = %+v, %v, want unwritable", i, m, err)
					}
					look()
				}
				execute(t, url, tt.undo)
			}
		})
	}
}

// If a column's type is changed while a replica runs, its content may have changed,
// too, and is not read.
func TestAlteredColumnsAreNotRead(t *testing.T) {
	t.Parallel()
	for change, undo := range map[string]string{
		`text TYPE varchar`:           `text TYPE text`,
		`text TYPE char(30)`:          `text TYPE text`,
		`sent_at TYPE timestamptz(0)`: `sent_at TYPE timestamptz`,
		`sender_count TYPE int`:       `sender_count TYPE bigint`,
	} {
		t.Run(change, func(t *testing.T) {
			t.Parallel()
			url := labtest.Schema(t)
			s := open(t, url)
			fill(t, s, 3)
			if _, err := s.Read(t.Context(), 0, 10); err != nil {
				t.Fatal(err)
			}
			execute(t, url, `ALTER TABLE messages ALTER `+change)
			if m, err := appendText(t.Context(), s, "x"); err == nil {
				t.Errorf("Append = %+v", m)
			}
			if m, err := appendText(t.Context(), s, "x"); messenger.KindOf(err) != messenger.Unwritable {
				t.Errorf("Append again = %+v, %v, want unwritable", m, err)
			}
			for range 2 {
				if messages, err := s.Read(t.Context(), 0, 10); err == nil {
					t.Errorf("Read = %v", messages)
				}
			}
			execute(t, url, `ALTER TABLE messages ALTER `+undo)
			_, _ = appendText(t.Context(), s, "the plans must be made anew")
			if m, err := appendText(t.Context(), s, "y"); err != nil || m.Seq < 4 {
				t.Errorf("with the type back, Append = %+v, %v", m, err)
			}
		})
	}
}

// Only a read at the place finds a hole far behind the newest messages. From then on
// the store refuses every call until the hole is filled.
func TestHoleFarBehind(t *testing.T) {
	t.Parallel()
	url := labtest.Schema(t)
	s, notes := openNoted(t, url)
	fill(t, s, 20)
	execute(t, url, `CREATE TABLE copy AS TABLE messages; DELETE FROM messages WHERE seq IN (4, 5)`)
	if messages, err := s.Read(t.Context(), 5, 5); err != nil || len(messages) != 5 {
		t.Errorf("Read behind the hole = %v, %v", messages, err)
	}
	for _, after := range []int64{0, 3, 4} {
		if messages, err := s.Read(t.Context(), after, 2); after+2 >= 4 && messenger.KindOf(err) != messenger.Unwritable {
			t.Errorf("Read after %d = %v, %v, want unwritable", after, messages, err)
		}
	}
	if m, err := appendText(t.Context(), s, "x"); messenger.KindOf(err) != messenger.Unwritable {
		t.Errorf("Append = %+v, %v, want unwritable", m, err)
	}
	if err := s.Ready(t.Context()); messenger.KindOf(err) != messenger.Unwritable {
		t.Errorf("Ready: %v, want unwritable", err)
	}
	execute(t, url, `INSERT INTO messages SELECT * FROM copy WHERE seq IN (4, 5)`)
	if m, err := appendText(t.Context(), s, "y"); err != nil || m.Seq != 21 {
		t.Errorf("with the hole filled, Append = %+v, %v", m, err)
	}
	if messages, err := s.Read(t.Context(), 0, 30); err != nil || len(messages) != 21 {
		t.Errorf("with the hole filled, Read = %d messages, %v", len(messages), err)
	}
	if said := notes.String(); strings.Count(said, "level=ERROR") != 1 || strings.Count(said, `"the log is back"`) != 1 {
		t.Errorf("logged, want one error and that the log is back:\n%s", said)
	}
}

// A log whose window has a hole is not opened.
func TestHoleAtTheStart(t *testing.T) {
	t.Parallel()
	url := labtest.Schema(t)
	fill(t, open(t, url), 15)
	for _, seq := range []int{14, 10} {
		execute(t, url, fmt.Sprint(`DELETE FROM messages WHERE seq = `, seq))
		s, err := Open(t.Context(), url, slog.New(slog.DiscardHandler))
		if err == nil {
			s.Close()
		}
		if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("message %d is missing", seq)) {
			t.Errorf("Open: %v, want an error that names message %d", err, seq)
		}
		execute(t, url, fmt.Sprintf(`INSERT INTO messages VALUES (%[1]d, 'Анна', %[1]d, 'again', now(), gen_random_uuid())`, seq))
	}
}

// A standby that lacks messages is promoted, and another replica stores others under
// their numbers. The replica that has seen the first ones notices the difference.
func TestOtherMessagesAreNotTheLog(t *testing.T) {
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
	first, err := neturl.Parse(old.URL("postgres"))
	must(err)
	second, err := neturl.Parse(successor.URL("postgres"))
	must(err)
	both := *first
	both.Host += "," + second.Host
	must(old.Set(t.Context(), "synchronous_standby_names", "*"))
	must(old.WaitSync(t.Context()))
	s := open(t, both.String())
	fill(t, s, 4)
	must(old.Set(t.Context(), "synchronous_standby_names", ""))
	execute(t, successor.URL("postgres"), `SELECT pg_wal_replay_pause()`)
	execute(t, old.URL("postgres"), `SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_replication`)
	for _, text := range []string{"lost 5", "lost 6"} {
		if _, err := appendText(t.Context(), s, text); err != nil {
			t.Fatal(err)
		}
	}
	must(old.Kill())
	must(successor.Promote(t.Context()))
	other := open(t, second.String())
	for i := range 12 {
		if _, err := appendText(t.Context(), other, fmt.Sprint("other ", i)); err != nil {
			t.Fatal(err)
		}
	}
	_, _ = appendText(t.Context(), s, "finds the primary dead")
	if m, err := appendText(t.Context(), s, "x"); messenger.KindOf(err) != messenger.Unwritable {
		t.Errorf("Append = %+v, %v, want unwritable", m, err)
	}
	if messages, err := s.Read(t.Context(), 4, 10); messenger.KindOf(err) != messenger.Unwritable {
		t.Errorf("Read = %v, %v, want unwritable", messages, err)
	}
}

package postgres

import (
	"context"
	"log/slog"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"dummymessenger/internal/lab/labtest"
)

func TestForeignTablesAreRefusedAndLeftAlone(t *testing.T) {
	t.Parallel()
	for name, sql := range map[string]string{
		"other columns":      `CREATE TABLE messages (id serial PRIMARY KEY, body text)`,
		"no constraint":      `CREATE TABLE messages (a integer)`,
		"no column":          `CREATE TABLE messages ()`,
		"view":               `CREATE VIEW messages AS SELECT 1 AS seq`,
		"missing constraint": strings.Replace(createSQL, "NOT NULL UNIQUE", "NOT NULL", 1),
		"one column more":    createSQL + `ALTER TABLE messages ADD COLUMN extra int NOT NULL`,
		"other type":         strings.Replace(createSQL, "sender_count bigint", "sender_count integer", 1),
		"default collation":  strings.Replace(createSQL, `COLLATE "C"`, "", 1),
		"other collation":    strings.Replace(createSQL, `COLLATE "C"`, `COLLATE "POSIX"`, 1),
		"other lock table":   `CREATE TABLE log_lock (id int)`,
		"unlogged":           createSQL + `ALTER TABLE messages SET UNLOGGED`,
		"trigger": createSQL + `CREATE FUNCTION shout() RETURNS trigger LANGUAGE plpgsql
				AS $$ BEGIN NEW.text = upper(NEW.text); RETURN NEW; END $$;
			CREATE TRIGGER shout BEFORE INSERT ON messages FOR EACH ROW EXECUTE FUNCTION shout()`,
		"rule": createSQL + `CREATE RULE nothing AS ON INSERT TO messages DO INSTEAD NOTHING`,
		"trigger behind": createSQL + tellSQL +
			`CREATE TRIGGER tell AFTER INSERT ON messages FOR EACH ROW EXECUTE FUNCTION tell()`,
		"trigger of the statement": createSQL + tellSQL + `CREATE TRIGGER tell AFTER INSERT ON messages EXECUTE FUNCTION tell()`,
		"trigger that is off": createSQL + tellSQL + `CREATE TRIGGER tell BEFORE UPDATE ON messages EXECUTE FUNCTION tell();
			ALTER TABLE messages DISABLE TRIGGER tell`,
		"trigger on the lock":    createSQL + tellSQL + `CREATE TRIGGER tell AFTER UPDATE ON log_lock EXECUTE FUNCTION tell()`,
		"rule beside an update":  createSQL + `CREATE RULE also AS ON UPDATE TO messages DO ALSO SELECT 1`,
		"row security":           createSQL + `ALTER TABLE messages ENABLE ROW LEVEL SECURITY`,
		"row security for owner": createSQL + `ALTER TABLE messages FORCE ROW LEVEL SECURITY`,
		"row security of lock":   createSQL + `ALTER TABLE log_lock ENABLE ROW LEVEL SECURITY`,
		"child":                  createSQL + `CREATE TABLE forged () INHERITS (messages)`,
		"child of lock":          createSQL + `CREATE TABLE second () INHERITS (log_lock)`,
		"parent":                 createSQL + `CREATE TABLE parent (text text); ALTER TABLE messages INHERIT parent`,
		"partition": createSQL + `CREATE TABLE whole (LIKE messages) PARTITION BY RANGE (seq);
			ALTER TABLE whole ATTACH PARTITION messages DEFAULT`,
		"partitioned": `CREATE TABLE messages (seq bigint PRIMARY KEY) PARTITION BY RANGE (seq)`,
		"foreign key that deletes": createSQL + `CREATE TABLE senders (name text COLLATE "C" PRIMARY KEY);
			ALTER TABLE messages ADD FOREIGN KEY (sender) REFERENCES senders ON DELETE CASCADE`,
		"exclusion":           createSQL + `ALTER TABLE messages ADD EXCLUDE (text WITH =)`,
		"deferred constraint": strings.Replace(createSQL, "UNIQUE (sender, sender_count)", "UNIQUE (sender, sender_count) DEFERRABLE", 1),
		"unique index":        createSQL + `CREATE UNIQUE INDEX ON messages (text)`,
		"unique expression":   createSQL + `CREATE UNIQUE INDEX ON messages (lower(sender), sender_count)`,
		"partial unique":      createSQL + `CREATE UNIQUE INDEX ON messages (seq) WHERE seq < 10`,
		"default":             createSQL + `ALTER TABLE messages ALTER sent_at SET DEFAULT now()`,
		"identity":            createSQL + `ALTER TABLE messages ALTER seq ADD GENERATED ALWAYS AS IDENTITY`,
		"generated": strings.Replace(createSQL,
			"sender_count bigint                   NOT NULL", "sender_count bigint NOT NULL GENERATED ALWAYS AS (seq) STORED", 1),
		"collation of the same name": `CREATE COLLATION "C" (provider = icu, locale = 'und', deterministic = false);` +
			strings.Replace(createSQL, `COLLATE "C"`, `COLLATE public."C"`, 1),
		"type of the same name": `CREATE DOMAIN public.uuid AS pg_catalog.uuid;` + strings.Replace(createSQL, "uuid ", "public.uuid ", 1),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := emptyFor(t, sql)
			execute(t, url, sql)
			before := relations(t, url)
			s, err := Open(t.Context(), url, slog.New(slog.DiscardHandler))
			if err == nil {
				s.Close()
				t.Fatal("Open succeeded")
			}
			if !strings.Contains(err.Error(), "is not this program's") {
				t.Errorf("error %q does not say that the table is foreign", err)
			}
			if strings.Contains(err.Error(), "; .") || strings.Contains(err.Error(), ": .") {
				t.Errorf("error %q has an empty part", err)
			}
			if after := relations(t, url); after != before {
				t.Errorf("relations changed from %s to %s", before, after)
			}
		})
	}
}

const tellSQL = `CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;`

// What operators may add changes nothing of what is read or stored.
func TestHarmlessAdditionsAreLeftAlone(t *testing.T) {
	t.Parallel()
	url := labtest.Schema(t)
	execute(t, url, createSQL+`
		CREATE INDEX ON messages (sent_at);
		CREATE UNIQUE INDEX messages_pkey_ccnew ON messages (seq); -- as REINDEX CONCURRENTLY does
		CREATE TABLE likes (seq bigint REFERENCES messages);
		CREATE VIEW senders AS SELECT DISTINCT sender FROM messages;
		ALTER TABLE messages SET (fillfactor = 90)`)
	s := open(t, url)
	if m, err := appendText(t.Context(), s, "x"); err != nil || m.Seq != 1 {
		t.Errorf("Append = %+v, %v", m, err)
	}
	if err := s.Ready(t.Context()); err != nil {
		t.Errorf("Ready: %v", err)
	}
}

func TestLockTableWithoutItsRowIsRefused(t *testing.T) {
	t.Parallel()
	url := labtest.Schema(t)
	execute(t, url, createSQL+`DELETE FROM log_lock`)
	s, err := Open(t.Context(), url, slog.New(slog.DiscardHandler))
	if err == nil {
		s.Close()
	}
	if err == nil || !strings.Contains(err.Error(), "INSERT INTO log_lock") {
		t.Errorf("Open: %v, want an error that says what to do", err)
	}
}

func relations(t *testing.T, url string) (names string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	err = conn.QueryRow(t.Context(), `SELECT string_agg(relname || ':' || relnatts, ' ' ORDER BY relname) FROM pg_class
		WHERE relnamespace = current_schema()::regnamespace`).Scan(&names)
	if err != nil {
		t.Fatal(err)
	}
	return names
}

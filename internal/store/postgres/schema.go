package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"dummymessenger/internal/messenger"
)

// createSQL makes the log's tables. sender is in collation "C", which compares names
// as bytes, so that no new version of the operating system's locales breaks the index.
const createSQL = `
CREATE TABLE IF NOT EXISTS log_lock (
	one boolean PRIMARY KEY DEFAULT true CHECK (one)
);
INSERT INTO log_lock DEFAULT VALUES ON CONFLICT DO NOTHING;
CREATE TABLE IF NOT EXISTS messages (
	seq          bigint                   PRIMARY KEY CHECK (seq >= 1),
	sender       text        COLLATE "C"  NOT NULL CHECK (char_length(sender) BETWEEN 1 AND 64),
	sender_count bigint                   NOT NULL CHECK (sender_count >= 1),
	text         text                     NOT NULL CHECK (char_length(text) BETWEEN 1 AND 4096),
	sent_at      timestamptz              NOT NULL,
	id           uuid                     NOT NULL UNIQUE,
	UNIQUE (sender, sender_count)
);`

// createLock is the key of the advisory lock under which the tables are
// created: replicas that start at the same instant on an empty database would
// otherwise trip over each other in the catalogue, IF NOT EXISTS or not.
const createLock = 0x64_6d_2d_6c_6f_67 // "dm-log"

// The shape of the tables, as tableSQL describes it.
var shapes = map[string]string{
	"log_lock": "table: one boolean not null default true; PRIMARY KEY (one)",
	"messages": "table: seq bigint not null, sender text COLLATE \"C\" not null, sender_count bigint not null, text text not null, " +
		"sent_at timestamp with time zone not null, id uuid not null; " +
		"PRIMARY KEY (seq), UNIQUE (id), UNIQUE (sender, sender_count)",
}

// stillWaiting is how long a step of Open takes before it logs what it waits for.
const stillWaiting = 1500 * time.Millisecond

// step runs f, a part of Open that waits for what. It logs that if f takes long, and
// adds it to the error if f gives up.
func step(ctx context.Context, logger *slog.Logger, what string, f func() error) error {
	late := time.AfterFunc(stillWaiting, func() { logger.Warn("still waiting", "for", what) })
	defer late.Stop()
	err := f()
	pe, ok := errors.AsType[*pgconn.PgError](err)
	locked := ok && pe.Code == "55P03" // lock_not_available: lock_timeout
	if err != nil && (ctx.Err() != nil || pgconn.Timeout(err) || locked) {
		return fmt.Errorf("waited in vain for %s: %w", what, err)
	}
	return err
}

// openLog connects to the database, creates the log's tables if they are missing, and
// returns the log if they are fit to be used.
func openLog(ctx context.Context, config *pgx.ConnConfig, logger *slog.Logger) (*pinned, error) {
	var conn *pgx.Conn
	err := step(ctx, logger, "a connection to "+hosts(config), func() (err error) {
		conn, err = pgx.ConnectConfig(ctx, config)
		return err
	})
	if err != nil {
		return nil, connectError(err, config)
	}
	defer conn.Close(ctx)
	if version(conn.PgConn()) >= knowsLaterPins {
		set(config, laterPins) // for all sessions from now on
	}
	if err := checkServer(ctx, conn, logger); err != nil {
		return nil, err
	}
	p := &pinned{}
	if p.schema, err = findSchema(ctx, conn, logger); err != nil {
		return nil, err
	}
	p.sql = statementsFor(p.schema)
	complete, err := p.checkTables(ctx, conn)
	if err != nil {
		return nil, err
	}
	if !complete {
		err := step(ctx, logger, "the lock under which replicas create the tables", func() error {
			return p.createTables(ctx, conn)
		})
		if err != nil {
			return nil, fmt.Errorf("the log's tables cannot be created: %w", err)
		}
		if complete, err = p.checkTables(ctx, conn); err != nil {
			return nil, err
		} else if !complete {
			return nil, errors.New("the log's tables were dropped as soon as they were created")
		}
	}
	if p.place, p.placeSQL, err = place(ctx, conn); err != nil {
		return nil, err
	}
	var writable, granted, lockable bool
	err = step(ctx, logger, "a lock on the tables, which something else holds", func() error {
		rows, err := conn.Query(ctx, p.sql.newest, messenger.WindowSize)
		if err != nil {
			return err
		}
		newest, err := scan(rows)
		if err != nil {
			return err
		}
		p.saw(0, messenger.ID{})
		if len(newest) > 0 {
			p.saw(newest[0].Seq, newest[0].id)
		}
		if _, err := p.window(newest, messenger.WindowSize); err != nil {
			return err
		}
		return conn.QueryRow(ctx, p.sql.ready).Scan(&writable, &granted, &lockable)
	})
	if err != nil {
		return nil, err
	}
	if !lockable {
		return nil, errNoLockRow.Err
	}
	if err := p.checkLock(ctx, config); err != nil {
		return nil, err
	}
	logger.Info("log opened", "address", conn.PgConn().Conn().RemoteAddr().String(), "database", conn.Config().Database,
		"schema", p.schema, "version", conn.PgConn().ParameterStatus("server_version"), "seq", p.seen.Load().seq)
	return p, nil
}

// findSchema returns the schema that the log is in, or is to be created in: the
// first of the search_path that has one of the tables, else the first one. It then
// sets the search_path to safePath.
func findSchema(ctx context.Context, conn *pgx.Conn, logger *slog.Logger) (string, error) {
	var path []string
	if err := conn.QueryRow(ctx, `SELECT pg_catalog.current_schemas(false)::pg_catalog.text[]`).Scan(&path); err != nil {
		return "", err
	}
	if len(path) == 0 {
		return "", errors.New("none of the schemas in the search_path exists, or may be used by the role; " +
			"create one, or name another in the database URL (?search_path=NAME)")
	}
	if _, err := conn.Exec(ctx, `SELECT pg_catalog.set_config('search_path', $1, false)`, safePath); err != nil {
		return "", err
	}
	for _, table := range []string{"messages", "log_lock"} {
		found, err := lines(ctx, conn, `SELECT p.name FROM unnest($1::text[]) WITH ORDINALITY AS p(name, place)
			JOIN pg_namespace AS n ON n.nspname = p.name
			JOIN pg_class AS c ON c.relnamespace = n.oid AND c.relname = $2 ORDER BY p.place`, path, table)
		if err != nil {
			return "", err
		}
		if len(found) > 1 {
			logger.Warn("several schemas of the search_path have a table of this name; the first is used", "table", table, "schemas", found)
		}
		if len(found) > 0 {
			return found[0], nil
		}
	}
	return path[0], nil
}

// tableSQL describes the relation named $2 in schema $1, if there is one: its OID and
// shape, and everything that could change what is read of it or stored in it.
//
// A column's collation counts, since an index serves only comparisons in its own: with
// another one, each batch would read the whole table. REINDEX CONCURRENTLY makes a
// second unique index on a constraint's columns, which is fine.
const tableSQL = `
SELECT m.oid,
	CASE relpersistence WHEN 'u' THEN 'unlogged ' WHEN 't' THEN 'temporary ' ELSE '' END
	|| CASE relkind WHEN 'r' THEN 'table' WHEN 'v' THEN 'view' WHEN 'p' THEN 'partitioned table'
		WHEN 'f' THEN 'foreign table' WHEN 'm' THEN 'materialized view' ELSE 'relation' END
	|| CASE WHEN relispartition THEN ' that is a partition' ELSE '' END || coalesce(' USING ' || nullif(amname, 'heap'), '')
	|| ': ' || coalesce(nullif(array_to_string(ARRAY(
		SELECT attname || ' ' || format_type(atttypid, atttypmod)
			|| coalesce(' COLLATE ' || c.oid::regcollation, '')
			|| CASE WHEN attnotnull THEN ' not null' ELSE '' END
			|| CASE WHEN attgenerated <> '' THEN ' generated' WHEN attidentity <> '' THEN ' identity' ELSE '' END
			|| coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), '')
		FROM pg_attribute LEFT JOIN pg_collation AS c ON c.oid = attcollation AND c.oid <> '"default"'::regcollation
			LEFT JOIN pg_attrdef AS d ON d.adrelid = attrelid AND d.adnum = attnum
		WHERE attrelid = m.oid AND attnum > 0 AND NOT attisdropped ORDER BY attnum), ', '), ''), 'no columns')
	|| coalesce('; ' || nullif(array_to_string(ARRAY(
		SELECT pg_get_constraintdef(oid) FROM pg_constraint
		WHERE conrelid = m.oid AND contype IN ('p', 'u') ORDER BY pg_get_constraintdef(oid) COLLATE "C"), ', '), ''), ''),
	ARRAY(SELECT 'row-level security' WHERE relrowsecurity OR relforcerowsecurity
		UNION ALL SELECT 'CHILD TABLE ' || inhrelid::regclass FROM pg_inherits WHERE inhparent = m.oid
		UNION ALL SELECT 'PARENT TABLE ' || inhparent::regclass FROM pg_inherits WHERE inhrelid = m.oid
		UNION ALL SELECT 'TRIGGER ' || quote_ident(tgname) FROM pg_trigger WHERE tgrelid = m.oid AND NOT tgisinternal
		UNION ALL SELECT 'RULE ' || quote_ident(rulename) FROM pg_rewrite WHERE ev_class = m.oid
		UNION ALL SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = m.oid AND contype IN ('f', 'x')
		UNION ALL SELECT 'UNIQUE INDEX ' || i.indexrelid::regclass FROM pg_index AS i
			WHERE i.indrelid = m.oid AND i.indisunique AND NOT EXISTS (
				SELECT FROM pg_constraint AS c JOIN pg_index AS own ON own.indexrelid = c.conindid
				WHERE c.conrelid = m.oid AND own.indkey = i.indkey AND i.indexprs IS NULL AND i.indpred IS NULL))
FROM pg_class AS m JOIN pg_namespace AS n ON n.oid = relnamespace
	LEFT JOIN pg_am AS a ON a.oid = relam AND relkind IN ('r', 'm')
WHERE nspname = $1 AND relname = $2`

// lookAtTable adds a look at one of the log's tables to batch, which finds its OID, 0 if
// there is no such table. It fails with a foreign error if the table has another shape,
// or if something could change what is read of it or stored in it.
func (p *pinned) lookAtTable(batch *pgx.Batch, table string) (oid *uint32) {
	oid = new(uint32)
	batch.Queue(tableSQL, p.schema, table).QueryRow(func(row pgx.Row) error {
		var shape string
		var meddlers []string
		switch err := row.Scan(oid, &shape, &meddlers); {
		case errors.Is(err, pgx.ErrNoRows):
			return nil
		case err != nil:
			return err
		case shape != shapes[table]:
			return foreign(fmt.Sprintf("the database has a relation named %s that is not this program's; "+
				"use another database or schema (search_path). It is: %s. Expected: %s", table, shape, shapes[table]))
		case len(meddlers) > 0:
			return foreign(fmt.Sprintf("table %s is not this program's alone: it has %s, which could change what is read or stored; "+
				"remove that, or use another database or schema (search_path)", table, strings.Join(meddlers, ", ")))
		}
		return nil
	})
	return oid
}

// checkTables looks at the tables, and reports whether both exist. It returns an error
// if one that exists is not fit to be used.
func (p *pinned) checkTables(ctx context.Context, conn *pgx.Conn) (complete bool, err error) {
	var batch pgx.Batch
	messages, lock := p.lookAtTable(&batch, "messages"), p.lookAtTable(&batch, "log_lock")
	err = conn.SendBatch(ctx, &batch).Close()
	p.messages, p.lock = *messages, *lock
	return p.messages != 0 && p.lock != 0, err
}

func lines(ctx context.Context, conn *pgx.Conn, sql string, args ...any) ([]string, error) {
	rows, err := conn.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

func (p *pinned) createTables(ctx context.Context, conn *pgx.Conn) error {
	return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock($1)`, createLock); err != nil {
			return err
		}
		// Another replica may have created them in the meantime. So may another
		// program, which IF NOT EXISTS would not notice.
		if complete, err := p.checkTables(ctx, conn); err != nil || complete {
			return err
		}
		if _, err := tx.Exec(ctx, `SELECT set_config('search_path', quote_ident($1), true)`, p.schema); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, createSQL)
		if pe, ok := errors.AsType[*pgconn.PgError](err); ok && pe.Code == "42501" {
			return fmt.Errorf("the role %q may not create tables here; "+
				"let an administrator start the server once, or grant CREATE on the schema: %w", conn.Config().User, err)
		}
		return err
	})
}

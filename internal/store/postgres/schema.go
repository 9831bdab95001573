package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
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

// The shape of the tables, as shapeOf describes it.
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
		return nil, connectError(err)
	}
	defer conn.Close(ctx)
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
	var newest int64
	var writable, granted, lockable bool
	err = step(ctx, logger, "a lock on the tables, which something else holds", func() error {
		if err := conn.QueryRow(ctx, p.sql.look).Scan(nil, &newest); err != nil {
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
	p.saw(newest)
	logger.Info("log opened", "address", conn.PgConn().Conn().RemoteAddr().String(), "database", conn.Config().Database,
		"schema", p.schema, "version", conn.PgConn().ParameterStatus("server_version"), "seq", newest)
	return p, nil
}

// checkServer refuses a database that cannot hold the log, and warns of settings
// of the whole server that lose messages.
func checkServer(ctx context.Context, conn *pgx.Conn, logger *slog.Logger) error {
	var encoding, fsync, fullPageWrites string
	err := conn.QueryRow(ctx, `SELECT pg_catalog.current_setting('server_encoding'),
		pg_catalog.current_setting('fsync'), pg_catalog.current_setting('full_page_writes')`).
		Scan(&encoding, &fsync, &fullPageWrites)
	if err != nil {
		return err
	}
	if encoding != "UTF8" {
		return fmt.Errorf("the database %q is encoded in %s, which cannot hold every message; create it with ENCODING 'UTF8'",
			conn.Config().Database, encoding)
	}
	if fsync == "off" || fullPageWrites == "off" {
		logger.Warn("the database's settings lose messages at a power cut; set both to on",
			"fsync", fsync, "full_page_writes", fullPageWrites)
	}
	return nil
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

// checkTables reports whether both tables exist. It returns an error if one exists
// and has another shape.
func (p *pinned) checkTables(ctx context.Context, conn *pgx.Conn) (complete bool, err error) {
	complete = true
	for table, oid := range map[string]*uint32{"messages": &p.messages, "log_lock": &p.lock} {
		got, err := p.shapeOf(ctx, conn, table, oid)
		switch {
		case err != nil:
			return false, err
		case got == "":
			complete = false
			continue
		case got != shapes[table]:
			return false, fmt.Errorf("the database has a relation named %s that is not this program's; "+
				"use another database or schema (search_path). It is: %s. Expected: %s", table, got, shapes[table])
		}
		meddlers, err := lines(ctx, conn, meddlersSQL, *oid)
		if err == nil {
			err = meddled(table, meddlers)
		}
		if err != nil {
			return false, err
		}
	}
	return complete, nil
}

// shapeOf returns a description of the relation of this name, "" if there is none.
func (p *pinned) shapeOf(ctx context.Context, conn *pgx.Conn, name string, oid *uint32) (string, error) {
	var kind string
	var flags int32
	err := conn.QueryRow(ctx, `SELECT m.oid, `+flagsSQL+`,
		CASE relpersistence WHEN 'u' THEN 'unlogged ' WHEN 't' THEN 'temporary ' ELSE '' END
		|| CASE relkind WHEN 'r' THEN 'table' WHEN 'v' THEN 'view' WHEN 'p' THEN 'partitioned table'
			WHEN 'f' THEN 'foreign table' WHEN 'm' THEN 'materialized view' ELSE 'relation' END
		|| CASE WHEN relispartition THEN ' that is a partition' ELSE '' END || coalesce(' USING ' || nullif(amname, 'heap'), '')
		FROM pg_class AS m JOIN pg_namespace AS n ON n.oid = relnamespace
			LEFT JOIN pg_am AS a ON a.oid = relam AND relkind IN ('r', 'm')
		WHERE nspname = $1 AND relname = $2`, p.schema, name).Scan(oid, &flags, &kind)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	if name == "messages" {
		p.flags.Store(flags)
	}
	// The collation counts, since an index serves only comparisons in its own: with
	// another one, each batch would read the whole table.
	columns, err := lines(ctx, conn, `SELECT attname || ' ' || format_type(atttypid, atttypmod)
			|| coalesce(' COLLATE ' || c.oid::regcollation, '')
			|| CASE WHEN attnotnull THEN ' not null' ELSE '' END
			|| CASE WHEN attgenerated <> '' THEN ' generated' WHEN attidentity <> '' THEN ' identity' ELSE '' END
			|| coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), '')
		FROM pg_attribute LEFT JOIN pg_collation AS c ON c.oid = attcollation AND c.oid <> '"default"'::regcollation
			LEFT JOIN pg_attrdef AS d ON d.adrelid = attrelid AND d.adnum = attnum
		WHERE attrelid = $1 AND attnum > 0 AND NOT attisdropped ORDER BY attnum`, *oid)
	if err != nil {
		return "", err
	}
	keys, err := lines(ctx, conn, `SELECT pg_get_constraintdef(oid) FROM pg_constraint
		WHERE conrelid = $1 AND contype IN ('p', 'u')`, *oid)
	if err != nil {
		return "", err
	}
	slices.Sort(keys)
	return kind + ": " + strings.Join(columns, ", ") + "; " + strings.Join(keys, ", "), nil
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

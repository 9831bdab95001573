package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// createSQL makes the log's tables. sender is in collation "C": names are
// compared as bytes, which is what a name is here, and which no new version of
// the operating system's locales can change under the index.
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
	"log_lock": "table: one boolean not null; PRIMARY KEY (one)",
	"messages": "table: seq bigint not null, sender text COLLATE \"C\" not null, sender_count bigint not null, text text not null, " +
		"sent_at timestamp with time zone not null, id uuid not null; " +
		"PRIMARY KEY (seq), UNIQUE (id), UNIQUE (sender, sender_count)",
}

// prepareDatabase makes sure that the tables are there and fit to be used.
func prepareDatabase(ctx context.Context, config *pgx.ConnConfig, logger *slog.Logger) error {
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return fmt.Errorf("the database cannot be reached; is it running, and is the URL right? %w", err)
	}
	defer conn.Close(ctx)

	var encoding, fsync, fullPageWrites string
	err = conn.QueryRow(ctx, `SELECT current_setting('server_encoding'), current_setting('fsync'), current_setting('full_page_writes')`).Scan(&encoding, &fsync, &fullPageWrites)
	if err != nil {
		return err
	}
	if encoding != "UTF8" {
		return fmt.Errorf("the database %q is encoded in %s, which cannot hold every message; create it with ENCODING 'UTF8'", config.Database, encoding)
	}
	if fsync == "off" || fullPageWrites == "off" {
		logger.Warn("the database's settings lose messages at a power cut; set both to on", "fsync", fsync, "full_page_writes", fullPageWrites)
	}

	complete, err := checkTables(ctx, conn)
	if err != nil {
		return err
	}
	if !complete {
		if err := createTables(ctx, conn); err != nil {
			return fmt.Errorf("the log's tables cannot be created: %w", err)
		}
	}
	var seq int64
	var lockable bool
	if err := conn.QueryRow(ctx, `SELECT coalesce(max(seq), 0), EXISTS (SELECT FROM log_lock) FROM messages`).Scan(&seq, &lockable); err != nil {
		return err
	}
	if !lockable {
		return errNoLockRow.Err
	}
	logger.Info("log opened", "address", conn.PgConn().Conn().RemoteAddr().String(), "database", config.Database,
		"version", conn.PgConn().ParameterStatus("server_version"), "seq", seq)
	return nil
}

// checkTables reports whether both tables are there, or an error if one is
// there and has another shape.
func checkTables(ctx context.Context, conn *pgx.Conn) (complete bool, err error) {
	complete = true
	for table, want := range shapes {
		got, err := shapeOf(ctx, conn, table)
		switch {
		case err != nil:
			return false, err
		case got == "":
			complete = false
		case got != want:
			return false, fmt.Errorf("the database has a relation named %s that is not this program's; "+
				"use another database or schema (search_path). It is: %s. Expected: %s", table, got, want)
		}
	}
	return complete, nil
}

// shapeOf describes the relation that name stands for, "" if there is none.
func shapeOf(ctx context.Context, conn *pgx.Conn, name string) (string, error) {
	var oid *uint32
	if err := conn.QueryRow(ctx, `SELECT to_regclass($1)::oid`, name).Scan(&oid); err != nil || oid == nil {
		return "", err
	}
	var kind string
	err := conn.QueryRow(ctx, `SELECT CASE relpersistence WHEN 'u' THEN 'unlogged ' WHEN 't' THEN 'temporary ' ELSE '' END || CASE relkind WHEN 'r' THEN 'table' WHEN 'v' THEN 'view' WHEN 'p' THEN 'partitioned table'
		WHEN 'f' THEN 'foreign table' WHEN 'm' THEN 'materialized view' ELSE 'relation' END FROM pg_class WHERE oid = $1`, *oid).Scan(&kind)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", nil // dropped in this instant
	}
	if err != nil {
		return "", err
	}
	// An index is of use only to comparisons in its own collation: with another
	// one, each batch would read the whole table.
	columns, err := lines(ctx, conn, `SELECT attname || ' ' || format_type(atttypid, atttypmod) || coalesce(' COLLATE ' || quote_ident(collname), '')
			|| CASE WHEN attnotnull THEN ' not null' ELSE '' END
		FROM pg_attribute LEFT JOIN pg_collation AS c ON c.oid = attcollation AND collname <> 'default' WHERE attrelid = $1 AND attnum > 0 AND NOT attisdropped ORDER BY attnum`, *oid)
	if err != nil {
		return "", err
	}
	keys, err := lines(ctx, conn, `SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = $1 AND contype IN ('p', 'u')`, *oid)
	if err != nil {
		return "", err
	}
	slices.Sort(keys)
	// What comes before an insert, or instead of it, could store something else.
	meddlers, err := lines(ctx, conn, `SELECT 'TRIGGER ' || quote_ident(tgname) FROM pg_trigger
			WHERE tgrelid = $1 AND NOT tgisinternal AND tgtype & 4 <> 0 AND tgtype & (2 | 64) <> 0
		UNION ALL SELECT 'RULE ' || quote_ident(rulename) FROM pg_rewrite WHERE ev_class = $1 AND ev_type = '3'`, *oid)
	if err != nil {
		return "", err
	}
	return kind + ": " + strings.Join(columns, ", ") + "; " + strings.Join(append(keys, meddlers...), ", "), nil
}

func lines(ctx context.Context, conn *pgx.Conn, sql string, args ...any) ([]string, error) {
	rows, err := conn.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

func createTables(ctx context.Context, conn *pgx.Conn) error {
	return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock($1)`, createLock); err != nil {
			return err
		}
		// Another replica may have been here in the meantime, and so may a
		// stranger: what IF NOT EXISTS would pass over in silence is an error.
		if complete, err := checkTables(ctx, conn); err != nil || complete {
			return err
		}
		_, err := tx.Exec(ctx, createSQL)
		if pe, ok := errors.AsType[*pgconn.PgError](err); ok && pe.Code == "42501" {
			return fmt.Errorf("the role %q may not create tables here; let an administrator start the server once, or grant CREATE on the schema: %w", conn.Config().User, err)
		}
		return err
	})
}

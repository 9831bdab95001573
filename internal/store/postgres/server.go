package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// checkServer refuses a database that cannot hold the log, and warns of settings
// of the whole server that lose messages.
func checkServer(ctx context.Context, conn *pgx.Conn, logger *slog.Logger) error {
	var encoding, fsync, fullPageWrites string
	err := conn.QueryRow(ctx, `SELECT pg_catalog.current_setting('server_encoding'),
		coalesce(pg_catalog.current_setting('fsync', true), ''), coalesce(pg_catalog.current_setting('full_page_writes', true), '')`).
		Scan(&encoding, &fsync, &fullPageWrites)
	if err != nil {
		return fmt.Errorf("the database's settings cannot be read: %w", err)
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

// checkLock makes sure, once, of what the order of the log rests on: one transaction
// gets the log's lock, in the isolation that it asks for, and meanwhile no other one
// does. A database that only speaks PostgreSQL's protocol may lack any of that.
//
// If somebody holds the lock already, that shows as much; nobody is waited for. The
// sessions are as the writer's, which lose the lock if this program freezes with it.
func (p *pinned) checkLock(ctx context.Context, config *pgx.ConnConfig) error {
	config = writerConfig(config)
	first, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return connectError(err, config)
	}
	defer first.Close(ctx)
	second, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return connectError(err, config)
	}
	defer second.Close(ctx)
	for _, conn := range []*pgx.Conn{first, second} {
		if granted, err := p.tryLock(ctx, conn); err != nil || !granted {
			return err
		}
	}
	return errors.New("the database gives the log's lock to two transactions at once (SELECT … FOR UPDATE), " +
		"and so would give two messages one number; use PostgreSQL 15 or newer")
}

// tryLock begins a transaction as the writer does, and reports whether it gets the
// log's lock at once. A role that lacks a grant does not, which Ready and appends tell,
// until the grant is given.
func (p *pinned) tryLock(ctx context.Context, conn *pgx.Conn) (granted bool, err error) {
	for _, sql := range []string{beginSQL, p.sql.lockTable + " NOWAIT", p.sql.lock + " NOWAIT"} {
		_, err := conn.Exec(ctx, sql)
		pe, refused := errors.AsType[*pgconn.PgError](err)
		switch {
		case err == nil:
		case refused && (pe.Code == "55P03" || pe.Code == "42501"): // lock_not_available, insufficient_privilege
			return false, nil
		case refused && (pe.Code == "0A000" || strings.HasPrefix(pe.Code, "42")): // not supported, or not known
			return false, fmt.Errorf("the database cannot do what orders the log; use PostgreSQL 15 or newer. It refuses %q: %w", sql, err)
		default:
			return false, err
		}
	}
	var isolation string
	if err := conn.QueryRow(ctx, `SELECT pg_catalog.current_setting('transaction_isolation')`).Scan(&isolation); err != nil {
		return false, err
	}
	if isolation != "read committed" {
		return false, fmt.Errorf("the database runs transactions in isolation %q where READ COMMITTED was asked for; use PostgreSQL 15 or newer", isolation)
	}
	return true, nil
}

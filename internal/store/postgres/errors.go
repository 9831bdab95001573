package postgres

import (
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"dummymessenger/internal/messenger"
)

// classify returns what the error of a failed round trip means for the batch.
//
// An ERROR that the server reports has aborted the transaction, whichever of
// its statements it came from, so nothing is stored. Anything else (FATAL, a
// broken connection, a time-out, a strange answer to COMMIT) leaves it open
// whether the commit took place.
func classify(err error) *messenger.Error {
	if e, ok := errors.AsType[*messenger.Error](err); ok {
		return e
	}
	if f, ok := errors.AsType[foreign](err); ok {
		return another("%v", f)
	}
	pe, ok := errors.AsType[*pgconn.PgError](err)
	switch {
	case !ok && pgconn.SafeToRetry(err):
		return unavailable(err)
	case !ok:
		return unknown(err)
	case pe.Code == "25P03": // idle_in_transaction_session_timeout: our batch was still to come
		return unavailable(err)
	case pe.SeverityUnlocalized != "ERROR",
		pe.Code == "08007", // transaction_resolution_unknown
		pe.Code == "40003": // statement_completion_unknown
		return unknown(err)
	case passing(pe.Code):
		return unavailable(err)
	case pe.Code == "53100": // disk_full
		return &messenger.Error{Kind: messenger.Unwritable, Cause: messenger.DiskFull, Err: err}
	}
	return &messenger.Error{Kind: messenger.Unwritable, Err: err}
}

// harmless is classify for a round trip that cannot have stored anything.
func harmless(err error) *messenger.Error {
	if e := classify(err); e.Kind != messenger.Unknown {
		return e
	}
	return unavailable(err)
}

// noConnection returns what a failure to connect means: nothing is stored, and waiting
// may help, unless the session was refused because it leads to another log.
func noConnection(err error) *messenger.Error {
	if e, ok := errors.AsType[*messenger.Error](err); ok {
		return e
	}
	return unavailable(err)
}

// sessionEnded reports whether err says that an operator ended this session, after
// which the next one may work.
func sessionEnded(err error) bool {
	pe, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (pe.Code == "57P01" || pe.Code == "57P02") // admin_shutdown, crash_shutdown
}

// passing reports whether waiting, or another host, is likely to help after an error
// with this SQLSTATE (PostgreSQL documentation, appendix A).
func passing(code string) bool {
	switch code {
	case "0A000", // feature_not_supported: BEGIN READ WRITE on what has become a standby
		"25006", // read_only_sql_transaction: likewise
		"55P03": // lock_not_available: lock_timeout
		return true
	}
	return strings.HasPrefix(code, "08") || // connection exception
		strings.HasPrefix(code, "40") || // transaction rollback: deadlock, serialization
		strings.HasPrefix(code, "57") // operator intervention: shutdown, cancelled query
}

func unavailable(err error) *messenger.Error {
	return &messenger.Error{Kind: messenger.Unavailable, Err: err}
}

func unknown(err error) *messenger.Error {
	return &messenger.Error{Kind: messenger.Unknown, Err: fmt.Errorf("the database did not confirm the commit: %w", err)}
}

var errNoLockRow = &messenger.Error{
	Kind: messenger.Unwritable, Cause: messenger.LockMissing,
	Err: errors.New("table log_lock has no row; stop all replicas and run: INSERT INTO log_lock DEFAULT VALUES"),
}

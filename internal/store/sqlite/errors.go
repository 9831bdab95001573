package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"github.com/ncruces/go-sqlite3"

	"dummymessenger/internal/messenger"
)

var errClosed = errors.New("the store is closed")

// A changed error says that the log is not what it was when it was opened.
type changed struct{ error }

func (c changed) Unwrap() error { return c.error }

// failure makes err, which came before COMMIT, a *messenger.Error. None of the
// batch is stored then, nor ever will be: no frame in the WAL says that the
// transaction was committed.
func failure(err error) *messenger.Error {
	kind, cause := messenger.Unavailable, messenger.NoCause
	switch {
	case errors.Is(err, errClosed):
		cause = messenger.Stopping
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded), errors.Is(err, sqlite3.INTERRUPT):
		cause = messenger.LogTimeout
	case errors.Is(err, sqlite3.BUSY), errors.Is(err, sqlite3.LOCKED):
		cause = messenger.LogInUse
	case errors.Is(err, sqlite3.FULL), errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		kind, cause = messenger.Unwritable, messenger.DiskFull
	case errors.Is(err, sqlite3.IOERR_WRITE): // how the driver reports a full disk, too, on most systems
		kind, cause = messenger.Unwritable, messenger.DiskFailing
	case errors.Is(err, sqlite3.READONLY), errors.Is(err, sqlite3.PERM),
		errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		kind, cause = messenger.Unwritable, messenger.NotPermitted
	case errors.Is(err, sqlite3.CORRUPT), errors.Is(err, sqlite3.NOTADB):
		kind, cause = messenger.Unwritable, messenger.Damaged
	case errors.Is(err, sqlite3.CONSTRAINT):
		kind, cause = messenger.Unwritable, messenger.RulesBroken
	default:
		if _, ok := errors.AsType[changed](err); ok {
			cause = messenger.LogChanged
		}
	}
	return &messenger.Error{Kind: kind, Cause: cause, Err: err}
}

// commitFailure makes err, which came from COMMIT, a *messenger.Error.
//
// Subtleness ahead! COMMIT writes the transaction's pages to the end of the
// WAL, the last one marked as a commit, flushes them, and only then moves the
// end of the log in the index that the processes share. So after an error no
// living connection sees the transaction, and the next writer overwrites it.
//
//   - BUSY comes before the first byte. After a failed write the frame with the
//     mark is missing or its checksum is wrong, for an error of write(2) means
//     that not all of it was taken. Both: not stored.
//   - After any other error, as of the flush, the whole transaction may be in
//     the file. If all processes die before it is overwritten, the next one
//     reads the WAL to its last valid mark and brings it back. An append of the
//     same drafts, marked MayExist, finds out: holding the lock, it either sees
//     their ids or overwrites them.
func commitFailure(err error) *messenger.Error {
	if errors.Is(err, sqlite3.BUSY) || errors.Is(err, sqlite3.FULL) || errors.Is(err, sqlite3.IOERR_WRITE) {
		return failure(err)
	}
	return &messenger.Error{Kind: messenger.Unknown, Err: fmt.Errorf("COMMIT: %w", err)}
}

// explain says what is wrong with the file, for people who start a server.
func explain(path string, err error) error {
	var hint string
	switch {
	case errors.Is(err, sqlite3.NOTADB):
		hint = "is not an SQLite database; name another file"
	case errors.Is(err, sqlite3.CORRUPT):
		hint = "is damaged; restore a copy, or rescue it with the sqlite3 shell's .recover"
	case errors.Is(err, sqlite3.READONLY):
		hint = "is read-only, or its folder is; both must be writable"
	case errors.Is(err, sqlite3.CANTOPEN), errors.Is(err, fs.ErrPermission):
		hint = "cannot be opened; the file, its -wal, -shm and .lock and their folder must be readable and writable, " +
			"and none a symbolic link"
	case errors.Is(err, sqlite3.BUSY):
		hint = "is in use by another program; find it with fuser or lsof and end it"
	case errors.Is(err, sqlite3.FULL), errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		hint = "cannot grow: its disk or quota is full (df, quota); make room"
	case errors.Is(err, sqlite3.IOERR): // how the driver reports a full disk, too, on most systems
		hint = "cannot be written or read: its disk or quota is full (df, quota), or the disk fails (dmesg)"
	default:
		return fmt.Errorf("database %s: %w", path, err)
	}
	return fmt.Errorf("database %s %s: %w", path, hint, err)
}

package postgres

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"

	"dummymessenger/internal/messenger"
)

// pinned is the log that a Store has opened: where it is, and up to which message
// the Store has seen it. While a replica runs, a name can come to stand for another
// table, and a table can go back to an older state: after a restore, or at a primary
// that has been replaced. So every statement names the schema, and every append and
// read checks that this is still the log.
type pinned struct {
	schema         string
	messages, lock uint32 // OIDs of the tables
	place          string // server and database
	placeSQL       string // the expression whose value place is

	sql statements

	seen    atomic.Pointer[known] // the newest message; never nil in an open Store
	missing atomic.Int64          // seq of a message that was found to be missing, 0 if there is none
	altered atomic.Bool           // Ready has found that the table was altered
}

// known identifies a message that was seen before.
type known struct {
	seq int64
	id  messenger.ID
}

// statements are those of queries.go, for the tables of one schema.
type statements struct {
	lockTable, lock, newest, window, look, read, find, insert, ready string
}

func statementsFor(schema string) statements {
	messages, lock := pgx.Identifier{schema, "messages"}.Sanitize(), pgx.Identifier{schema, "log_lock"}.Sanitize()
	r := strings.NewReplacer(
		"'{messages}'", "'"+strings.ReplaceAll(messages, "'", "''")+"'",
		"{messages}", messages, "{log_lock}", lock)
	return statements{
		lockTable: r.Replace(lockTableSQL), lock: r.Replace(lockSQL), newest: r.Replace(newestSQL), window: r.Replace(windowSQL),
		look: r.Replace(lookSQL), read: r.Replace(readSQL), find: r.Replace(findSQL), insert: r.Replace(insertSQL),
		ready: r.Replace(readySQL),
	}
}

// id identifies this log among all others. A promoted standby has the same, and so
// does every copy of the whole server.
func (p *pinned) id() string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s/%d", p.place, p.messages))
	return hex.EncodeToString(sum[:8])
}

// saw notes that the log holds this message.
func (p *pinned) saw(seq int64, id messenger.ID) {
	for {
		seen := p.seen.Load()
		if seen != nil && seq <= seen.seq || p.seen.CompareAndSwap(seen, &known{seq, id}) {
			return
		}
	}
}

// A look is what lookSQL finds, and what had been seen before.
type look struct {
	messages uint32
	newest   int64
	newestID pgtype.UUID // null in an empty log
	seenID   pgtype.UUID // of the message seen.seq; null if that is gone
	present  bool

	seen    *known
	missing int64
}

func (p *pinned) newLook() *look { return &look{seen: p.seen.Load(), missing: p.missing.Load()} }

// check returns an error if the look found another table, or if a message that was seen
// before is missing or differs.
func (p *pinned) check(l *look) error {
	switch {
	case l.messages != p.messages:
		return another("table %s.messages is not the one that the log was opened in, but was made since; "+
			"put that one back, or restart all replicas to go on in this one", p.schema)
	case l.newest < l.seen.seq:
		return another("the newest message has seq %d, but there was one with seq %d: "+
			"table %s.messages was emptied or restored, or this server is a primary that was replaced; "+
			"bring the messages back, or restart all replicas to go on after seq %d", l.newest, l.seen.seq, p.schema, l.newest)
	case !l.present:
		return another("%v", p.lacks(l.missing))
	case l.seen.seq > 0 && !l.seenID.Valid:
		return another("%v", p.lacks(l.seen.seq))
	case l.seen.seq > 0 && l.seenID.Bytes != l.seen.id:
		return another("message %d is not the one that was there: table %s.messages was restored and written to since, "+
			"or this server lacked messages when it became the primary; "+
			"bring the log back, or restart all replicas to go on with this one", l.seen.seq, p.schema)
	}
	if l.missing != 0 {
		p.missing.CompareAndSwap(l.missing, 0)
	}
	p.saw(l.newest, l.newestID.Bytes)
	return nil
}

// lacks records that message seq is missing and returns an error that says so. Until
// the message is back, check returns the same error.
func (p *pinned) lacks(seq int64) error {
	p.missing.Store(seq)
	return foreign(fmt.Sprintf("message %d is missing: it was deleted from table %s.messages; bring it back", seq, p.schema))
}

// consecutive returns the messages of rows, or an error unless they follow each other,
// the first one the message after.
func (p *pinned) consecutive(rows []row, after int64) ([]messenger.Message, error) {
	messages := make([]messenger.Message, len(rows))
	for i, r := range rows {
		if after++; r.Seq != after {
			return nil, p.lacks(after)
		}
		messages[i] = r.Message
	}
	return messages, nil
}

// window returns the log's newest messages, up to limit and in ascending order, which
// rows hold in descending order.
func (p *pinned) window(rows []row, limit int) ([]messenger.Message, error) {
	slices.Reverse(rows)
	var after int64
	if len(rows) == limit {
		after = rows[0].Seq - 1
	}
	return p.consecutive(rows, after)
}

// look adds a look at the log to batch, which fails if check does.
func (p *pinned) look(batch *pgx.Batch) {
	l := p.newLook()
	batch.Queue(p.sql.look, l.seen.seq, l.missing).QueryRow(func(row pgx.Row) error {
		if err := row.Scan(&l.messages, &l.newest, &l.newestID, &l.seenID, &l.present); err != nil {
			return err
		}
		return p.check(l)
	})
}

// lookBy looks at the log in a new session. If PostgreSQL refuses the statement, lookBy
// ignores that: the session's first real statement will return the reason.
func (p *pinned) lookBy(ctx context.Context, conn *pgconn.PgConn) error {
	l := p.newLook()
	seen, missing := fmt.Append(nil, l.seen.seq), fmt.Append(nil, l.missing)
	found := conn.ExecParams(ctx, p.sql.look, [][]byte{seen, missing}, nil, nil, nil).Read()
	if err := found.Err; err != nil {
		if _, ok := errors.AsType[*pgconn.PgError](err); ok && !conn.IsClosed() {
			return nil
		}
		return err
	}
	types, fields, row := pgtype.NewMap(), found.FieldDescriptions, found.Rows[0]
	for i, target := range []any{&l.messages, &l.newest, &l.newestID, &l.seenID, &l.present} {
		if err := types.Scan(fields[i].DataTypeOID, pgtype.TextFormatCode, row[i], target); err != nil {
			return err
		}
	}
	return p.check(l)
}

// errAnother is wrapped by errors that say what is wrong with the log itself.
var errAnother = errors.New("the log is not as it was opened")

func another(format string, args ...any) *messenger.Error {
	err := fmt.Errorf("%w: %s", errAnother, fmt.Sprintf(format, args...))
	return &messenger.Error{Kind: messenger.Unwritable, Cause: messenger.LogChanged, Err: err}
}

// foreign is an error that says why the tables, or what is in them, cannot be the log's.
type foreign string

func (f foreign) Error() string { return string(f) }

// place returns which server and database conn leads to, and the expression for it.
// If the role may not ask for the server, only the database's OID identifies it.
func place(ctx context.Context, conn *pgx.Conn) (place, placeSQL string, err error) {
	placeSQL = `(SELECT d.oid::text FROM pg_catalog.pg_database AS d WHERE d.datname = pg_catalog.current_database())`
	var may bool
	if err := conn.QueryRow(ctx, `SELECT has_function_privilege('pg_catalog.pg_control_system()', 'EXECUTE')`).Scan(&may); err != nil {
		return "", "", err
	}
	if may {
		placeSQL = `(SELECT system_identifier::text || '/' FROM pg_catalog.pg_control_system()) || ` + placeSQL
	}
	err = conn.QueryRow(ctx, `SELECT `+placeSQL).Scan(&place)
	return place, placeSQL, err
}

package postgres

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

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

	flags atomic.Int32 // of messages, when meddlersSQL last found nothing
	seen  atomic.Int64 // seq of the newest message
}

// statements are those of sql.go, for the tables of one schema.
type statements struct {
	lockTable, lock, newest, look, read, find, insert, ready string
}

func statementsFor(schema string) statements {
	messages, lock := pgx.Identifier{schema, "messages"}.Sanitize(), pgx.Identifier{schema, "log_lock"}.Sanitize()
	r := strings.NewReplacer(
		"'{messages}'", "'"+strings.ReplaceAll(messages, "'", "''")+"'",
		"{messages}", messages, "{log_lock}", lock)
	return statements{
		lockTable: r.Replace(lockTableSQL), lock: r.Replace(lockSQL), newest: r.Replace(newestSQL), look: r.Replace(lookSQL),
		read: r.Replace(readSQL), find: r.Replace(findSQL), insert: r.Replace(insertSQL), ready: r.Replace(readySQL),
	}
}

// id identifies this log among all others. A promoted standby has the same, and so
// does every copy of the whole server.
func (p *pinned) id() string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s/%d", p.place, p.messages))
	return hex.EncodeToString(sum[:8])
}

// saw notes that the log holds a message with this seq.
func (p *pinned) saw(seq int64) {
	for {
		seen := p.seen.Load()
		if seq <= seen || p.seen.CompareAndSwap(seen, seq) {
			return
		}
	}
}

// check returns an error if a look at the log found another table, or fewer messages
// than had been seen before the look.
func (p *pinned) check(messages uint32, newest, seen int64) error {
	switch {
	case messages != p.messages:
		return another("table %s.messages is not the one that the log was opened in, but was made since; "+
			"put that one back, or restart all replicas to go on in this one", p.schema)
	case newest < seen:
		return another("the newest message has seq %d, but there was one with seq %d: "+
			"table %s.messages was emptied or restored, or this server is a primary that was replaced; "+
			"bring the messages back, or restart all replicas to go on after seq %d", newest, seen, p.schema, newest)
	}
	p.saw(newest)
	return nil
}

// look adds a look at the log to batch, which fails if check does.
func (p *pinned) look(batch *pgx.Batch) {
	seen := p.seen.Load()
	batch.Queue(p.sql.look).QueryRow(func(row pgx.Row) error {
		var messages uint32
		var newest int64
		if err := row.Scan(&messages, &newest); err != nil {
			return err
		}
		return p.check(messages, newest, seen)
	})
}

// lookBy is a look at the log by a new session. If PostgreSQL refuses the statement,
// the first one that matters will say why.
func (p *pinned) lookBy(ctx context.Context, conn *pgconn.PgConn) error {
	seen := p.seen.Load()
	results, err := conn.Exec(ctx, p.sql.look).ReadAll()
	if err != nil {
		if _, ok := errors.AsType[*pgconn.PgError](err); ok && !conn.IsClosed() {
			return nil
		}
		return err
	}
	row := results[0].Rows[0]
	messages, err := strconv.ParseUint(string(row[0]), 10, 32)
	if err != nil {
		return err
	}
	newest, err := strconv.ParseInt(string(row[1]), 10, 64)
	if err != nil {
		return err
	}
	return p.check(uint32(messages), newest, seen)
}

// errAnother is wrapped by errors that say what is wrong with the log itself.
var errAnother = errors.New("the log is not as it was opened")

func another(format string, args ...any) error {
	err := fmt.Errorf("%w: %s", errAnother, fmt.Sprintf(format, args...))
	return &messenger.Error{Kind: messenger.Unwritable, Cause: messenger.LogChanged, Err: err}
}

// meddlersSQL names everything that could change what is read of table $1 or stored
// in it. REINDEX CONCURRENTLY makes a second unique index on a constraint's columns,
// which is fine.
const meddlersSQL = `
SELECT 'row-level security' FROM pg_class WHERE oid = $1 AND (relrowsecurity OR relforcerowsecurity)
UNION ALL SELECT 'CHILD TABLE ' || inhrelid::regclass FROM pg_inherits WHERE inhparent = $1
UNION ALL SELECT 'PARENT TABLE ' || inhparent::regclass FROM pg_inherits WHERE inhrelid = $1
UNION ALL SELECT 'TRIGGER ' || quote_ident(tgname) FROM pg_trigger WHERE tgrelid = $1 AND NOT tgisinternal
UNION ALL SELECT 'RULE ' || quote_ident(rulename) FROM pg_rewrite WHERE ev_class = $1
UNION ALL SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = $1 AND contype IN ('f', 'x')
UNION ALL SELECT 'UNIQUE INDEX ' || i.indexrelid::regclass FROM pg_index AS i WHERE i.indrelid = $1 AND i.indisunique AND NOT EXISTS (
	SELECT FROM pg_constraint AS c JOIN pg_index AS own ON own.indexrelid = c.conindid
	WHERE c.conrelid = $1 AND own.indkey = i.indkey AND i.indexprs IS NULL AND i.indpred IS NULL)`

// meddled returns an error that lists what meddlersSQL found, nil if that is nothing.
func meddled(table string, found []string) error {
	if len(found) == 0 {
		return nil
	}
	return fmt.Errorf("table %s is not this program's alone: it has %s, which could change what is read or stored; "+
		"remove that, or use another database or schema (search_path)", table, strings.Join(found, ", "))
}

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

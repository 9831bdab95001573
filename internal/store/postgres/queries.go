package postgres

import (
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"dummymessenger/internal/messenger"
)

const (
	beginSQL = `BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE`

	// The insert's lock on the table is taken before the log's, so that a replica that
	// waits for an operator's VACUUM FULL or CREATE INDEX does not hold up the others.
	lockTableSQL = `LOCK TABLE ONLY {messages} IN ROW EXCLUSIVE MODE`

	// The row is never updated, so it leaves no dead versions behind.
	//
	// Beside the lock: which table messages is, the transaction that last wrote the
	// catalogue's row about it, and whether it has or had triggers, rules or children.
	// While lockTableSQL's lock is held none of that changes, but for new children,
	// which do not alter the append under way.
	lockSQL = `SELECT l.tableoid, m.oid, m.xmin, m.relhastriggers OR m.relhasrules OR m.relhassubclass
		FROM ONLY {log_lock} AS l, pg_class AS m WHERE m.oid = '{messages}'::regclass FOR UPDATE OF l`

	// Which table this is, its newest message, the ID of message $1, and whether there
	// is a message $2, if that is not 0.
	lookSQL = `SELECT m.oid, coalesce(newest.seq, 0), newest.id, (SELECT id FROM ONLY {messages} WHERE seq = $1),
			$2::bigint = 0 OR EXISTS (SELECT FROM ONLY {messages} WHERE seq = $2)
		FROM pg_class AS m LEFT JOIN LATERAL (SELECT seq, id FROM ONLY {messages} ORDER BY seq DESC LIMIT 1) AS newest ON true
		WHERE m.oid = '{messages}'::regclass`

	columnsSQL = `seq, sender, sender_count, text, sent_at, id`

	newestSQL = `SELECT ` + columnsSQL + ` FROM ONLY {messages} ORDER BY seq DESC LIMIT $1`

	// The append's: beside each message the ID of message $2. As a statement of its own
	// that would cost three times as much.
	windowSQL = `SELECT ` + columnsSQL + `, (SELECT id FROM ONLY {messages} WHERE seq = $2)
		FROM ONLY {messages} ORDER BY seq DESC LIMIT $1`

	readSQL = `SELECT ` + columnsSQL + ` FROM ONLY {messages} WHERE seq > $1 ORDER BY seq LIMIT $2`

	findSQL = `SELECT ` + columnsSQL + ` FROM ONLY {messages} WHERE id = ANY($1)`

	readySQL = `SELECT current_setting('transaction_read_only') = 'off',
		has_table_privilege('{messages}', 'INSERT'), EXISTS (SELECT FROM ONLY {log_lock})`
)

// A row is a message as it is scanned.
type row struct {
	messenger.Message
	id messenger.ID
}

// columnTypes are those of columnsSQL.
var columnTypes = [...]uint32{pgtype.Int8OID, pgtype.TextOID, pgtype.Int8OID, pgtype.TextOID, pgtype.TimestamptzOID, pgtype.UUIDOID}

// scan returns the rows of a statement that selects columnsSQL, unless a column has
// been given another type, by which PostgreSQL may have altered what is in it. The
// columns behind those go to more.
func scan(rows pgx.Rows, more ...any) ([]row, error) {
	return pgx.CollectRows(rows, func(scanned pgx.CollectableRow) (r row, err error) {
		fields := scanned.FieldDescriptions()
		for i, want := range columnTypes {
			if f := fields[i]; f.DataTypeOID != want || f.TypeModifier != -1 {
				return r, foreign(fmt.Sprintf("column %s of table messages was given another type", f.Name))
			}
		}
		err = scanned.Scan(append([]any{&r.Seq, &r.Sender, &r.SenderCount, &r.Text, &r.SentAt, &r.id}, more...)...)
		r.SentAt = r.SentAt.UTC()
		return r, err
	})
}

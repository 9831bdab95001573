package postgres

import (
	"time"

	"github.com/jackc/pgx/v5"

	"dummymessenger/internal/messenger"
)

const (
	// The insert's lock on the table is taken before the log's, so that a replica that
	// waits for an operator's VACUUM FULL or CREATE INDEX does not hold up the others.
	lockTableSQL = `LOCK TABLE ONLY {messages} IN ROW EXCLUSIVE MODE`

	// The row is never updated, so it leaves no dead versions behind. The OID and
	// flags of messages are read along with it: changing them takes a lock on the
	// table that conflicts with lockTableSQL's.
	lockSQL = `SELECT l.tableoid, m.oid, ` + flagsSQL + ` FROM ONLY {log_lock} AS l, pg_class AS m
		WHERE m.oid = '{messages}'::regclass FOR UPDATE OF l`

	// Signs that something may meddle with the table. The flags outlive what set
	// them, so only meddlersSQL can tell.
	flagsSQL = `m.relrowsecurity::int + 2 * m.relforcerowsecurity::int + 4 * m.relhasrules::int + 8 * m.relhastriggers::int`

	// Which table this is, and its newest seq.
	lookSQL = `SELECT m.oid, (SELECT coalesce(max(seq), 0) FROM ONLY {messages})
		FROM pg_class AS m WHERE m.oid = '{messages}'::regclass`

	newestSQL = `SELECT seq, sender, sender_count, text, sent_at FROM ONLY {messages} ORDER BY seq DESC LIMIT $1`

	readSQL = `SELECT seq, sender, sender_count, text, sent_at FROM ONLY {messages} WHERE seq > $1 ORDER BY seq LIMIT $2`

	findSQL = `SELECT seq, sender, sender_count, text, sent_at, id FROM ONLY {messages} WHERE id = ANY($1)`

	// $1 and $2 are seq and sent_at of the newest message, as read under the
	// lock. $3 names the batch's senders, each once. The other arrays have an
	// element for each message: its id, sender and text, which of $3 sent it,
	// and how many of that sender's it is in the batch.
	//
	// Subtleness ahead! sent_at comes from clock_timestamp(), since now() is
	// the time when the transaction began, which is before it got the lock.
	// It is read once (MATERIALIZED), since per row it would follow the order of
	// the plan, not that of seq; and it is never before the newest message's, even
	// if the clock steps back.
	//
	// The arrays are unnested in a SELECT list, which streams them; in FROM they
	// would be stored once more, which costs as much as inserting a few rows.
	insertSQL = `
WITH known AS MATERIALIZED (
	SELECT greatest($2::timestamptz, clock_timestamp()) AS sent_at, ARRAY(
		SELECT coalesce((SELECT max(sender_count) FROM ONLY {messages} AS m WHERE m.sender = s.name COLLATE "C"), 0)
		FROM (SELECT unnest($3::text[]) AS name) AS s
	) AS counts
)
INSERT INTO {messages} (seq, sender, sender_count, text, sent_at, id)
SELECT $1 + place, sender, known.counts[which] + nth, text, known.sent_at, id
FROM known, (
	SELECT generate_series(1, cardinality($4::uuid[])) AS place, unnest($4::uuid[]) AS id, unnest($5::text[]) AS sender,
		unnest($6::text[]) AS text, unnest($7::bigint[]) AS which, unnest($8::bigint[]) AS nth
) AS d
RETURNING seq, sender_count, sent_at`

	readySQL = `SELECT current_setting('transaction_read_only') = 'off',
		has_table_privilege('{messages}', 'INSERT'), EXISTS (SELECT FROM ONLY {log_lock})`
)

// A row is a message as it is scanned.
type row struct {
	seq, count   int64
	sender, text string
	sentAt       time.Time
}

// fields returns where to scan the columns seq, sender, sender_count, text, sent_at.
func (r *row) fields() []any {
	return []any{&r.seq, &r.sender, &r.count, &r.text, &r.sentAt}
}

func (r *row) message() messenger.Message {
	return messenger.Message{Seq: r.seq, Sender: r.sender, SenderCount: r.count, Text: r.text, SentAt: r.sentAt.UTC()}
}

func scanMessage(rows pgx.CollectableRow) (messenger.Message, error) {
	var r row
	err := rows.Scan(r.fields()...)
	return r.message(), err
}

package postgres

import (
	"time"

	"github.com/jackc/pgx/v5"

	"dummymessenger/internal/messenger"
)

const (
	// What the insert needs is locked before the log is, so that whoever waits
	// for an operator's VACUUM FULL or CREATE INDEX does not hold up the others.
	lockTableSQL = `LOCK TABLE messages IN ROW EXCLUSIVE MODE`

	// The row is never updated, so it leaves no dead versions behind.
	lockSQL = `SELECT FROM log_lock FOR UPDATE`

	newestSQL = `SELECT seq, sender, sender_count, text, sent_at FROM messages ORDER BY seq DESC LIMIT $1`

	readSQL = `SELECT seq, sender, sender_count, text, sent_at FROM messages WHERE seq > $1 ORDER BY seq LIMIT $2`

	findSQL = `SELECT seq, sender, sender_count, text, sent_at, id FROM messages WHERE id = ANY($1)`

	// Subtleness ahead! sent_at comes from clock_timestamp(), since now() is
	// the time when the transaction began, which is before it got the lock.
	// It is read once (MATERIALIZED), for called once per row it follows the
	// order of the plan, not that of seq; and it never falls below the date of
	// the last message, whatever the clock does.
	insertSQL = `
WITH head AS MATERIALIZED (
	SELECT coalesce(last.seq, 0) AS seq, greatest(last.sent_at, clock_timestamp()) AS sent_at
	FROM (VALUES (1)) AS one
	LEFT JOIN (SELECT seq, sent_at FROM messages ORDER BY seq DESC LIMIT 1) AS last ON true
), draft AS (
	SELECT id, sender, text,
		row_number() OVER (ORDER BY place) AS seq,
		row_number() OVER (PARTITION BY sender ORDER BY place) AS sender_count
	FROM (
		SELECT id, sender COLLATE "C" AS sender, text, may_exist, place
		FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bool[]) WITH ORDINALITY AS d (id, sender, text, may_exist, place)
	) AS d
	WHERE NOT may_exist OR (SELECT seq FROM messages AS m WHERE m.id = d.id) IS NULL
)
INSERT INTO messages (seq, sender, sender_count, text, sent_at, id)
SELECT head.seq + draft.seq, sender,
	coalesce((SELECT max(sender_count) FROM messages AS m WHERE m.sender = draft.sender), 0) + draft.sender_count,
	text, head.sent_at, id
FROM head, draft
RETURNING seq, sender_count, sent_at, id`

	readySQL = `SELECT current_setting('transaction_read_only') = 'off', has_table_privilege('messages', 'INSERT'), EXISTS (SELECT FROM log_lock)`
)

// A row is a message on its way out of the database.
type row struct {
	seq, count   int64
	sender, text string
	sentAt       time.Time
}

// fields are the places for the columns seq, sender, sender_count, text, sent_at.
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

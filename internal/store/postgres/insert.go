package postgres

import (
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"dummymessenger/internal/messenger"
)

// insertSQL stores a batch and numbers it: each message after the newest one of the
// log, and after the newest one of its sender's.
//
// $1 and $2 are seq and sent_at of the newest message, as read under the lock. $3
// names the batch's senders, each once. The other arrays have an
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
const insertSQL = `
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

// An insert is the new messages of a batch, as the arguments of insertSQL. The
// database numbers them by each one's place in the batch and among its sender's.
type insert struct {
	after messenger.Message // the newest message of the log

	names []string // of the senders, each once

	ids            []messenger.ID
	senders, texts []string
	which, nth     []int64 // index in names, and place among this sender's; both from 1

	perName  []int64 // how many messages of each sender there are
	index    map[string]int64
	messages []*messenger.Message // which number completes
}

func (b *insert) add(d messenger.Draft, m *messenger.Message) {
	which, ok := b.index[d.Sender]
	if !ok {
		if b.index == nil {
			b.index = make(map[string]int64)
		}
		b.names = append(b.names, d.Sender)
		b.perName = append(b.perName, 0)
		which = int64(len(b.names))
		b.index[d.Sender] = which
	}
	b.perName[which-1]++
	b.ids = append(b.ids, d.ID)
	b.senders = append(b.senders, d.Sender)
	b.texts = append(b.texts, d.Text)
	b.which = append(b.which, which)
	b.nth = append(b.nth, b.perName[which-1])
	m.Sender, m.Text = d.Sender, d.Text
	b.messages = append(b.messages, m)
}

// number completes the messages with their numbers and dates, which rows hold.
func (b *insert) number(rows pgx.Rows) error {
	var seq, count int64
	var sentAt time.Time
	done := 0
	_, err := pgx.ForEachRow(rows, []any{&seq, &count, &sentAt}, func() error {
		m := b.messages[seq-b.after.Seq-1]
		m.Seq, m.SenderCount, m.SentAt = seq, count, sentAt.UTC()
		done++
		return nil
	})
	if err == nil && done != len(b.messages) {
		err = fmt.Errorf("%d of %d messages were stored", done, len(b.messages))
	}
	return err
}

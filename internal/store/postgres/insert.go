package postgres

import (
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"dummymessenger/internal/messenger"
)

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

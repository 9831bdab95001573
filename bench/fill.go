package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// filled is a contender of 50 workers on a log that has so many messages, who
// send as its senders.
func (b *bench) filled(messages, senders int) *contender {
	name, file := fmt.Sprintf("%d messages of %d senders", messages, senders), b.path("senders")
	s := &servers{name: name, start: func(ctx context.Context) (*group, error) {
		var names strings.Builder
		for i := range senders {
			fmt.Fprintf(&names, "sender-%d\n", i)
		}
		if err := os.WriteFile(file, []byte(names.String()), 0o600); err != nil {
			return nil, err
		}
		url, err := b.createDatabase(ctx)
		if err != nil {
			return nil, err
		}
		tables, err := b.startReplicas(ctx, b.server, url, 1) // a server makes them
		if err != nil {
			return nil, err
		}
		tables.stop()
		if err := b.fill(ctx, url, messages, senders); err != nil {
			return nil, err
		}
		return b.startReplicas(ctx, b.server, url, 2)
	}}
	l := load{args: append(b.timed(50), "--senders", file)}
	if senders > 10 {
		l.excused = manySenders
	}
	return b.sends(name, s, l, nil)
}

// fillSQL stores $1 messages of $2 senders, with counters and dates as they
// have to be, and with IDs that grow, as UUIDv7s do. The text is of about the
// average size of the client's.
const fillSQL = `
INSERT INTO messages (seq, sender, sender_count, text, sent_at, id)
SELECT i, 'sender-' || i % $2, (i - 1) / $2 + 1,
	'0123456789AB-012-00345 скоро буду, see you at seven. Спасибо! Не забудь зонт 😀 done, sure',
	timestamptz '2026-01-01 UTC' + i * interval '1 millisecond',
	('01900000-0000-7000-8000-' || lpad(to_hex(i), 12, '0'))::uuid
FROM generate_series(1, $1::bigint) AS i`

func (b *bench) fill(ctx context.Context, url string, messages, senders int) error {
	start := time.Now()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if _, err := conn.Exec(ctx, fillSQL, messages, senders); err != nil {
		return err
	}
	// The checkpoint writes the pages to disk now, not during the runs.
	for _, sql := range []string{`VACUUM ANALYZE messages`, `CHECKPOINT`} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return err
		}
	}
	b.say("  filling in %d messages took %.0f s", messages, time.Since(start).Seconds())
	return nil
}

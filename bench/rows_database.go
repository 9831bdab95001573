package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// storedSQL is what one message needs, all of it in the database: the fewest
// round trips that one transaction per message can have. Each statement of the
// function has a snapshot of its own, so what comes after the lock is current.
const storedSQL = `
CREATE FUNCTION post(id uuid, sender text, body text) RETURNS SETOF messages LANGUAGE plpgsql AS $$
DECLARE
	n bigint;
	at timestamptz;
BEGIN
	PERFORM FROM log_lock FOR UPDATE;
	SELECT m.seq, m.sent_at INTO n, at FROM messages AS m ORDER BY m.seq DESC LIMIT 1;
	n := coalesce(n, 0) + 1;
	INSERT INTO messages (seq, sender, sender_count, text, sent_at, id)
	SELECT n, post.sender, coalesce((SELECT max(m.sender_count) FROM messages AS m WHERE m.sender = post.sender COLLATE "C"), 0) + 1,
		body, greatest(at, clock_timestamp()), post.id;
	RETURN QUERY SELECT * FROM messages AS m WHERE m.seq BETWEEN n - 9 AND n ORDER BY m.seq;
END $$`

// storedScript posts a message by a random one of ten senders.
const storedScript = `\set who random(0, 9)
SELECT * FROM post(gen_random_uuid(), 'sender-' || :who, '` + typicalText + `');
`

func (b *bench) storedFunction(ctx context.Context) ([]line, error) {
	ours, err := b.onPostgres(ctx, 2)
	if err != nil {
		return nil, err
	}
	defer ours.stop()
	pgbench, err := exec.LookPath(b.cluster.Program("pgbench"))
	if err != nil {
		return nil, missing("there is no pgbench beside PostgreSQL's server programs; apt-get install postgresql-contrib, or the like")
	}
	url, err := b.emptyLog(ctx)
	if err != nil {
		return nil, err
	}
	if err := b.exec(ctx, url, storedSQL); err != nil {
		return nil, err
	}
	script := b.path("post.sql")
	if err := os.WriteFile(script, []byte(storedScript), 0o600); err != nil {
		return nil, err
	}

	// The number of transactions is bounded and not the time, since pgbench
	// counts making its connections, which takes a while, as part of it.
	each := 10
	s, err := b.takeTurns(ctx,
		b.throughput("ours", load{urls: ours.urls, args: b.timed(50)}),
		contender{name: "pgbench", unit: "/s", run: func(ctx context.Context) (perSecond float64, err error) {
			perSecond, err = b.pgbench(ctx, pgbench, url, script, each)
			each = max(10, int(perSecond*b.length.Seconds()/50))
			return perSecond, err
		}},
	)
	if err != nil {
		return nil, err
	}
	if err := b.checkLog(ctx, url); err != nil {
		return nil, fmt.Errorf("pgbench's log: %w", err)
	}
	return []line{compare("50 at once, PostgreSQL: ours over HTTP ÷ a stored function called by pgbench", s[0], s[1], atLeast(12))}, nil
}

var transactionsPerSecond = regexp.MustCompile(`(?m)^tps = ([\d.]+) `)

// pgbench runs script each times on every one of 50 connections.
func (b *bench) pgbench(ctx context.Context, program, url, script string, each int) (float64, error) {
	// Now PostgreSQL plans for a table that is not empty.
	if err := b.exec(ctx, url, `VACUUM ANALYZE messages`); err != nil {
		return 0, err
	}
	cmd := exec.CommandContext(ctx, program, "--no-vacuum", "--protocol", "prepared", "--client", "50", "--jobs", strconv.Itoa(runtime.NumCPU()),
		"--transactions", strconv.Itoa(each), "--file", script, url)
	out, err := cmd.CombinedOutput()
	found := transactionsPerSecond.FindSubmatch(out)
	switch {
	case err != nil:
		return 0, fmt.Errorf("pgbench failed: %w\n%s", err, out)
	case found == nil:
		return 0, fmt.Errorf("pgbench reports no speed\n%s", out)
	}
	return strconv.ParseFloat(string(found[1]), 64)
}

// checkLog asserts in the table what the client asserts from answers.
func (b *bench) checkLog(ctx context.Context, url string) error {
	var problems []string
	err := b.query(ctx, url, &problems, `
SELECT coalesce(array_agg(problem), '{}') FROM (
	SELECT 'seq has holes' AS problem FROM messages HAVING count(*) <> coalesce(max(seq), 0)
	UNION ALL SELECT DISTINCT 'sender_count does not follow seq' FROM
		(SELECT sender_count, row_number() OVER (PARTITION BY sender ORDER BY seq) AS want FROM messages) AS m WHERE sender_count <> want
	UNION ALL SELECT DISTINCT 'sent_at goes back' FROM
		(SELECT sent_at, lag(sent_at) OVER (ORDER BY seq) AS last FROM messages) AS m WHERE sent_at < last
	UNION ALL SELECT 'nothing is stored' FROM messages HAVING count(*) = 0
) AS p`)
	if err == nil && len(problems) > 0 {
		err = fmt.Errorf("%s", strings.Join(problems, ", "))
	}
	return err
}

// emptyLog creates a database with the log's own tables: a server makes them.
func (b *bench) emptyLog(ctx context.Context) (url string, err error) {
	if url, err = b.newDatabase(ctx); err != nil {
		return "", err
	}
	g, err := b.replicas(ctx, url, 1)
	if err != nil {
		return "", err
	}
	g.stop()
	return url, nil
}

// fillSQL stores $1 messages of $2 senders, with counters and dates as they
// have to be, and with IDs that grow, as UUIDv7s do.
const fillSQL = `
INSERT INTO messages (seq, sender, sender_count, text, sent_at, id)
SELECT i, 'sender-' || i % $2, (i - 1) / $2 + 1, $3, timestamptz '2026-01-01 UTC' + i * interval '1 millisecond',
	('01900000-0000-7000-8000-' || lpad(to_hex(i), 12, '0'))::uuid
FROM generate_series(1, $1::bigint) AS i`

// fill creates a database with a log of so many messages and senders.
func (b *bench) fill(ctx context.Context, messages, senders int) (url string, err error) {
	if url, err = b.emptyLog(ctx); err != nil || messages == 0 {
		return url, err
	}
	start := time.Now()
	if err := b.exec(ctx, url, fillSQL, messages, senders, typicalText); err != nil {
		return "", err
	}
	if err := b.exec(ctx, url, `VACUUM ANALYZE messages`); err != nil {
		return "", err
	}
	b.say("  filling in %d messages of %d senders took %.0f s", messages, senders, time.Since(start).Seconds())
	return url, nil
}

// sendersFile names the senders that fill stores messages of.
func (b *bench) sendersFile(senders int) (string, error) {
	var names strings.Builder
	for i := range senders {
		fmt.Fprintf(&names, "sender-%d\n", i)
	}
	path := b.path("senders")
	return path, os.WriteFile(path, []byte(names.String()), 0o600)
}

func (b *bench) largeTables(ctx context.Context) ([]line, error) {
	start := time.Now()
	var contenders []contender
	for _, c := range []struct {
		name              string
		messages, senders int
	}{
		{"large table", b.messages, 10},
		{"empty table", 0, 10},
		{"many senders", b.senders, b.senders},
		{"ten senders", b.senders, 10},
	} {
		url, err := b.fill(ctx, c.messages, c.senders)
		if err != nil {
			return nil, err
		}
		g, err := b.replicas(ctx, url, 2)
		if err != nil {
			return nil, err
		}
		defer g.stop()
		file, err := b.sendersFile(c.senders)
		if err != nil {
			return nil, err
		}
		l := load{urls: g.urls, args: append(b.timed(50), "--senders", file), manySenders: c.senders > 10}
		contenders = append(contenders, b.throughput(c.name, l))
	}
	// Write the filled pages to disk now, not during the runs.
	if err := b.exec(ctx, b.cluster.URL("postgres"), `CHECKPOINT`); err != nil {
		return nil, err
	}
	filling := fmt.Sprintf("filling all tables took %.0f s", time.Since(start).Seconds())

	s, err := b.takeTurns(ctx, contenders...)
	if err != nil {
		return nil, err
	}
	large := compare(fmt.Sprintf("50 workers, 2 replicas, PostgreSQL: %d messages in the table ÷ none", b.messages),
		s[0], s[1], atLeast(0.95))
	large.Note = filling
	many := compare(fmt.Sprintf("50 workers, 2 replicas, PostgreSQL, %d messages in the table: of as many senders ÷ of ten", b.senders),
		s[2], s[3], atLeast(0.85))
	return []line{large, many}, nil
}

func (b *bench) alone(ctx context.Context) ([]line, error) {
	g, err := b.onPostgres(ctx, 2)
	if err != nil {
		return nil, err
	}
	defer g.stop()
	conn, err := pgx.Connect(ctx, b.cluster.URL("postgres"))
	if err != nil {
		return nil, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	s, err := b.takeTurns(ctx,
		contender{name: "one worker", unit: "ms", run: func(ctx context.Context) (float64, error) {
			run, err := b.send(ctx, load{urls: g.urls, args: b.timed(1), oneByOne: true})
			if err != nil {
				return 0, err
			}
			return run.Latency.Mean, nil
		}},
		contender{name: "flush + round trip", unit: "ms", run: func(ctx context.Context) (float64, error) {
			flush, err := flushLatency(b.dir, b.length/2)
			if err != nil {
				return 0, err
			}
			roundTrip, err := roundTrip(ctx, conn, b.length/2)
			return milliseconds(flush + roundTrip), err
		}},
	)
	if err != nil {
		return nil, err
	}
	what := "one worker alone, 2 replicas, PostgreSQL: mean latency ÷ (one flush + one bare round trip)"
	return []line{compare(what, s[0], s[1], atMost(2.5))}, nil
}

// exec executes one statement on a connection of its own.
func (b *bench) exec(ctx context.Context, url, sql string, args ...any) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	_, err = conn.Exec(ctx, sql, args...)
	return err
}

// query scans the one value of the one row that a query returns.
func (b *bench) query(ctx context.Context, url string, value any, sql string) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	return conn.QueryRow(ctx, sql).Scan(value)
}

package postgres

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"dummymessenger/internal/messenger"
)

// A writer is the connection that appends.
type writer struct {
	conn *pgx.Conn

	// warning is what the server said beside its answers since the transaction
	// began. Only the goroutine that uses conn touches it.
	warning string
}

func connect(ctx context.Context, config *pgx.ConnConfig, logger *slog.Logger) (*writer, error) {
	w := &writer{}
	config = config.Copy()
	config.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) {
		if n.SeverityUnlocalized == "WARNING" {
			w.warning = n.Message
		}
	}
	// Off would make commits return before they are flushed.
	config.AfterConnect = func(ctx context.Context, c *pgconn.PgConn) error {
		return c.Exec(ctx, `SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'`).Close()
	}
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	w.conn = conn
	logger.Info("writer connected", "address", conn.PgConn().Conn().RemoteAddr().String())
	return w, nil
}

// append is Store.Append on this connection. After an error the transaction,
// if there is one, is still open.
//
// There are two round trips. The first one waits for the lock; the batch is
// taken between them, with the lock held.
func (w *writer) append(ctx context.Context, take func() []messenger.Draft) (messenger.Appended, error) {
	before, err := w.lock(ctx)
	if err != nil {
		return messenger.Appended{}, harmless(err)
	}
	drafts := take()
	if len(drafts) == 0 {
		if _, err := w.conn.Exec(ctx, "ROLLBACK"); err != nil {
			return messenger.Appended{}, harmless(err)
		}
		return messenger.Appended{}, nil
	}
	results, err := w.store(ctx, drafts)
	if err != nil {
		return messenger.Appended{}, classify(err)
	}
	return arrange(before, results)
}

// lock begins a transaction, waits for the log's lock and returns the newest
// messages in ascending order.
//
// Subtleness ahead! In READ COMMITTED a statement sees what was committed when
// it began, which for the statement that waits for the lock is before the
// wait: it would miss the messages of whoever held the lock. The window is
// therefore read by a statement of its own, which begins, in the same round
// trip, when the lock has been granted.
func (w *writer) lock(ctx context.Context) (before []messenger.Message, err error) {
	ctx, cancel := context.WithTimeout(ctx, lockTimeout+time.Second)
	defer cancel()
	w.warning = ""

	var batch pgx.Batch
	batch.Queue("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE")
	batch.Queue(lockTableSQL)
	batch.Queue(lockSQL).Exec(func(tag pgconn.CommandTag) error {
		if tag.RowsAffected() != 1 {
			return errNoLockRow
		}
		return nil
	})
	batch.Queue(newestSQL, messenger.WindowSize-1).Query(func(rows pgx.Rows) (err error) {
		before, err = pgx.CollectRows(rows, scanMessage)
		return err
	})
	if err := w.conn.SendBatch(ctx, &batch).Close(); err != nil {
		return nil, err
	}
	slices.Reverse(before)
	return before, nil
}

// store inserts the drafts that are not in the log yet and commits. The
// results are in the drafts' order.
func (w *writer) store(ctx context.Context, drafts []messenger.Draft) ([]messenger.Result, error) {
	ctx, cancel := context.WithTimeout(ctx, commitTimeout)
	defer cancel()

	var (
		ids      = make([]messenger.ID, len(drafts))
		senders  = make([]string, len(drafts))
		texts    = make([]string, len(drafts))
		mayExist = make([]bool, len(drafts))
		place    = make(map[messenger.ID]int, len(drafts))
		suspects []messenger.ID
		results  = make([]messenger.Result, len(drafts))
	)
	for i, d := range drafts {
		ids[i], senders[i], texts[i], mayExist[i] = d.ID, d.Sender, d.Text, d.MayExist
		place[d.ID] = i
		if d.MayExist {
			suspects = append(suspects, d.ID)
		}
	}

	var (
		batch pgx.Batch
		done  int
		tag   string
	)
	if suspects != nil {
		batch.Queue(findSQL, suspects).Query(func(rows pgx.Rows) error {
			var id messenger.ID
			var m row
			_, err := pgx.ForEachRow(rows, append(m.fields(), &id), func() error {
				results[place[id]] = messenger.Result{Message: m.message(), Existed: true}
				done++
				return nil
			})
			return err
		})
	}
	batch.Queue(insertSQL, ids, senders, texts, mayExist).Query(func(rows pgx.Rows) error {
		var id messenger.ID
		var m row
		_, err := pgx.ForEachRow(rows, []any{&m.seq, &m.count, &m.sentAt, &id}, func() error {
			d := drafts[place[id]]
			m.sender, m.text = d.Sender, d.Text
			results[place[id]] = messenger.Result{Message: m.message()}
			done++
			return nil
		})
		return err
	})
	// Also where all the messages were found: taking the lock has written to
	// the log of transactions, so this commit waits until everything before it
	// is flushed, and on the standby, before a replay is acknowledged.
	batch.Queue("COMMIT").Exec(func(t pgconn.CommandTag) error {
		tag = t.String()
		return nil
	})
	if err := w.conn.SendBatch(ctx, &batch).Close(); err != nil {
		return nil, err
	}
	switch {
	case w.warning != "":
		// A commit whose wait for the synchronous standby was cancelled
		// succeeds with a warning, and the standby may not have it.
		return nil, fmt.Errorf("commit: the database warns: %s", w.warning)
	case tag != "COMMIT":
		return nil, fmt.Errorf("commit: the database answers %q", tag)
	case done != len(drafts):
		return nil, fmt.Errorf("commit: %d of %d messages are accounted for", done, len(drafts))
	}
	return results, nil
}

// arrange checks that the new messages follow the newest ones without a gap;
// anything else means that somebody writes to the table without the lock.
func arrange(before []messenger.Message, results []messenger.Result) (messenger.Appended, error) {
	var last int64
	if len(before) > 0 {
		last = before[len(before)-1].Seq
	}
	stored := false
	for _, r := range results {
		if r.Existed {
			continue
		}
		if r.Seq != last+1 {
			return messenger.Appended{}, unknown(fmt.Errorf("message %d was stored right after %d: does something write to the table without the lock?", r.Seq, last))
		}
		last = r.Seq
		stored = true
	}
	if !stored {
		before = nil
	}
	return messenger.Appended{Before: before, Results: results}, nil
}

func (w *writer) close() {
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	_ = w.conn.Close(ctx) // whatever it says, the connection is gone
}

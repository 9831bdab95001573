package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"sync/atomic"
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
	// pgx asks the server to cancel what runs when a call's context ends. A commit
	// that waits for the synchronous standby would succeed by that, and be shown to
	// others while only one server has it. So nobody asks: the lock stays where it
	// is until the standby has the commit, and the others' waits for it end by
	// lock_timeout, with nothing stored.
	var connected atomic.Bool
	dial := config.DialFunc
	config.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		if connected.Load() {
			return nil, errors.New("the writer's session is not cancelled")
		}
		return dial(ctx, network, address)
	}
	// Off would make commits return before they are flushed. Whatever else it
	// is, the session keeps it: a later ALTER SYSTEM, reloaded, would turn it
	// off under a session that has not set it itself.
	config.AfterConnect = func(ctx context.Context, c *pgconn.PgConn) error {
		return c.Exec(ctx, `SELECT set_config('synchronous_commit', CASE found WHEN 'off' THEN 'on' ELSE found END, false)
			FROM current_setting('synchronous_commit') AS found`).Close()
	}
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	connected.Store(true)
	w.conn = conn
	logger.Info("writer connected", "address", conn.PgConn().Conn().RemoteAddr().String())
	return w, nil
}

// append is Store.Append on this connection. After an error the transaction,
// if there is one, is still open.
//
// There are two round trips. The first one waits for the lock; the batch is
// taken between them, with the lock held. A batch that may hold messages that
// exist takes one more, to look for them.
func (w *writer) append(ctx context.Context, take func() []messenger.Draft) (messenger.Appended, error) {
	before, err := w.lock(ctx)
	if err != nil {
		return messenger.Appended{}, harmless(err)
	}
	drafts := take()
	if len(drafts) == 0 {
		if err := w.rollback(ctx); err != nil {
			return messenger.Appended{}, harmless(err)
		}
		return messenger.Appended{}, nil
	}
	return w.store(ctx, before, drafts)
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

// store inserts the drafts that are not in the log yet, behind the messages
// before them, and commits.
func (w *writer) store(ctx context.Context, before []messenger.Message, drafts []messenger.Draft) (messenger.Appended, error) {
	ctx, cancel := context.WithTimeout(ctx, commitTimeout)
	defer cancel()
	found, err := w.find(ctx, drafts)
	if err != nil {
		return messenger.Appended{}, harmless(err) // nothing has been sent yet
	}
	results := make([]messenger.Result, len(drafts))
	fresh := insert{after: newest(before)}
	for i, d := range drafts {
		if m, ok := found[d.ID]; ok {
			results[i] = messenger.Result{Message: m, Existed: true}
		} else {
			fresh.add(d, &results[i].Message)
		}
	}
	if err := w.commit(ctx, &fresh); err != nil {
		return messenger.Appended{}, classify(err)
	}
	if len(fresh.messages) == 0 {
		return messenger.Appended{Results: results}, nil
	}
	return messenger.Appended{Before: before, Results: results}, nil
}

// newest is the last message, the zero one if there is none.
func newest(messages []messenger.Message) messenger.Message {
	if len(messages) == 0 {
		return messenger.Message{}
	}
	return messages[len(messages)-1]
}

// find looks for those drafts that may exist.
func (w *writer) find(ctx context.Context, drafts []messenger.Draft) (map[messenger.ID]messenger.Message, error) {
	var suspects []messenger.ID
	for _, d := range drafts {
		if d.MayExist {
			suspects = append(suspects, d.ID)
		}
	}
	if suspects == nil {
		return nil, nil
	}
	rows, err := w.conn.Query(ctx, findSQL, suspects)
	if err != nil {
		return nil, err
	}
	found := make(map[messenger.ID]messenger.Message)
	var r row
	var id messenger.ID
	_, err = pgx.ForEachRow(rows, append(r.fields(), &id), func() error {
		found[id] = r.message()
		return nil
	})
	return found, err
}

// commit ends the transaction, with the new messages in it.
//
// Also if there are none: taking the lock has written to the log of
// transactions, so this commit waits until everything before it is flushed, and
// on the standby, before a replay is acknowledged.
func (w *writer) commit(ctx context.Context, fresh *insert) error {
	var batch pgx.Batch
	if len(fresh.messages) > 0 {
		batch.Queue(insertSQL, fresh.after.Seq, fresh.after.SentAt, fresh.names, fresh.ids, fresh.senders, fresh.texts, fresh.which, fresh.nth).Query(fresh.number)
	}
	var tag string
	batch.Queue("COMMIT").Exec(func(t pgconn.CommandTag) error {
		tag = t.String()
		return nil
	})
	if err := w.conn.SendBatch(ctx, &batch).Close(); err != nil {
		return err
	}
	switch {
	case w.warning != "":
		// A commit whose wait for the synchronous standby was cancelled
		// succeeds with a warning, and the standby may not have it.
		return fmt.Errorf("commit: the database warns: %s", w.warning)
	case tag != "COMMIT":
		return fmt.Errorf("commit: the database answers %q", tag)
	}
	return nil
}

// rollback ends the transaction without storing anything.
func (w *writer) rollback(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, closeTimeout)
	defer cancel()
	_, err := w.conn.Exec(ctx, "ROLLBACK")
	return err
}

func (w *writer) close() {
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	_ = w.conn.Close(ctx) // whatever it says, the connection is gone
}

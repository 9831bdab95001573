package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"

	"dummymessenger/internal/messenger"
)

// A writer is the connection that appends.
type writer struct {
	conn *pgx.Conn
	log  *pinned

	// stamp is what lockSQL returned of the table when inspect last accepted it.
	stamp stamp

	// warning is the server's last warning of a cancelled wait for the standby in this
	// transaction. Only the goroutine that uses conn touches it.
	warning string
}

func connect(ctx context.Context, config *pgx.ConnConfig, log *pinned, logger *slog.Logger) (*writer, error) {
	w := &writer{log: log}
	config.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) {
		// The warning's text is translated, and its code is that of any warning, such
		// as those of auto_explain. Only the source file identifies it, and a pooler
		// may have removed that.
		if n.SeverityUnlocalized == "WARNING" && (n.File == "" || strings.HasSuffix(n.File, "syncrep.c")) {
			w.warning = n.Message
		}
	}
	// When a call's context ends, pgx opens another connection to cancel the running
	// statement. A commit that waits for the synchronous standby would then succeed,
	// and others would see it while only one server has it. So we refuse that
	// connection. The lock is held until the standby has the commit, and other
	// replicas' waits for the lock end by lock_timeout with nothing stored.
	var connected atomic.Bool
	dial := config.DialFunc
	config.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		if connected.Load() {
			return nil, errors.New("the writer's session is not cancelled")
		}
		return dial(ctx, network, address)
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

	var now stamp
	var batch pgx.Batch
	batch.Queue(beginSQL)
	batch.Queue(w.log.sql.lockTable)
	look := w.log.newLook()
	batch.Queue(w.log.sql.lock).QueryRow(func(row pgx.Row) error {
		var lock uint32
		err := row.Scan(&lock, &look.messages, &now.written, &now.doubtful)
		switch {
		case errors.Is(err, pgx.ErrNoRows):
			return errNoLockRow
		case err == nil && lock != w.log.lock:
			return another("table %s.log_lock is not the one that the log was opened with, but was made since; "+
				"restart all replicas", w.log.schema)
		}
		return err
	})
	if look.missing != 0 {
		w.log.look(&batch)
	}
	look.missing, look.present = 0, true
	batch.Queue(w.log.sql.window, messenger.WindowSize-1, look.seen.seq).Query(func(found pgx.Rows) error {
		rows, err := scan(found, &look.seenID)
		if err != nil {
			return err
		}
		if len(rows) > 0 {
			look.newest, look.newestID = rows[0].Seq, pgtype.UUID{Bytes: rows[0].id, Valid: true}
		}
		if err := w.log.check(look); err != nil {
			return err
		}
		before, err = w.log.window(rows, messenger.WindowSize-1)
		return err
	})
	if err := w.conn.SendBatch(ctx, &batch).Close(); err != nil {
		return nil, err
	}
	return before, w.inspect(ctx, now)
}

// A stamp tells whether the table may have been altered, at the price of one row of the
// catalogue. It tells of whatever can alter what is stored or read. What can only make
// an append fail, or weakens a constraint that none runs into, Ready notices, and new
// sessions do.
type stamp struct {
	written  uint32 // the transaction that wrote the table's row in pg_class
	doubtful bool   // it has triggers, rules or children, or had; another one changes nothing in that row
}

// inspect looks at messages if the stamp differs from the one that was last accepted, is
// doubtful, or Ready was not content. Only then does it cost a round trip.
func (w *writer) inspect(ctx context.Context, now stamp) error {
	if now == w.stamp && !now.doubtful && !w.log.altered.Load() {
		return nil
	}
	var batch pgx.Batch
	w.log.lookAtTable(&batch, "messages")
	if err := w.conn.SendBatch(ctx, &batch).Close(); err != nil {
		return err
	}
	w.stamp = now
	w.log.altered.Store(false)
	return nil
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
	w.log.saw(fresh.after.Seq+int64(len(fresh.messages)), fresh.ids[len(fresh.ids)-1])
	return messenger.Appended{Before: before, Results: results}, nil
}

// newest returns the last message, the zero one if there is none.
func newest(messages []messenger.Message) messenger.Message {
	if len(messages) == 0 {
		return messenger.Message{}
	}
	return messages[len(messages)-1]
}

// find returns those of the drafts that may exist and do.
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
	matches, err := w.conn.Query(ctx, w.log.sql.find, suspects)
	if err != nil {
		return nil, err
	}
	rows, err := scan(matches)
	if err != nil {
		return nil, err
	}
	found := make(map[messenger.ID]messenger.Message)
	for _, r := range rows {
		found[r.id] = r.Message
	}
	return found, nil
}

// commit inserts the new messages and commits, even if there are none: taking the
// lock has written to the WAL, so the commit waits until everything before it is
// flushed, and on the standby, before a replay is acknowledged.
func (w *writer) commit(ctx context.Context, fresh *insert) error {
	var batch pgx.Batch
	if len(fresh.messages) > 0 {
		batch.Queue(w.log.sql.insert, fresh.after.Seq, fresh.after.SentAt,
			fresh.names, fresh.ids, fresh.senders, fresh.texts, fresh.which, fresh.nth).Query(fresh.number)
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
	_ = w.conn.Close(ctx) // an error leaves the connection closed, too
}

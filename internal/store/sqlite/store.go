// Package sqlite keeps the log in one SQLite file that the replicas on one
// machine share.
//
// It uses the pure Go driver github.com/ncruces/go-sqlite3 without
// database/sql: one connection that writes and one that reads, each with its
// prepared statements. ARCHITECTURE.md compares it with modernc.org/sqlite.
package sqlite

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"github.com/ncruces/go-sqlite3"

	"dummymessenger/internal/messenger"
)

const (
	begin    = "BEGIN IMMEDIATE"
	commit   = "COMMIT"
	rollback = "ROLLBACK"

	columns = "seq, sender, sender_count, text, sent_at"

	selectLast  = "SELECT " + columns + " FROM messages ORDER BY seq DESC LIMIT ?1"
	selectAfter = "SELECT " + columns + " FROM messages WHERE seq > ?1 ORDER BY seq LIMIT ?2"
	selectID    = "SELECT " + columns + " FROM messages WHERE id = ?1"
	selectSeq   = "SELECT " + columns + " FROM messages WHERE seq = ?1"

	countBetween = "SELECT count(*) FROM messages WHERE seq BETWEEN ?1 AND ?2"

	// Both maxima are the last entry of an index, found without a scan.
	insert = `INSERT INTO messages (seq, sender, sender_count, text, sent_at, id) VALUES (
			1 + (SELECT coalesce(max(seq), 0) FROM messages),
			?1,
			1 + (SELECT coalesce(max(sender_count), 0) FROM messages WHERE sender = ?1),
			?2, ?3, ?4)
		RETURNING ` + columns
)

var _ messenger.Store = (*Store)(nil)

// A Store is a messenger.Store in an SQLite file. It goes by this machine's clock,
// which all replicas of the log share.
type Store struct {
	path   string
	given  string // what path was before symbolic links were resolved
	logID  string
	watch  *watch
	logger *slog.Logger
	now    func() time.Time
	queue  *queue

	seen    atomic.Pointer[messenger.Message] // the newest that was read or stored here; its Seq is 0 if none was
	missing atomic.Pointer[gap]               // nil if no call has found one
	version atomic.Int64                      // of the schema when it was last checked
	refused atomic.Bool                       // the log is not what it was, and that was logged

	// Each holds its connection while no call uses it. The writer's is nil if it must
	// be opened anew; a failed reader's stays open until there is another. Close takes
	// both for good.
	writer, reader chan *conn

	// life ends with Close, and with it every running call.
	life context.Context
	end  context.CancelCauseFunc
}

// Append implements messenger.Store. After an error it replaces the connection, so
// that the state of that does not matter.
func (s *Store) Append(ctx context.Context, take func() []messenger.Draft) (messenger.Appended, error) {
	ctx, cancel := s.bound(ctx)
	defer cancel()
	appended, err := s.append(ctx, take)
	if err != nil {
		s.logChange(err)
		return messenger.Appended{}, err
	}
	s.logChange(nil)
	return appended, nil
}

func (s *Store) append(ctx context.Context, take func() []messenger.Draft) (_ messenger.Appended, failed *messenger.Error) {
	w, err := acquire(ctx, s.writer)
	if err != nil {
		return messenger.Appended{}, failure(err)
	}
	defer func() { s.writer <- w }()

	if err := s.queue.lock(ctx); err != nil {
		return messenger.Appended{}, failure(err)
	}
	defer func() {
		if err := s.queue.unlock(); err != nil {
			s.logger.Error("queue not unlocked", "err", err)
		}
	}()
	if err := s.checkFiles(true); err != nil {
		return messenger.Appended{}, failure(err)
	}
	if w, err = s.connected(ctx, w); err != nil {
		return messenger.Appended{}, failure(err)
	}
	whole := false // the connection can be used again; not if take panics
	defer func() {
		if !whole { // roll back before the next replica in the queue begins
			s.discard(w)
			w = nil
		}
	}()
	appended, failed := s.transact(w, take)
	if failed != nil {
		return messenger.Appended{}, failed
	}
	if w.frames < checkpointFrames && !s.watch.restarted(w.frames) {
		whole = true
		return appended, nil
	}
	// Check the file before the checkpoint writes to it, and note what it looks like after.
	if err := s.watch.checkAgain(); err != nil {
		return messenger.Appended{}, &messenger.Error{Kind: messenger.Unknown, Cause: messenger.LogChanged, Err: changed{err}}
	}
	if w.frames >= checkpointFrames {
		w.db.WALCheckpoint("main", sqlite3.CHECKPOINT_PASSIVE) // what it could not do, the next one will
		s.watch.checkAgain()
	}
	whole = true
	return appended, nil
}

// transact appends a batch in one transaction, which may still be open after an error.
func (s *Store) transact(w *conn, take func() []messenger.Draft) (messenger.Appended, *messenger.Error) {
	if err := w.exec(begin); err != nil {
		return messenger.Appended{}, failure(err)
	}
	if err := s.checkSchema(w); err != nil {
		return messenger.Appended{}, failure(err)
	}
	appended, stored, err := s.store(w, take())
	if err != nil {
		return messenger.Appended{}, failure(err)
	}
	if !stored {
		if err := w.exec(rollback); err != nil {
			return messenger.Appended{}, failure(err)
		}
		return appended, nil
	}

	// The last moment to call the batch off. The driver would also look at the
	// context after the commit, and report an interrupt.
	if err := context.Cause(w.db.GetInterrupt()); err != nil {
		return messenger.Appended{}, failure(err)
	}
	w.db.SetInterrupt(context.Background())
	if err := w.exec(commit); err != nil {
		return messenger.Appended{}, commitFailure(err)
	}
	s.saw(slices.MaxFunc(appended.Results, func(a, b messenger.Result) int { return cmp.Compare(a.Seq, b.Seq) }).Message)
	return appended, nil
}

// store inserts the drafts that are new, if any, into the open transaction.
func (s *Store) store(w *conn, drafts []messenger.Draft) (_ messenger.Appended, stored bool, _ error) {
	seen := s.seen.Load()
	before, err := w.messages(selectLast, messenger.WindowSize-1)
	if err != nil {
		return messenger.Appended{}, false, err
	}
	slices.Reverse(before)
	if err := s.checkMessages(w, before, beginning(before, messenger.WindowSize-1), seen); err != nil {
		return messenger.Appended{}, false, err
	}

	sentAt := s.now().UnixMicro()
	if n := len(before); n > 0 {
		sentAt = max(sentAt, before[n-1].SentAt.UnixMicro()) // the clock may have stepped back
	}
	results := make([]messenger.Result, len(drafts))
	for i, d := range drafts {
		r := &results[i]
		if d.MayExist {
			if r.Message, r.Existed, err = w.one(selectID, d.ID); err != nil {
				return messenger.Appended{}, false, err
			}
		}
		if !r.Existed {
			if r.Message, stored, err = w.one(insert, d.Sender, d.Text, sentAt, d.ID); err != nil {
				return messenger.Appended{}, false, err
			}
		}
	}
	if !stored {
		before = nil
	}
	return messenger.Appended{Before: before, Results: results}, stored, nil
}

// Read implements messenger.Store.
func (s *Store) Read(ctx context.Context, after int64, limit int) ([]messenger.Message, error) {
	seen := s.seen.Load()
	messages, err := s.read(ctx, func(c *conn, messages []messenger.Message) error {
		return s.checkMessages(c, messages, max(after, 0)+1, seen)
	}, selectAfter, after, max(limit, 0))
	if s.logChange(err); err != nil {
		return nil, failure(err)
	}
	return messages, nil
}

// Head implements messenger.Store. It reads the last window, where a hole shows.
func (s *Store) Head(ctx context.Context) (int64, error) {
	seen := s.seen.Load()
	last, err := s.read(ctx, func(c *conn, messages []messenger.Message) error {
		slices.Reverse(messages)
		return s.checkMessages(c, messages, beginning(messages, messenger.WindowSize), seen)
	}, selectLast, messenger.WindowSize)
	if s.logChange(err); err != nil {
		return 0, failure(err)
	}
	if len(last) == 0 {
		return 0, nil
	}
	return last[len(last)-1].Seq, nil
}

// read returns the rows of a statement that selects columns, if they pass check.
// Where a connection fails, it tries another one at once.
func (s *Store) read(
	ctx context.Context, check func(*conn, []messenger.Message) error, sql string, args ...any,
) ([]messenger.Message, error) {
	ctx, cancel := s.bound(ctx)
	defer cancel()
	r, err := acquire(ctx, s.reader)
	if err != nil {
		return nil, err
	}
	defer func() { s.reader <- r }()
	for range 2 {
		if r, err = s.connected(ctx, r); err != nil {
			return nil, err
		}
		var messages []messenger.Message
		if messages, err = r.messages(sql, args...); err == nil {
			err = s.checkSchema(r)
		}
		if err == nil {
			err = check(r, messages)
		}
		r.failed = err != nil
		// Check last, so that no change escapes that was there when the rows were read.
		if err := s.checkFiles(false); err != nil {
			return nil, err
		}
		if err == nil {
			if n := len(messages); n > 0 {
				s.saw(messages[n-1])
			}
			return messages, nil
		}
		if _, ok := errors.AsType[changed](err); ok || context.Cause(ctx) != nil {
			break
		}
	}
	return nil, err
}

// Ready implements messenger.Store. It only reads: taking the log's lock to find
// out more would hold up the writers.
func (s *Store) Ready(ctx context.Context) error {
	_, err := s.Head(ctx)
	return err
}

// LogID implements messenger.Store.
func (s *Store) LogID() string { return s.logID }

// Close implements messenger.Store. It returns once no call is running.
func (s *Store) Close() error {
	s.end(errClosed)
	w, open := <-s.writer
	if !open {
		return nil
	}
	close(s.writer)
	r := <-s.reader
	close(s.reader)
	return errors.Join(r.close(), w.close(), s.watch.close())
}

// bound is a context that ends with ctx or with the Store.
func (s *Store) bound(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(s.life, func() { cancel(errClosed) })
	return ctx, func() { stop(); cancel(nil) }
}

// acquire takes the connection out of slot, nil if there is none at present.
func acquire(ctx context.Context, slot chan *conn) (*conn, error) {
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	select {
	case c, open := <-slot:
		if !open {
			return nil, errClosed
		}
		return c, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// connected returns c, or a new connection if c is nil or has failed, which is
// interrupted when ctx ends. It closes a failed one only when it has another, so that
// the watched files stay: SQLite removes -wal and -shm with the last connection.
func (s *Store) connected(ctx context.Context, c *conn) (*conn, error) {
	if c != nil && !c.failed {
		c.db.SetInterrupt(ctx)
		return c, nil
	}
	if err := s.checkFiles(false); err != nil {
		return c, err
	}
	another, err := dial(ctx, s.path, 0)
	if err != nil {
		return c, err
	}
	if err := another.makeDurable(); err != nil {
		return c, errors.Join(err, another.close())
	}
	if c != nil {
		s.discard(c)
	}
	return another, nil
}

func (s *Store) discard(c *conn) {
	if err := c.close(); err != nil {
		s.logger.Warn("connection not closed", "err", err)
	}
}

// messages returns all rows of a statement that selects columns.
func (c *conn) messages(sql string, args ...any) (messages []messenger.Message, err error) {
	err = c.rows(func(st *sqlite3.Stmt) {
		messages = append(messages, messenger.Message{
			Seq:         st.ColumnInt64(0),
			Sender:      st.ColumnText(1),
			SenderCount: st.ColumnInt64(2),
			Text:        st.ColumnText(3),
			SentAt:      time.UnixMicro(st.ColumnInt64(4)).UTC(),
		})
	}, sql, args...)
	return messages, err
}

// one returns the row of a statement that selects columns, if there is one.
func (c *conn) one(sql string, args ...any) (_ messenger.Message, found bool, _ error) {
	messages, err := c.messages(sql, args...)
	if err != nil || len(messages) == 0 {
		return messenger.Message{}, false, err
	}
	return messages[0], true, nil
}

// Package postgres keeps the log in a PostgreSQL database, version 15 or newer.
//
// A replica appends through one connection, the writer: what orders the log is
// one row lock, so a second writer would only wait for the first. Reads go
// through a small pool of their own and never wait for that lock.
package postgres

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"dummymessenger/internal/messenger"
)

// How long the database may take before a call fails and the combiner tries again.
const (
	connectTimeout = 5 * time.Second // one host, log-in included
	lockTimeout    = 5 * time.Second // waiting for the other replicas to commit
	commitTimeout  = 10 * time.Second
	closeTimeout   = time.Second

	// A replica that freezes, or loses its network, while it holds the lock loses
	// its session after this long, so that the others can go on.
	idleInTransactionTimeout = time.Second

	openTimeout = 30 * time.Second // connecting at start, and creating the tables
)

// readers is how many Reads run at once.
const readers = 4

// A Store is one replica's access to the log. Open makes one.
type Store struct {
	logger *slog.Logger
	url    string
	log    *pinned
	config *pgx.ConnConfig // of the writer

	fresh atomic.Pointer[pgx.ConnConfig] // what renew last read, nil if nothing yet
	pool  *pgxpool.Pool                  // for reading
	lost  atomic.Bool                    // the log was found to be another one, and is not back yet

	// life ends with Close, and with it every running call.
	life context.Context
	end  context.CancelFunc

	mu     sync.Mutex // held by Append, and by Close at the end
	writer *writer    // nil when not connected
}

var _ messenger.Store = (*Store)(nil)

// Open connects to the database that url names, with libpq's PG* environment
// variables as defaults, and creates the log's tables if they are not there. Of
// several hosts it takes the first one that accepts writes.
//
// It fails if the database cannot be reached, if it is not encoded in UTF-8, or if
// its tables messages and log_lock are not the log's, or something meddles with them;
// it has changed nothing then. It gives up after 30 seconds, or when ctx ends, and
// logs after two what it waits for.
func Open(ctx context.Context, url string, logger *slog.Logger) (*Store, error) {
	config, err := parse(url)
	if err != nil {
		return nil, err
	}
	if names := overruled(url); names != nil {
		logger.Warn("settings of the database URL or the environment are overruled; the log needs others", "settings", names)
	}
	opening, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	log, err := openLog(opening, config, logger)
	if err != nil {
		return nil, err
	}
	s := &Store{logger: logger, url: url, log: log, config: writerConfig(config)}
	guard(s.config, log)
	guard(config, log)
	if s.pool, err = newPool(ctx, url, config, s.renew); err != nil {
		return nil, err
	}
	s.life, s.end = context.WithCancel(context.Background())
	return s, nil
}

// Append implements messenger.Store. After an error it drops the connection, whatever
// its state, and the next call finds the host that accepts writes and has the log. It
// keeps the connection only if the server refuses to store, as on a full disk: a new
// one may fail as well, with a less helpful error.
func (s *Store) Append(ctx context.Context, take func() []messenger.Draft) (messenger.Appended, error) {
	ctx, cancel := s.bound(ctx)
	defer cancel()
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.life.Err(); err != nil {
		return messenger.Appended{}, unavailable(err) // bound's context may not have ended yet
	}
	if s.writer == nil {
		config := s.config.Copy()
		s.renew(config)
		w, err := connect(ctx, config, s.log, s.logger)
		if err != nil {
			return messenger.Appended{}, s.note(noConnection(err))
		}
		s.writer = w
	}
	appended, err := s.writer.append(ctx, take)
	if err != nil {
		if messenger.KindOf(err) != messenger.Unwritable || errors.Is(err, errAnother) || s.writer.rollback(ctx) != nil {
			s.writer.close()
			s.writer = nil
		}
	}
	return appended, s.note(err)
}

// bound is a context that ends with ctx or with the Store.
func (s *Store) bound(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(s.life, cancel)
	return ctx, func() { stop(); cancel() }
}

// Read implements messenger.Store.
//
// What it sees has been flushed: PostgreSQL shows a transaction to others only
// after that. It also shows one whose wait for a synchronous standby was cancelled;
// a replay of that is safe, for it was found by a transaction that held the lock and
// waited for the standby itself (see writer.commit).
func (s *Store) Read(ctx context.Context, after int64, limit int) (messages []messenger.Message, err error) {
	after = max(after, 0)
	seen := s.log.seen.Load().seq
	err = s.ask(ctx, func(batch *pgx.Batch) {
		batch.Queue(s.log.sql.read, after, limit).Query(func(found pgx.Rows) error {
			rows, err := scan(found)
			if err != nil {
				return err
			}
			if messages, err = s.log.consecutive(rows, after); err != nil {
				return err
			}
			if end := after + int64(len(rows)); len(rows) < limit && end < seen {
				return s.log.lacks(end + 1)
			}
			if len(rows) > 0 {
				last := rows[len(rows)-1]
				s.log.saw(last.Seq, last.id)
			}
			return nil
		})
	})
	if err != nil {
		return nil, err
	}
	return messages, nil
}

// Head implements messenger.Store.
func (s *Store) Head(ctx context.Context) (int64, error) {
	if err := s.ask(ctx, func(*pgx.Batch) {}); err != nil {
		return 0, err
	}
	return s.log.seen.Load().seq, nil
}

// Ready implements messenger.Store.
func (s *Store) Ready(ctx context.Context) error {
	var writable, granted, lockable bool
	err := s.ask(ctx, func(batch *pgx.Batch) {
		batch.Queue(s.log.sql.ready).QueryRow(func(row pgx.Row) error { return row.Scan(&writable, &granted, &lockable) })
		s.log.lookAtTable(batch, "messages")
	})
	switch {
	case err != nil:
		if errors.Is(err, errAnother) {
			s.log.altered.Store(true)
		}
		return err
	case !writable:
		return unavailable(errReadOnly)
	case !granted:
		err := errors.New("the role may not INSERT into messages")
		return &messenger.Error{Kind: messenger.Unwritable, Cause: messenger.NotPermitted, Err: err}
	case !lockable:
		return errNoLockRow
	}
	return s.note(nil)
}

// ask looks at the log, and runs what more adds to the batch, on a connection of the
// pool. All connections in the pool, and a few new ones, may be dead, so ask repeats
// the batch on another one; this is safe because it only reads.
func (s *Store) ask(ctx context.Context, more func(*pgx.Batch)) (err error) {
	ctx, cancel := s.bound(ctx)
	defer cancel()
	for range readers + 3 {
		var conn *pgxpool.Conn
		if conn, err = s.pool.Acquire(ctx); err != nil {
			err = noConnection(err)
		} else {
			var batch pgx.Batch
			s.log.look(&batch)
			more(&batch)
			err = conn.SendBatch(ctx, &batch).Close()
			dead := conn.Conn().IsClosed()
			conn.Release()
			if err == nil {
				break
			}
			err = harmless(err)
			if dead && ctx.Err() == nil {
				continue
			}
		}
		if !sessionEnded(err) || ctx.Err() != nil {
			break
		}
	}
	if err != nil {
		return s.note(err)
	}
	return nil
}

// note returns err. If err says that the log is not the one that was opened, note logs
// it once and drops the pool's connections. If err is nil after that, it logs that the
// log is back.
func (s *Store) note(err error) error {
	switch {
	case errors.Is(err, errAnother):
		if !s.lost.Swap(true) {
			s.logger.Error("nothing is stored or shown until the log is back", "err", errors.Unwrap(err))
		}
		s.pool.Reset()
	case err == nil && s.lost.Load() && s.lost.Swap(false):
		s.logger.Info("the log is back")
	}
	return err
}

// LogID implements messenger.Store.
func (s *Store) LogID() string { return s.log.id() }

// Close implements messenger.Store.
func (s *Store) Close() error {
	s.end()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.writer != nil {
		s.writer.close()
		s.writer = nil
	}
	closed := make(chan struct{})
	go func() { s.pool.Close(); close(closed) }()
	select {
	case <-closed:
	case <-time.After(closeTimeout): // the database is frozen; leave the rest to the end of the process
	}
	return nil
}

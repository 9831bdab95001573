// Package postgres keeps the log in a PostgreSQL database, version 15 or newer.
//
// A replica appends through one connection, the writer: what orders the log is
// one row lock, so a second writer would only wait for the first. Reads go
// through a small pool of their own and never wait for that lock.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"dummymessenger/internal/messenger"
)

// How long the database may take. Each bound turns a database that is stuck
// into an error, after which the combiner tries again.
const (
	connectTimeout = 5 * time.Second // one host, log-in included
	lockTimeout    = 5 * time.Second // waiting for the other replicas to commit
	commitTimeout  = 10 * time.Second
	closeTimeout   = time.Second

	// A replica that freezes, or whose network dies, while it holds the lock
	// loses its session after this long, so that the others can go on.
	idleInTransactionTimeout = time.Second

	// How long Ready goes on to report that the database refused to store.
	refusalMemory = 5 * time.Second
)

// readers is how many Reads run at once.
const readers = 4

// A Store is one replica's access to the log. Open makes one.
type Store struct {
	logger *slog.Logger
	config *pgx.ConnConfig // of the writer
	pool   *pgxpool.Pool   // for reading

	closing context.Context // ends a running Append
	close   context.CancelFunc

	mu     sync.Mutex // held by Append, and by Close at the end
	writer *writer    // nil when not connected

	refused atomic.Pointer[refusal] // the last append, if the database refused it
}

type refusal struct {
	at  time.Time
	err error
}

var _ messenger.Store = (*Store)(nil)

// Open connects to the database that url names, in libpq's URL or key/value
// form with libpq's PG* environment variables as defaults, and creates the
// log's tables if they are not there. Of several hosts it takes the first one
// that accepts writes.
//
// It fails if the database cannot be reached, if it is not encoded in UTF-8,
// or if its tables named messages and log_lock are not the log's; in that case
// nothing has been changed.
func Open(ctx context.Context, url string, logger *slog.Logger) (*Store, error) {
	config, err := parse(url)
	if err != nil {
		return nil, err
	}
	if err := prepareDatabase(ctx, config, logger); err != nil {
		return nil, err
	}
	pool, err := newPool(ctx, config)
	if err != nil {
		return nil, err
	}
	s := &Store{logger: logger, config: writerConfig(config), pool: pool}
	s.closing, s.close = context.WithCancel(context.Background())
	return s, nil
}

func parse(url string) (*pgx.ConnConfig, error) {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("the database URL is not usable: %w", err) // pgx leaves the password out
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = connectTimeout
	}
	if config.ValidateConnect == nil { // no target_session_attrs was given
		config.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite
	}
	dialer := &net.Dialer{KeepAliveConfig: net.KeepAliveConfig{
		Enable: true, Idle: 2 * time.Second, Interval: time.Second, Count: 3,
	}}
	config.DialFunc = dialer.DialContext
	set(config, map[string]string{
		// Every statement has one good plan, by index. A plan made from the
		// statistics of a young, empty table would scan it, and would be kept
		// while the table grows.
		"plan_cache_mode":   "force_generic_plan",
		"enable_seqscan":    "off",
		"enable_bitmapscan": "off",
		"enable_hashjoin":   "off",
		"enable_mergejoin":  "off",
		"jit":               "off",
	})
	if config.RuntimeParams["application_name"] == "" {
		set(config, map[string]string{"application_name": "dummymessenger"})
	}
	return config, nil
}

func set(config *pgx.ConnConfig, params map[string]string) {
	maps.Copy(config.RuntimeParams, params)
}

// writerConfig adds what only the writer's session needs.
func writerConfig(config *pgx.ConnConfig) *pgx.ConnConfig {
	config = config.Copy()
	set(config, map[string]string{
		"idle_in_transaction_session_timeout": milliseconds(idleInTransactionTimeout),
		"lock_timeout":                        milliseconds(lockTimeout),
		"statement_timeout":                   "0", // it would cancel a commit's wait for the standby
	})
	return config
}

func newPool(ctx context.Context, config *pgx.ConnConfig) (*pgxpool.Pool, error) {
	pc, err := pgxpool.ParseConfig("")
	if err != nil {
		return nil, err
	}
	pc.ConnConfig = config.Copy()
	pc.MaxConns = readers
	return pgxpool.NewWithConfig(ctx, pc)
}

func milliseconds(d time.Duration) string { return fmt.Sprint(d.Milliseconds()) }

// Append implements messenger.Store.
func (s *Store) Append(ctx context.Context, take func() []messenger.Draft) (messenger.Appended, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(s.closing, cancel)()

	if s.writer == nil {
		w, err := connect(ctx, s.config, s.logger)
		if err != nil {
			return messenger.Appended{}, unavailable(err)
		}
		s.writer = w
	}
	appended, err := s.writer.append(ctx, take)
	if err != nil {
		s.recover(ctx)
	}
	s.remember(err)
	return appended, err
}

// recover gets the writer out of a failed transaction, or drops it. A dropped
// connection also finds the host again that accepts writes.
func (s *Store) recover(ctx context.Context) {
	if s.writer.rollback(ctx) != nil {
		s.writer.close()
		s.writer = nil
	}
}

func (s *Store) remember(err error) {
	if messenger.KindOf(err) == messenger.Unwritable {
		s.refused.Store(&refusal{at: time.Now(), err: err})
	} else {
		s.refused.Store(nil)
	}
}

// Read implements messenger.Store.
//
// What it sees is durable: PostgreSQL shows a transaction to others only after
// its commit record has been flushed, and replicated where that is asked for.
func (s *Store) Read(ctx context.Context, after int64, limit int) ([]messenger.Message, error) {
	rows, err := s.pool.Query(ctx, readSQL, after, limit)
	if err != nil {
		return nil, harmless(err)
	}
	messages, err := pgx.CollectRows(rows, scanMessage)
	if err != nil {
		return nil, harmless(err)
	}
	return messages, nil
}

// Ready implements messenger.Store.
func (s *Store) Ready(ctx context.Context) error {
	if r := s.refused.Load(); r != nil && time.Since(r.at) < refusalMemory {
		return r.err
	}
	var writable, locked bool
	err := s.pool.QueryRow(ctx, readySQL).Scan(&writable, &locked)
	switch {
	case err != nil:
		return harmless(err)
	case !writable:
		return unavailable(errors.New("the database accepts no writes: it is in recovery or read-only"))
	case !locked:
		return errNoLockRow
	}
	return nil
}

// Close implements messenger.Store.
func (s *Store) Close() error {
	s.close()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.writer != nil {
		s.writer.close()
		s.writer = nil
	}
	s.pool.Close()
	return nil
}

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
	neturl "net/url"
	"strings"
	"sync"
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

	openTimeout = 30 * time.Second // connecting at start, and creating the tables
)

// readers is how many Reads run at once.
const readers = 4

// A Store is one replica's access to the log. Open makes one.
type Store struct {
	logger *slog.Logger
	logID  string
	config *pgx.ConnConfig // of the writer
	pool   *pgxpool.Pool   // for reading

	// life ends with Close, and with it whatever call is running. It is the
	// Store's own, no caller's context.
	life context.Context
	end  context.CancelFunc

	mu     sync.Mutex // held by Append, and by Close at the end
	writer *writer    // nil when not connected
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
	opening, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	if err := prepareDatabase(opening, config, logger); err != nil {
		return nil, err
	}
	pool, err := newPool(ctx, config)
	if err != nil {
		return nil, err
	}
	s := &Store{logger: logger, config: writerConfig(config), pool: pool}
	s.life, s.end = context.WithCancel(context.Background())
	return s, nil
}

func parse(url string) (*pgx.ConnConfig, error) {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, unusable(url, err)
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
	config.DefaultQueryExecMode = pgx.QueryExecModeCacheStatement // whatever the URL says
	set(config, map[string]string{
		// Whatever the URL, the role or the database say. Stricter isolation would
		// have a transaction that waited for a lock not see what it waited for.
		"client_encoding":               "UTF8",
		"default_transaction_isolation": "read committed",

		// Every statement has one good plan, by index. A plan made from the
		// statistics of a young, empty table would scan it, and would be kept
		// while the table grows.
		"plan_cache_mode":   "force_generic_plan",
		"enable_seqscan":    "off",
		"enable_bitmapscan": "off",
		"enable_hashjoin":   "off",
		"enable_mergejoin":  "off",
		"jit":               "off",
		"lock_timeout":      milliseconds(lockTimeout),
	})
	if config.RuntimeParams["application_name"] == "" {
		set(config, map[string]string{"application_name": "dummymessenger"})
	}
	return config, nil
}

// unusable says what err, pgx's, says of url, unless that might show the
// password: pgx leaves it out only where it can tell which part of url it is.
func unusable(url string, err error) error {
	u, parseErr := neturl.Parse(url)
	if at := strings.Count(url, "@"); parseErr == nil && (at == 0 || at == 1 && u.User != nil) {
		if password, _ := u.User.Password(); password == "" || !strings.Contains(err.Error(), password) {
			return fmt.Errorf("the database URL is not usable: %v", err)
		}
	}
	return errors.New("the database URL is malformed; write postgres://USER:PASSWORD@HOST:PORT/DATABASE, and percent-encode what is special in the password")
}

func set(config *pgx.ConnConfig, params map[string]string) {
	maps.Copy(config.RuntimeParams, params)
}

// writerConfig adds what only the writer's session needs.
func writerConfig(config *pgx.ConnConfig) *pgx.ConnConfig {
	config = config.Copy()
	set(config, map[string]string{
		"idle_in_transaction_session_timeout": milliseconds(idleInTransactionTimeout),
		"statement_timeout":                   "0", // it would cancel a commit's wait for the standby

		// If the network dies in the middle of a batch, PostgreSQL waits for the
		// rest of it with the lock held, and does not call that idle. Its probes
		// end the session, as ours (see parse) end the connection here.
		"tcp_keepalives_idle":     "2",
		"tcp_keepalives_interval": "1",
		"tcp_keepalives_count":    "3",
		"tcp_user_timeout":        "5000",
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

// Append implements messenger.Store. After an error it drops the connection, so
// that nothing need be known about the state it was in; connecting anew also
// finds the host again that accepts writes. Only a server that refuses to store,
// as on a full disk, keeps it: a new one may fail as well, and say less of why.
func (s *Store) Append(ctx context.Context, take func() []messenger.Draft) (messenger.Appended, error) {
	ctx, cancel := s.bound(ctx)
	defer cancel()
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.life.Err(); err != nil {
		return messenger.Appended{}, unavailable(err) // bound's context ends a moment later
	}
	if s.writer == nil {
		w, err := connect(ctx, s.config, s.logger)
		if err != nil {
			return messenger.Appended{}, unavailable(err)
		}
		s.writer = w
	}
	appended, err := s.writer.append(ctx, take)
	if err != nil {
		if messenger.KindOf(err) != messenger.Unwritable || s.writer.rollback(ctx) != nil {
			s.writer.close()
			s.writer = nil
		}
		return messenger.Appended{}, err
	}
	return appended, nil
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
// after that. It shows one, too, whose wait for a synchronous standby was
// cancelled; a replay of that one is safe because it was found by a transaction
// that held the lock and waited for the standby itself (see writer.store).
func (s *Store) Read(ctx context.Context, after int64, limit int) ([]messenger.Message, error) {
	ctx, cancel := s.bound(ctx)
	defer cancel()
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

// Head implements messenger.Store.
func (s *Store) Head(ctx context.Context) (int64, error) {
	ctx, cancel := s.bound(ctx)
	defer cancel()
	var head int64
	if err := s.pool.QueryRow(ctx, headSQL).Scan(&head); err != nil {
		return 0, harmless(err)
	}
	return head, nil
}

// Ready implements messenger.Store.
func (s *Store) Ready(ctx context.Context) error {
	ctx, cancel := s.bound(ctx)
	defer cancel()
	var writable, granted, lockable bool
	err := s.pool.QueryRow(ctx, readySQL).Scan(&writable, &granted, &lockable)
	switch {
	case err != nil:
		return harmless(err)
	case !writable:
		return unavailable(errors.New("the database accepts no writes: it is in recovery or read-only"))
	case !granted:
		return &messenger.Error{Kind: messenger.Unwritable, Detail: "the database does not let the server store messages",
			Err: errors.New("the role may not INSERT into messages")}
	case !lockable:
		return errNoLockRow
	}
	return nil
}

// LogID implements messenger.Store.
func (s *Store) LogID() string { return s.logID }

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
	case <-time.After(closeTimeout): // a frozen database; the process is about to end
	}
	return nil
}

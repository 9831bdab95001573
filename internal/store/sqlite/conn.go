package sqlite

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/ncruces/go-sqlite3"

	"dummymessenger/internal/messenger"
)

// busyTimeout bounds the wait for programs that do not use our queue, such as
// the sqlite3 shell or a backup.
const busyTimeout = 5 * time.Second

const (
	checkpointFrames = 1000     // in the WAL, from which on a commit is followed by a checkpoint; SQLite's default
	walLimit         = 16 << 20 // several times what the WAL grows to without a long reader
)

// minVersion is the first SQLite whose WAL two processes can write without
// corrupting it when they reset it at the same time.
var minVersion = []int{3, 51, 3}

// A conn is a connection with its prepared statements. One goroutine uses it
// at a time.
type conn struct {
	db     *sqlite3.Conn
	stmts  map[string]*sqlite3.Stmt
	frames int  // in the WAL after this connection's last commit
	failed bool // it must be replaced
}

// dial opens path, which must be absolute: SQLite takes ":memory:" and
// "file:…" for something else. It neither reads the file nor writes to it.
func dial(ctx context.Context, path string, flags sqlite3.OpenFlag) (*conn, error) {
	db, err := sqlite3.OpenFlags(path, sqlite3.OPEN_READWRITE|flags)
	if err != nil {
		return nil, err
	}
	c := &conn{db: db, stmts: make(map[string]*sqlite3.Stmt)}
	db.SetInterrupt(ctx)
	// In place of SQLite's own hook, which makes checkpoints inside COMMIT.
	db.WALHook(func(_ *sqlite3.Conn, _ string, frames int) error { c.frames = frames; return nil })
	if err := db.BusyTimeout(busyTimeout); err != nil {
		return nil, errors.Join(err, c.close())
	}
	return c, nil
}

// makeDurable makes the connection flush every commit to the disk before it
// returns, checks that it will, and flushes what is in the WAL already.
func (c *conn) makeDurable() error {
	for _, p := range []struct{ name, value, want string }{
		{"journal_mode", "WAL", "wal"},
		{"synchronous", "FULL", "2"}, // the driver's default in WAL mode is NORMAL: not durable
		{"fullfsync", "ON", "1"},     // macOS: through the drive's cache; no effect elsewhere
		{"checkpoint_fullfsync", "ON", "1"},
	} {
		if err := c.db.Exec("PRAGMA " + p.name + "=" + p.value); err != nil {
			return fmt.Errorf("set %s: %w", p.name, err)
		}
		got, err := c.text("PRAGMA " + p.name)
		if err != nil {
			return fmt.Errorf("read %s: %w", p.name, err)
		}
		if got != p.want {
			return fmt.Errorf("%s is %q after it was set to %s: this file system cannot keep the log safe", p.name, got, p.value)
		}
	}
	// A WAL that has grown because of a long reader shrinks when it is begun anew.
	if err := c.db.Exec(fmt.Sprint("PRAGMA journal_size_limit=", walLimit)); err != nil {
		return err
	}
	// If all processes died in the middle of a commit, the first connection brings
	// back what reached the WAL, flushed or not. A repeated request would be answered
	// from it without another commit, so flush it now: a checkpoint begins with that.
	if err := c.db.Exec("PRAGMA wal_checkpoint(PASSIVE)"); err != nil {
		return fmt.Errorf("flush what was recovered: %w", err)
	}
	return nil
}

func (c *conn) checkVersion() error {
	version, err := c.text("SELECT sqlite_version()")
	if err != nil {
		return err
	}
	if olderThan(version, minVersion) {
		return fmt.Errorf("SQLite %s is too old: two processes can corrupt its log file; build with %d.%d.%d or newer",
			version, minVersion[0], minVersion[1], minVersion[2])
	}
	return nil
}

func olderThan(version string, least []int) bool {
	v := make([]int, 3)
	fmt.Sscanf(version, "%d.%d.%d", &v[0], &v[1], &v[2])
	return slices.Compare(v, least) < 0
}

// stmt returns sql prepared and reset, with what was bound to it before.
func (c *conn) stmt(sql string) (*sqlite3.Stmt, error) {
	if st, ok := c.stmts[sql]; ok {
		return st, nil
	}
	st, _, err := c.db.PrepareFlags(sql, sqlite3.PREPARE_PERSISTENT)
	if err != nil {
		return nil, err
	}
	c.stmts[sql] = st
	return st, nil
}

// rows binds args, which are int, int64, string or messenger.ID, runs sql and calls
// each for every row.
func (c *conn) rows(each func(*sqlite3.Stmt), sql string, args ...any) error {
	st, err := c.stmt(sql)
	if err != nil {
		return err
	}
	for i, arg := range args {
		switch arg := arg.(type) {
		case int:
			err = st.BindInt(i+1, arg)
		case int64:
			err = st.BindInt64(i+1, arg)
		case string:
			err = st.BindText(i+1, arg)
		case messenger.ID:
			err = st.BindBlob(i+1, arg[:])
		default:
			panic(fmt.Sprintf("sqlite: cannot bind a %T", arg))
		}
		if err != nil {
			return err
		}
	}
	for st.Step() {
		each(st)
	}
	stepped := st.Err() // Reset forgets an interrupt
	return cmp.Or(stepped, st.Reset())
}

// text returns the first column of sql's last row.
func (c *conn) text(sql string) (text string, err error) {
	err = c.rows(func(st *sqlite3.Stmt) { text = st.ColumnText(0) }, sql)
	return text, err
}

func (c *conn) exec(sql string) error {
	return c.rows(func(*sqlite3.Stmt) {}, sql)
}

// close rolls an open transaction back. It may be called on nil.
func (c *conn) close() error {
	if c == nil {
		return nil
	}
	c.db.SetInterrupt(context.Background())
	for _, st := range c.stmts {
		st.Close() // repeats the error of its last run, which its caller has seen
	}
	return c.db.Close()
}

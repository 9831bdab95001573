package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/ncruces/go-sqlite3"

	"dummymessenger/internal/messenger"
)

const (
	openTimeout = 30 * time.Second
	openWarning = 2 * time.Second
)

// Open opens the log in the file at path, and creates both if they are
// missing. It fails if the file cannot be written or holds something else, and
// leaves such a file as it is. The folder of path must exist and be writable:
// the queue's lock and SQLite's own files are kept beside the file.
//
// It waits while others hold the log's locks, says so after openWarning and
// gives up after openTimeout.
func Open(ctx context.Context, path string, logger *slog.Logger) (*Store, error) {
	return openWithin(ctx, openTimeout, path, logger)
}

func openWithin(ctx context.Context, limit time.Duration, path string, logger *slog.Logger) (_ *Store, err error) {
	given, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if path, err = resolve(path); err != nil {
		return nil, err
	}
	opening, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	what := "SQLite's lock on " + path
	var waiting atomic.Pointer[string]
	waiting.Store(&what)
	warning := time.AfterFunc(openWarning, func() { logger.Warn("still waiting", "for", *waiting.Load()) })
	defer warning.Stop()

	s := &Store{
		path: path, given: given, logger: logger, now: time.Now, queue: newQueue(path + queueSuffix),
		writer: make(chan *conn, 1), reader: make(chan *conn, 1),
	}
	if err := checkIndex(opening, path); err != nil {
		return nil, err
	}
	w, err := dial(opening, path, sqlite3.OPEN_CREATE)
	var r *conn
	defer func() {
		if err != nil {
			if opening.Err() != nil && ctx.Err() == nil {
				err = fmt.Errorf("waited %v for %s, which another replica or program holds; find it with fuser or lsof and end it: %w",
					limit, *waiting.Load(), err)
			}
			err = explain(path, errors.Join(err, r.close(), w.close(), s.watch.close()))
		}
	}()
	if err != nil {
		return nil, err
	}
	if err := w.checkVersion(); err != nil {
		return nil, err
	}
	// Check before writing: WAL mode modifies the file.
	if _, err := w.schema(); err != nil {
		return nil, err
	}

	// Processes that start at the same instant pass one by one: changing to
	// WAL mode needs the file alone, and SQLite gives up rather than wait for it.
	lock := "the lock on " + path + queueSuffix
	waiting.Store(&lock)
	if err := s.queue.lock(opening); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.queue.unlock()) }()
	waiting.Store(&what)
	if r, err = s.create(opening, w); err != nil {
		return nil, err
	}
	head, err := r.messages(selectLast, 1)
	if err != nil {
		return nil, err
	}
	s.seen.Store(new(messenger.Message))
	if len(head) > 0 {
		s.saw(head[0])
	}
	s.life, s.end = context.WithCancelCause(context.Background())
	s.writer <- w
	s.reader <- r
	logger.Info("log opened", "path", path, "seq", s.seen.Load().Seq, "log", s.logID)
	return s, nil
}

// create creates the log if it is missing, starts to watch its files and
// returns the connection for reading. The caller has the queue's lock.
func (s *Store) create(ctx context.Context, w *conn) (r *conn, err error) {
	// Check before the first checkpoint, which may hide what was done to the file.
	found, err := w.schema()
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(s.path + "-shm"); err == nil && found.id != "" {
		if s.watch, err = openWatch(s.path, s.given, found.id); err != nil {
			return nil, err
		}
		if err := s.watch.check(true); err != nil {
			return nil, err
		}
		if err := s.watch.forgetRecovered(); err != nil {
			return nil, err
		}
	}
	if err := w.makeDurable(); err != nil {
		return nil, err
	}
	if s.logID, err = w.createIfMissing(); err != nil {
		return nil, err
	}
	if s.watch == nil {
		if s.watch, err = openWatch(s.path, s.given, s.logID); err != nil {
			return nil, err
		}
	}
	if err := s.watch.begin(w); err != nil {
		return nil, err
	}
	if r, err = dial(ctx, s.path, 0); err != nil {
		return nil, err
	}
	if err := r.makeDurable(); err != nil {
		return r, err
	}
	if err := s.checkSchema(r); err != nil {
		return r, err
	}
	claim(s.path)
	return r, s.watch.check(true)
}

// resolve returns the absolute path of the file itself, so that replicas that
// name it differently, say by a symbolic link, meet in one queue.
func resolve(path string) (string, error) {
	if path == "" {
		return "", errors.New("the database's path is empty; name a file, as in sqlite:messages.db")
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	info, err := os.Stat(path)
	if err == nil && info.Mode().IsRegular() {
		return resolveFile(path, info)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		dir, err := filepath.EvalSymlinks(filepath.Dir(path))
		if errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("database %s: its folder does not exist; create it first", path)
		}
		return filepath.Join(dir, filepath.Base(path)), err
	case err != nil:
		return "", fmt.Errorf("database: %w", err)
	case info.IsDir():
		return "", fmt.Errorf("database %s is a folder; name a file", path)
	}
	return "", fmt.Errorf("database %s is not a regular file; name another", path)
}

// resolveFile is resolve for a file that exists. SQLite finds the WAL by the file's
// name, so a second name makes a second log in it. Of several names, the log's is
// the one under which a replica opened the file before, and claimed its queue.
func resolveFile(path string, info fs.FileInfo) (string, error) {
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return "", fmt.Errorf("database: %w", err)
	}
	f, err := os.Open(path)
	if err != nil {
		return "", explain(path, err)
	}
	defer f.Close()
	if mounted(path) {
		return "", fmt.Errorf("database %s is mounted there by itself, so that it also has another name, "+
			"under which another log would grow in it; mount its folder", path)
	}
	lock, err := os.Lstat(path + queueSuffix)
	if err == nil && !lock.Mode().IsRegular() {
		return "", fmt.Errorf("%s is not a regular file; remove it", path+queueSuffix)
	}
	if n, _ := links(f, info); n > 1 && !isClaimed(path) {
		return "", fmt.Errorf("database %s has %d names (hard links), and under each another log would grow in it; "+
			"name the one that was used before, or remove the others (find / -samefile FILE lists them)", path, n)
	}
	// SQLite makes -wal before -shm and removes it after it.
	before, _ := os.Lstat(path + "-shm")
	_, err = os.Lstat(path + "-wal")
	after, _ := os.Lstat(path + "-shm")
	if before != nil && after != nil && errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("%[1]s-wal was removed and %[1]s-shm was not; "+
			"stop all replicas and programs that use the file, remove that, too, and start again", path)
	}
	return path, nil
}

// checkIndex returns an error if a program has the database open whose -shm was
// removed: with a new one, two would write to one log without knowing of each other.
func checkIndex(ctx context.Context, path string) (err error) {
	missing := func() bool {
		_, err := os.Stat(path + "-shm")
		return errors.Is(err, fs.ErrNotExist)
	}
	if info, err := os.Stat(path); err != nil || info.Size() == 0 || !missing() {
		return nil
	}
	c, err := dial(ctx, path, 0)
	if err != nil {
		return nil // it will fail again, where that is explained
	}
	defer func() { err = errors.Join(err, c.close()) }()
	if err := c.db.BusyTimeout(200 * time.Millisecond); err != nil { // for others who start now
		return err
	}
	if err := c.exec("PRAGMA locking_mode = EXCLUSIVE"); err != nil {
		return nil
	}
	if err := c.exec("SELECT 1 FROM sqlite_schema"); errors.Is(err, sqlite3.BUSY) && missing() {
		return fmt.Errorf("database %s is open in another program under another name, or its -shm was removed; "+
			"stop all replicas and programs that use it, then start again", path)
	}
	return nil
}

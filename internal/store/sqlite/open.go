package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/ncruces/go-sqlite3"
)

// Open opens the log in the file at path, and creates both if they are
// missing. It fails if the file cannot be written or holds something else, and
// leaves such a file as it is. The folder of path must exist and be writable:
// the lock of the queue and SQLite's own files are kept beside the file.
func Open(ctx context.Context, path string, logger *slog.Logger) (_ *Store, err error) {
	path, err = resolve(path)
	if err != nil {
		return nil, err
	}
	q := newQueue(path + ".lock")
	w, err := create(ctx, path, q)
	if err != nil {
		return nil, explain(path, err)
	}
	r, err := dial(ctx, path, 0)
	defer func() {
		if err != nil {
			err = explain(path, errors.Join(err, r.close(), w.close()))
		}
	}()
	if err != nil {
		return nil, err
	}
	if err := r.makeDurable(); err != nil {
		return nil, err
	}
	head, err := r.messages(selectLast, 1)
	if err != nil {
		return nil, err
	}
	file, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	os.SameFile(file, file) // on Windows the file's identity is looked up at first use, by path

	s := &Store{
		path: path, file: file, logger: logger, now: time.Now, queue: q,
		writer: make(chan *conn, 1), reader: make(chan *conn, 1),
	}
	s.life, s.end = context.WithCancelCause(context.Background())
	s.writer <- w
	s.reader <- r
	var seq int64
	if len(head) > 0 {
		seq = head[0].Seq
	}
	logger.Info("log opened", "path", path, "seq", seq)
	return s, nil
}

// resolve returns the absolute path of the file itself, so that replicas that
// name it differently, say by a symbolic link, still meet in one queue.
func resolve(path string) (string, error) {
	if path == "" {
		return "", errors.New("the database's path is empty; name a file, as in sqlite:messages.db")
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	info, err := os.Stat(path)
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
	case !info.Mode().IsRegular():
		return "", fmt.Errorf("database %s is not a regular file; name another", path)
	}
	return filepath.EvalSymlinks(path)
}

// create returns a connection to a database that has the table.
func create(ctx context.Context, path string, q *queue) (_ *conn, err error) {
	c, err := dial(ctx, path, sqlite3.OPEN_CREATE)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.close())
		}
	}()
	if err := c.checkVersion(); err != nil {
		return nil, err
	}
	// First of all, and without a trace: WAL mode is written to the file.
	if _, err := c.hasTable(); err != nil {
		return nil, err
	}

	// Processes that start at the same instant pass one by one: changing to
	// WAL mode needs the file alone, and SQLite gives up rather than wait for it.
	if err := q.lock(ctx); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, q.unlock()) }()
	if err := c.makeDurable(); err != nil {
		return nil, err
	}
	return c, c.createIfMissing()
}

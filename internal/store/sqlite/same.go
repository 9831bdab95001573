package sqlite

import (
	"errors"
	"fmt"

	"github.com/ncruces/go-sqlite3"

	"dummymessenger/internal/messenger"
)

// checkFiles returns an error if the log's files are not what they were. locked
// says whether the caller has the queue's lock.
func (s *Store) checkFiles(locked bool) error {
	if err := s.watch.check(locked); err != nil {
		return changed{err}
	}
	return nil
}

// checkSchema returns an error if c finds another log in the database, as
// after a restore by SQL, or something that changes what is stored or read.
// Every change of the schema, and every restore, changes its version.
func (s *Store) checkSchema(c *conn) error {
	var version int64
	if err := c.rows(func(st *sqlite3.Stmt) { version = st.ColumnInt64(0) }, "PRAGMA schema_version"); err != nil {
		return err
	}
	if version == s.version.Load() {
		return nil
	}
	found, err := c.schema()
	switch {
	case errors.Is(err, errForeign):
		return changed{errors.New("a trigger, index or view was added to messages or log_id, or one of these was altered; undo that")}
	case err != nil:
		return err
	case !found.table || found.id != s.logID:
		return changed{fmt.Errorf("the database holds another log (%q), or none, in place of %s; "+
			"restore that one, or restart for the other", found.id, s.logID)}
	}
	s.version.Store(version)
	return nil
}

// checkConsecutive returns an error unless the messages are numbered first,
// first+1, …
func checkConsecutive(messages []messenger.Message, first int64) error {
	for i, m := range messages {
		if want := first + int64(i); m.Seq != want {
			return changed{fmt.Errorf("message %d is missing: it was deleted; restore a backup", want)}
		}
	}
	return nil
}

// checkEnd returns an error if messages, which are the log's last ones, end before
// the seq that has been seen.
func checkEnd(messages []messenger.Message, seen int64) error {
	var end int64
	if n := len(messages); n > 0 {
		end = messages[n-1].Seq
	}
	if end < seen {
		return wentBack(end, seen)
	}
	return nil
}

func wentBack(end, seen int64) error {
	return changed{fmt.Errorf("the newest message is %d, and was %d: messages were deleted, or an older log was put in its place; "+
		"restore the newer one, or restart all replicas to go on with this one", end, seen)}
}

// saw notes that the log holds a message with this seq.
func (s *Store) saw(seq int64) {
	for seen := s.seen.Load(); seq > seen && !s.seen.CompareAndSwap(seen, seq); seen = s.seen.Load() {
	}
}

// logChange logs that the log was changed, once, and that it is as it was again.
// err is what a call has met.
func (s *Store) logChange(err error) {
	change, ok := errors.AsType[changed](err)
	if ok && s.refused.CompareAndSwap(false, true) {
		s.logger.Error("the log was changed from outside; nothing is stored or shown until that is undone", "err", change.error)
	} else if err == nil && s.refused.Load() && s.refused.CompareAndSwap(true, false) {
		s.logger.Info("the log is as it was again")
	}
}

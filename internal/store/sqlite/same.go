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

// checkMessages returns an error unless the messages, which c has read, are numbered
// first, first+1, …, the log holds seen as it was, which is the newest message that was
// seen before, and what an earlier call missed is back.
func (s *Store) checkMessages(c *conn, messages []messenger.Message, first int64, seen *messenger.Message) error {
	if g := s.missing.Load(); g != nil {
		var found int64
		if err := c.rows(func(st *sqlite3.Stmt) { found = st.ColumnInt64(0) }, countBetween, g.first, g.last); err != nil {
			return err
		}
		if found <= g.last-g.first {
			return changed{g}
		}
		s.missing.CompareAndSwap(g, nil)
	}
	for i, m := range messages {
		if want := first + int64(i); m.Seq != want {
			g := &gap{want, m.Seq - 1}
			s.missing.Store(g)
			return changed{g}
		}
	}
	var now messenger.Message
	var err error
	if i := seen.Seq - first; i >= 0 && i < int64(len(messages)) {
		now = messages[i]
	} else if seen.Seq > 0 {
		now, _, err = c.one(selectSeq, seen.Seq)
	}
	if err == nil && now != *seen {
		err = changed{fmt.Errorf("message %d, the newest that was seen, is missing or another one: messages were deleted or altered, "+
			"or an older copy of the log was put in its place; restore the newer one, or restart all replicas to go on "+
			"with this one", seen.Seq)}
	}
	return err
}

// A gap is an error: these messages were found missing.
type gap struct{ first, last int64 }

func (g *gap) Error() string {
	return fmt.Sprintf("message %d is missing: it was deleted; restore a backup", g.first)
}

// beginning returns the seq with which messages, the log's last limit ones, must begin.
func beginning(messages []messenger.Message, limit int) int64 {
	if len(messages) < limit {
		return 1
	}
	return messages[0].Seq
}

// saw notes that the log holds m.
func (s *Store) saw(m messenger.Message) {
	for seen := s.seen.Load(); m.Seq > seen.Seq && !s.seen.CompareAndSwap(seen, &m); seen = s.seen.Load() {
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

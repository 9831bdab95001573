package groupcommit

import (
	"time"

	"dummymessenger/internal/messenger"
)

// A Commit is what Config.Observe is told of one append of the store.
type Commit struct {
	Size  int             // messages taken into the batch; 0 if everybody had gone, or the lock was not had
	Waits []time.Duration // of each of them, from its arrival to this batch; a later try counts from there, too

	LockWait time.Duration // until the lock was had, or the append failed
	Took     time.Duration // from then on; 0 if the lock was not had

	Head   int64     // the newest message stored by the batch; 0 if none
	SentAt time.Time // its date
	Err    error     // as Store.Append returned it
}

// observation is an append as Config.Observe is told of it. locked is zero if
// the lock was not had.
func observation(asked, locked, ended time.Time, batch []*waiter, appended messenger.Appended, err error) Commit {
	if locked.IsZero() {
		locked = ended
	}
	commit := Commit{
		Size: len(batch), Waits: make([]time.Duration, len(batch)),
		LockWait: locked.Sub(asked), Took: ended.Sub(locked), Err: err,
	}
	for i, w := range batch {
		commit.Waits[i] = locked.Sub(w.arrived)
	}
	for _, r := range appended.Results {
		if !r.Existed {
			commit.Head, commit.SentAt = r.Seq, r.SentAt // ascending
		}
	}
	return commit
}

// Waiting is how many callers are in the queue.
func (c *Combiner) Waiting() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.queue)
}

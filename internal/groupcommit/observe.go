package groupcommit

import (
	"time"

	"dummymessenger/internal/messenger"
)

// A Commit describes one append of the store to Config.Observe.
type Commit struct {
	Size  int             // messages in the batch; 0 if every caller had left, or the lock was not granted
	Waits []time.Duration // of each message, from its arrival to this batch, earlier tries included

	LockWait time.Duration // until the lock was granted, or the append failed
	Took     time.Duration // from then on; 0 if the lock was not granted

	Head   int64     // the newest message stored by the batch; 0 if none
	SentAt time.Time // its date
	Err    error     // as Store.Append returned it
}

// observation describes an append. locked is zero if the lock was not granted.
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

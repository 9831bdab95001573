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

	Head int64 // the newest message stored by the batch; 0 if none
	Err  error // as Store.Append returned it
}

// A stopwatch measures one append. Without an observer it does nothing.
type stopwatch struct {
	observe       func(Commit)
	begin, locked time.Time
	commit        Commit
}

func (c *Combiner) startWatch() stopwatch {
	w := stopwatch{observe: c.cfg.Observe}
	if w.observe != nil {
		w.begin = time.Now()
	}
	return w
}

// took is called when the store has the lock and batch has been taken.
func (w *stopwatch) took(batch []*waiter) {
	if w.observe == nil {
		return
	}
	w.locked = time.Now()
	w.commit.Size = len(batch)
	w.commit.Waits = make([]time.Duration, len(batch))
	for i, one := range batch {
		w.commit.Waits[i] = w.locked.Sub(one.arrived)
	}
}

// stop is called when the store has returned.
func (w *stopwatch) stop(appended messenger.Appended, err error) {
	if w.observe == nil {
		return
	}
	now := time.Now()
	if w.locked.IsZero() {
		w.locked = now
	}
	w.commit.LockWait, w.commit.Took = w.locked.Sub(w.begin), now.Sub(w.locked)
	for _, r := range appended.Results {
		if !r.Existed {
			w.commit.Head = r.Seq // ascending
		}
	}
	w.commit.Err = err
}

// tell comes last, so that no caller waits for an observer.
func (w *stopwatch) tell() {
	if w.observe != nil {
		w.observe(w.commit)
	}
}

// Waiting is how many callers are in the queue.
func (c *Combiner) Waiting() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.queue)
}

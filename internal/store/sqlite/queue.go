package sqlite

import (
	"context"
	"sync"

	"github.com/gofrs/flock"
)

// queueSuffix makes a database's name that of its queue's file.
const queueSuffix = ".lock"

// A queue is where replicas wait for their turn to write: a lock on a file beside
// the database. The operating system hands it on at once, while SQLite polls its own
// lock with sleeps. No guarantee rests on it: BEGIN IMMEDIATE keeps them, and would
// only take longer without the queue.
type queue struct {
	file *flock.Flock

	// granted carries the result of a wait. It has room for one, so that sending,
	// done under mu, never blocks.
	granted chan error

	mu      sync.Mutex
	waiting bool // a goroutine is blocked in file.Lock
	wanted  bool // a call of lock receives from granted, or will
}

func newQueue(path string) *queue {
	return &queue{
		file:    flock.New(path, flock.SetPermissions(0o666)), // less the umask, like the database
		granted: make(chan error, 1),
	}
}

// lock waits for the queue's turn until ctx ends. One caller at a time.
//
// Nothing can interrupt the system call that waits, so it runs in a goroutine
// which may outlive its caller. It is then either adopted by the next call,
// which keeps its place in the queue, or gives the lock back the moment it
// gets it: an abandoned wait never stops another replica.
func (q *queue) lock(ctx context.Context) error {
	q.mu.Lock()
	if !q.waiting {
		if locked, err := q.file.TryLock(); locked || err != nil {
			q.mu.Unlock()
			return err
		}
		q.waiting = true
		go q.wait()
	}
	q.wanted = true
	q.mu.Unlock()

	select {
	case err := <-q.granted:
		return err
	case <-ctx.Done():
	}

	q.mu.Lock()
	defer q.mu.Unlock()
	q.wanted = false
	select {
	case err := <-q.granted: // it came just before we gave up
		if err == nil {
			err = q.file.Unlock()
		}
		if err != nil {
			return err
		}
	default:
	}
	return context.Cause(ctx)
}

func (q *queue) wait() {
	err := q.file.Lock()

	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = false
	if q.wanted {
		q.wanted = false
		q.granted <- err
	} else if err == nil {
		q.file.Unlock() // fails only if the file isn't locked
	}
}

func (q *queue) unlock() error { return q.file.Unlock() }

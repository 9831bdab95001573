// Package groupcommit turns many waiting callers into one batch and one
// commit: the combiner.
//
// Callers queue in Append. One loop, Run, asks the store to append; the store
// waits for the log's lock and only then takes the batch, so that everything
// that arrived during the wait rides along (late binding). The order of the
// log is the store's business: the combiner adds speed, not safety.
package groupcommit

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"dummymessenger/internal/messenger"
)

// Config is what a Combiner needs.
type Config struct {
	Store  messenger.Store
	Encode encoder      // appends the wire form of one message
	Logger *slog.Logger // nil: no log

	MaxBatch      int // messages in one commit; 0: 1000
	MaxBatchBytes int // bytes of sender and text in one commit, which one message may exceed; 0: 1 MiB
	MaxQueue      int // callers waiting; one more is Overloaded at once; 0: 4096

	// Observe, if it is not nil, is called after every append, by Run's goroutine,
	// when the waiters have their outcomes.
	Observe func(Commit)
}

// A Combiner appends messages for many callers at a time. New makes one.
type Combiner struct {
	cfg Config

	health health // has a mutex of its own

	// wake holds a token when the queue may have become non-empty.
	wake chan struct{}

	mu      sync.Mutex
	queue   []*waiter // in order of arrival, but for those put back after a failure
	stopped bool      // Run has returned
}

// A waiter is one caller inside Append. Its fields but the first two are guarded
// by Combiner.mu until done holds its outcome; then they are the caller's.
type waiter struct {
	done    chan outcome // of capacity 1, so sending never blocks
	arrived time.Time

	draft     messenger.Draft
	taken     bool // in the store's hands and not in the queue
	unsettled bool // an earlier try may have stored it
	left      bool // the caller no longer waits
}

// An outcome is an answer, or the stored message that has the draft's ID, or an error.
type outcome struct {
	answer messenger.Answer
	stored *messenger.Message
	err    error
}

// New returns a Combiner that works once Run is called.
func New(cfg Config) *Combiner {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.MaxBatch <= 0 {
		cfg.MaxBatch = 1000
	}
	if cfg.MaxBatchBytes <= 0 {
		cfg.MaxBatchBytes = 1 << 20
	}
	if cfg.MaxQueue <= 0 {
		cfg.MaxQueue = 4096
	}
	return &Combiner{cfg: cfg, wake: make(chan struct{}, 1)}
}

// Append stores d and returns when it is durable.
//
// Errors are *messenger.Error: KeyReused if d's ID belongs to another message;
// Overloaded at once if MaxQueue callers wait already; Unwritable if the
// store refuses. If ctx or Run ends first it is Unavailable where d is
// certainly not stored, else Unknown; and Unknown, too, if d is there already
// but its window cannot be read.
func (c *Combiner) Append(ctx context.Context, d messenger.Draft) (messenger.Answer, error) {
	w := &waiter{draft: d, done: make(chan outcome, 1), arrived: time.Now()}
	if err := c.enqueue(w); err != nil {
		return messenger.Answer{}, err
	}
	select {
	case out := <-w.done:
		if out.stored != nil {
			return c.replay(ctx, w, *out.stored)
		}
		return out.answer, out.err
	case <-ctx.Done():
		return c.leave(w, context.Cause(ctx))
	}
}

func (c *Combiner) enqueue(w *waiter) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stopped {
		return errStopping
	}
	if len(c.queue) >= c.cfg.MaxQueue {
		return &messenger.Error{Kind: messenger.Overloaded}
	}
	c.queue = append(c.queue, w)
	select {
	case c.wake <- struct{}{}:
	default: // a token is there already
	}
	return nil
}

// leave takes w, whose caller no longer waits, out of the queue and returns what
// is known of the message by then.
func (c *Combiner) leave(w *waiter, why error) (messenger.Answer, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case out := <-w.done: // just in time
		if out.stored == nil {
			return out.answer, out.err
		}
	default:
	}
	w.left = true
	if i := slices.Index(c.queue, w); i >= 0 {
		c.queue = slices.Delete(c.queue, i, i+1)
	}
	if w.taken || w.unsettled {
		return messenger.Answer{}, unknown(why)
	}
	if err := c.health.outage(); err != nil {
		return messenger.Answer{}, &messenger.Error{Kind: messenger.Unavailable, Err: underlying(err)}
	}
	return messenger.Answer{}, &messenger.Error{Kind: messenger.Unavailable, Cause: messenger.QueueTimeout, Err: why}
}

// replay answers a caller whose message was in the log already with its original
// window, which the log still holds, since it never changes.
func (c *Combiner) replay(ctx context.Context, w *waiter, m messenger.Message) (messenger.Answer, error) {
	if m.Sender != w.draft.Sender || m.Text != w.draft.Text {
		return messenger.Answer{}, &messenger.Error{Kind: messenger.KeyReused}
	}
	first := max(1, m.Seq-messenger.WindowSize+1)
	window, err := c.cfg.Store.Read(ctx, first-1, int(m.Seq-first+1))
	if err == nil && (int64(len(window)) != m.Seq-first+1 || window[len(window)-1] != m) {
		// Read may not reach the server that found m: a former primary that still
		// runs may lack the end of the log, or hold another one.
		err = errors.New("the log that was read does not hold the message that was found")
	}
	if err != nil {
		return messenger.Answer{}, unknown(err) // stored, but without its window we cannot answer 200
	}
	return messenger.Answer{
		Seq:      m.Seq,
		Messages: encode(c.cfg.Encode, window).window(len(window) - 1),
		Replayed: !w.unsettled,
	}, nil
}

// Waiting is how many callers are in the queue.
func (c *Combiner) Waiting() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.queue)
}

// stop fails the callers that wait, and those who come later.
func (c *Combiner) stop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stopped = true
	for _, w := range c.queue {
		w.fail(errStopping)
	}
	c.queue = nil
}

// fail ends w's wait with err, which says that the last try stored nothing. An
// earlier one may have.
func (w *waiter) fail(err error) {
	if w.unsettled {
		err = unknown(err)
	}
	w.done <- outcome{err: err}
}

var errStopping = &messenger.Error{Kind: messenger.Unavailable, Cause: messenger.Stopping}

func unknown(err error) error {
	return &messenger.Error{Kind: messenger.Unknown, Err: underlying(err)}
}

// underlying returns what is behind err, if that is an Error of a kind that is
// about to be replaced.
func underlying(err error) error {
	if e, ok := errors.AsType[*messenger.Error](err); ok && e.Err != nil {
		return e.Err
	}
	return err
}

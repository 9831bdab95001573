package groupcommit

import (
	"context"
	"time"

	"dummymessenger/internal/messenger"
)

// How long Run rests after a failed append; it doubles from one to the next.
const (
	shortestPause = 10 * time.Millisecond
	longestPause  = 500 * time.Millisecond
)

// Run serves the queue until ctx ends. Whoever waits then is told so.
func (c *Combiner) Run(ctx context.Context) {
	defer c.stop()
	var pause time.Duration
	for c.wait(ctx, pause) {
		if err := c.commit(ctx); err != nil {
			pause = min(max(2*pause, shortestPause), longestPause)
		} else {
			pause = 0
		}
	}
}

// wait returns true as soon as the pause is over and a caller waits, false
// when ctx ends.
func (c *Combiner) wait(ctx context.Context, pause time.Duration) bool {
	if pause > 0 {
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return false
		}
	}
	for c.Waiting() == 0 {
		select {
		case <-c.wake:
		case <-ctx.Done():
			return false
		}
	}
	return ctx.Err() == nil
}

// commit makes one batch of what waits once the store has the log's lock.
func (c *Combiner) commit(ctx context.Context) error {
	var batch []*waiter
	var locked time.Time
	asked := c.ask()
	appended, err := c.cfg.Store.Append(ctx, func() (drafts []messenger.Draft) {
		locked = time.Now()
		batch, drafts = c.take()
		return drafts
	})
	ended := time.Now()
	if err != nil {
		if c.putBack(batch, err) {
			c.cfg.Logger.Warn("append failed", "kind", messenger.KindOf(err).String(), "batch", len(batch), "err", err)
		}
	} else {
		if c.succeeded() {
			c.cfg.Logger.Info("append works again")
		}
		deliver(c.cfg.Encode, batch, appended)
	}
	if c.cfg.Observe != nil { // last, so that no caller waits for an observer
		c.cfg.Observe(observation(asked, locked, ended, batch, appended, err))
	}
	return err
}

// ask notes that the store is asked for the lock now.
func (c *Combiner) ask() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked = time.Now()
	return c.asked
}

// take moves the front of the queue into a batch.
//
// IDs in a batch are distinct: a draft whose ID is in the batch already stays
// in the queue. It has the ID from an idempotency key, so the store will find
// the first one when the second one's turn comes.
func (c *Combiner) take() ([]*waiter, []messenger.Draft) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked = time.Time{}
	var (
		batch  = make([]*waiter, 0, min(len(c.queue), c.cfg.MaxBatch))
		drafts = make([]messenger.Draft, 0, cap(batch))
		rest   = c.queue[:0]
		bytes  int
		keyed  map[messenger.ID]bool
	)
	for i, w := range c.queue {
		n := len(w.draft.Sender) + len(w.draft.Text)
		if len(batch) == c.cfg.MaxBatch || len(batch) > 0 && bytes+n > c.cfg.MaxBatchBytes {
			rest = append(rest, c.queue[i:]...)
			break
		}
		if w.draft.MayExist {
			if keyed[w.draft.ID] {
				rest = append(rest, w)
				continue
			}
			if keyed == nil {
				keyed = make(map[messenger.ID]bool)
			}
			keyed[w.draft.ID] = true
		}
		bytes += n
		w.taken = true
		batch = append(batch, w)
		drafts = append(drafts, w.draft)
	}
	clear(c.queue[len(rest):]) // let go of those who left
	c.queue = rest
	return batch, drafts
}

// putBack returns the batch to the front of the queue, to be tried again for
// as long as its callers wait; or ends their wait if trying again is no use. It
// tells whether err is news.
func (c *Combiner) putBack(batch []*waiter, err error) (news bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	kind := messenger.KindOf(err)
	news = !c.inTrouble() || messenger.KindOf(c.trouble) != kind
	c.trouble, c.failed, c.asked = err, time.Now(), time.Time{}

	if kind == messenger.Unwritable && len(batch) == 0 {
		batch, c.queue = c.queue, nil
	}
	back := make([]*waiter, 0, len(batch)+len(c.queue))
	for _, w := range batch {
		w.taken = false
		if kind.MayBeStored() {
			w.unsettled = true
			w.draft.MayExist = true
		}
		switch {
		case w.gone:
		case kind == messenger.Unwritable:
			w.fail(err)
		default:
			back = append(back, w)
		}
	}
	c.queue = append(back, c.queue...)
	return news
}

// succeeded tells whether that ends a trouble.
func (c *Combiner) succeeded() (news bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	news, c.trouble = c.trouble != nil, nil
	return news
}

// outageMemory is longer than a failing append takes, so that it only passes
// where nobody has tried.
const outageMemory = time.Minute

// inTrouble tells whether the last append failed, not long ago. The caller holds mu.
func (c *Combiner) inTrouble() bool {
	return c.trouble != nil && time.Since(c.failed) < outageMemory
}

const (
	// troubleMemory is how long Ready goes on to report why the last append failed.
	troubleMemory = 5 * time.Second

	// lockPatience is how long the store may wait for the lock, which replicas
	// hold for milliseconds, until Ready takes it that somebody keeps it.
	lockPatience = 2 * time.Second
)

// Ready returns nil if a message could be stored now, as far as can be told
// without storing one. Its errors are of the kinds that Store.Append has.
//
// Why the last append failed, as on a full disk, is remembered for a few seconds
// and then forgotten, for only a message can tell whether it still holds.
func (c *Combiner) Ready(ctx context.Context) error {
	if err := c.hindrance(); err != nil {
		return err
	}
	return c.cfg.Store.Ready(ctx)
}

// hindrance is what messages meet at present, as far as is known here.
func (c *Combiner) hindrance() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case !c.asked.IsZero() && time.Since(c.asked) > lockPatience:
		return &messenger.Error{Kind: messenger.Unavailable, Detail: "messages have been waiting for the log's lock for a while; something else holds it"}
	case c.trouble != nil && time.Since(c.failed) < troubleMemory:
		return c.trouble
	}
	return nil
}

// stop ends everybody's wait.
func (c *Combiner) stop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stopped = true
	for _, w := range c.queue {
		w.fail(errStopping)
	}
	c.queue = nil
}

// fail ends w's wait with err, which says that w is not stored. That is only
// true of the last try.
func (w *waiter) fail(err error) {
	if w.unsettled {
		err = unknown(err)
	}
	w.done <- outcome{err: err}
}

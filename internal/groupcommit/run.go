package groupcommit

import (
	"context"
	"time"

	"dummymessenger/internal/messenger"
)

// How long Run pauses after a failed append; the pause doubles with each failure.
const (
	shortestPause = 10 * time.Millisecond
	longestPause  = 500 * time.Millisecond
)

// Run serves the queue until ctx ends. Then it fails the callers that wait.
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

// wait waits for the pause to end and for a caller. It returns false when ctx ends.
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

// commit asks the store to append one batch: the callers queued when it gets the log's lock.
func (c *Combiner) commit(ctx context.Context) error {
	var batch []*waiter
	var locked time.Time
	asked := time.Now()
	c.health.lockAsked(asked)
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
		if c.health.appendSucceeded() {
			c.cfg.Logger.Info("append works again")
		}
		deliver(c.cfg.Encode, batch, appended)
	}
	if c.cfg.Observe != nil { // last, so that no caller waits for it
		c.cfg.Observe(observation(asked, locked, ended, batch, appended, err))
	}
	return err
}

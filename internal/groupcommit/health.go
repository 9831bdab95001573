package groupcommit

import (
	"context"
	"sync"
	"time"

	"dummymessenger/internal/messenger"
)

// health is what the last appends have shown of the log.
type health struct {
	mu      sync.Mutex
	asked   time.Time // when the store was asked for the lock; zero if it is not, or has it
	trouble error     // why the last append failed; nil if it did not
	failed  time.Time // when that was
}

const (
	// lockPatience is how long the store may wait for the lock until the replica is
	// not ready. Other replicas hold it for milliseconds.
	lockPatience = 2 * time.Second

	// troubleMemory is how long a failed append keeps the replica from being ready.
	troubleMemory = 5 * time.Second

	// outageMemory is longer than a failing append takes, so it expires only if
	// nothing was attempted since.
	outageMemory = time.Minute
)

func (h *health) lockAsked(now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.asked = now
}

func (h *health) lockGranted() { h.lockAsked(time.Time{}) }

// appendFailed reports whether err differs in kind from the last failure, if that
// was not long ago.
func (h *health) appendFailed(err error) (news bool) {
	last := h.outage()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.asked, h.trouble, h.failed = time.Time{}, err, time.Now()
	return last == nil || messenger.KindOf(last) != messenger.KindOf(err)
}

// appendSucceeded reports whether the append before it failed.
func (h *health) appendSucceeded() (news bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	news, h.trouble = h.trouble != nil, nil
	return news
}

// outage returns why the last append failed, nil if it did not or was long ago.
func (h *health) outage() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if time.Since(h.failed) < outageMemory {
		return h.trouble
	}
	return nil
}

// notReadyReason returns what would keep a message from being stored now, nil if
// nothing is known to.
func (h *health) notReadyReason() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case !h.asked.IsZero() && time.Since(h.asked) > lockPatience:
		return &messenger.Error{Kind: messenger.Unavailable, Cause: messenger.LockHeld}
	case time.Since(h.failed) < troubleMemory:
		return h.trouble
	}
	return nil
}

// Ready returns nil if a message could be stored now, as far as it can know without
// storing one. Its errors are of the kinds that Store.Append has.
//
// A failed append, as on a full disk, makes Ready fail for a few seconds only: after
// that, only another append can show whether its cause persists.
func (c *Combiner) Ready(ctx context.Context) error {
	if err := c.health.notReadyReason(); err != nil {
		return err
	}
	return c.cfg.Store.Ready(ctx)
}

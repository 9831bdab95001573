package groupcommit

import "dummymessenger/internal/messenger"

// take moves the front of the queue into a batch. The store calls it once it has
// the log's lock.
//
// IDs in a batch are distinct: a draft whose ID is in the batch already stays
// in the queue. It has the ID from an idempotency key, so the store will find
// the first one when the second one's turn comes.
func (c *Combiner) take() ([]*waiter, []messenger.Draft) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.health.lockGranted()
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
	clear(c.queue[len(rest):]) // or the array would keep the waiters that were taken
	c.queue = rest
	return batch, drafts
}

// putBack returns a batch that failed with err to the front of the queue, where it is
// tried again while its callers wait. If the log refuses to store (Unwritable), putBack
// fails the batch's callers instead; if no batch had been taken yet, it fails all
// callers in the queue.
//
// It reports whether err is worth a line in the log.
func (c *Combiner) putBack(batch []*waiter, err error) (news bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	news = c.health.appendFailed(err)

	kind := messenger.KindOf(err)
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
		case w.left:
		case kind == messenger.Unwritable:
			w.fail(err)
		default:
			back = append(back, w)
		}
	}
	c.queue = append(back, c.queue...)
	return news
}

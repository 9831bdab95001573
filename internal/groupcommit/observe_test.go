package groupcommit

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"dummymessenger/internal/messenger"
)

// The clock of synctest's bubble stands still but for the sleeps below.
func TestObserve(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		injected := failing(messenger.Unavailable)
		failures := 1
		s := &faultyStore{
			beforeLock: func(context.Context) error {
				time.Sleep(3 * time.Second)
				if failures > 0 {
					failures--
					return injected
				}
				return nil
			},
			afterTake: func([]messenger.Draft) error {
				time.Sleep(2 * time.Second)
				return nil
			},
		}
		var seen []Commit // by Run's goroutine, which has ended when it is read
		c := New(Config{Store: s, Encode: seqAndText, Observe: func(c Commit) { seen = append(seen, c) }})
		ctx, cancel := context.WithCancel(t.Context())
		var group sync.WaitGroup
		group.Go(func() { c.Run(ctx) })

		var callers sync.WaitGroup
		for _, d := range []messenger.Draft{draft("a"), draft("b")} {
			callers.Go(func() { c.Append(ctx, d) })
			synctest.Wait()
		}
		if got := c.Waiting(); got != 2 {
			t.Errorf("Waiting() = %d, want 2", got)
		}
		callers.Wait()
		synctest.Wait()
		cancel()
		group.Wait()

		if len(seen) != 2 {
			t.Fatalf("observed %d appends, want 2: %+v", len(seen), seen)
		}
		got := seen[0]
		if !errors.Is(got.Err, injected) || got.Size != 0 || got.LockWait != 3*time.Second || got.Took != 0 || got.Head != 0 {
			t.Errorf("the failed append: %+v", got)
		}
		wait := 6*time.Second + shortestPause
		if got := seen[1]; got.Err != nil || got.Size != 2 || got.LockWait != 3*time.Second || got.Took != 2*time.Second || got.Head != 2 ||
			!slices.Equal(got.Waits, []time.Duration{wait, wait}) {
			t.Errorf("the append: %+v, want two waits of %v", got, wait)
		}
	})
}

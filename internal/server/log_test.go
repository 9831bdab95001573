package server

import (
	"context"
	"sync"
	"testing"

	"dummymessenger/internal/groupcommit"
	"dummymessenger/internal/store/memory"
)

// newLog returns a log in memory behind the combiner, as replicas have it, that
// works until the test ends.
func newLog(tb testing.TB) Appender {
	store := memory.New().Open()
	combiner := groupcommit.New(groupcommit.Config{Store: store, Encode: AppendMessage})
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { combiner.Run(ctx) })
	tb.Cleanup(func() {
		cancel()
		running.Wait()
		store.Close()
	})
	return combiner
}

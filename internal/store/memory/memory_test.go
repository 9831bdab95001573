package memory_test

import (
	"context"
	"testing"

	"dummymessenger/internal/messenger"
	"dummymessenger/internal/store/memory"
	"dummymessenger/internal/store/storetest"
)

func TestConformance(t *testing.T) {
	storetest.Run(t, func(*testing.T) storetest.Log {
		log := memory.New()
		return func(context.Context) (messenger.Store, error) { return log.Open(), nil }
	})
}

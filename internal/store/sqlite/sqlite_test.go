package sqlite

import (
	"context"
	"log/slog"
	"path/filepath"
	"testing"

	"dummymessenger/internal/messenger"
	"dummymessenger/internal/store/storetest"
)

func TestConformance(t *testing.T) {
	storetest.Run(t, storetest.Harness{New: func(t *testing.T) storetest.Log {
		path := filepath.Join(t.TempDir(), "log.db")
		return func(ctx context.Context) (messenger.Store, error) {
			return Open(ctx, path, slog.New(slog.DiscardHandler))
		}
	}})
}

package postgres

import (
	"context"
	"log/slog"
	"testing"

	"dummymessenger/internal/messenger"
	"dummymessenger/internal/pgtest"
	"dummymessenger/internal/store/storetest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func TestConformance(t *testing.T) {
	storetest.Run(t, storetest.Harness{New: func(t *testing.T) storetest.Log {
		url := pgtest.Database(t)
		return func(ctx context.Context) (messenger.Store, error) {
			return Open(ctx, url, slog.New(slog.DiscardHandler))
		}
	}})
}

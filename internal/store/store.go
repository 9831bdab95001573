// Package store opens the log in whichever database a URL names.
package store

import (
	"context"
	"fmt"
	"log/slog"
	"strings"

	"dummymessenger/internal/messenger"
	"dummymessenger/internal/store/postgres"
	"dummymessenger/internal/store/sqlite"
)

// Open opens the log at url, which is sqlite:PATH, or a PostgreSQL URL
// (postgres:// or postgresql://), and creates it if it is not there.
//
// It ends with ctx, or after less than a minute, whatever the database does,
// and logs what it waits for.
func Open(ctx context.Context, url string, logger *slog.Logger) (messenger.Store, error) {
	return bounded(ctx, Kind(url), func(ctx context.Context) (messenger.Store, error) {
		return open(ctx, url, logger)
	})
}

func open(ctx context.Context, url string, logger *slog.Logger) (messenger.Store, error) {
	scheme, rest, _ := strings.Cut(url, ":")
	switch scheme {
	case "sqlite":
		return sqlite.Open(ctx, rest, logger)
	case "postgres", "postgresql":
		return postgres.Open(ctx, url, logger)
	}
	return nil, fmt.Errorf("the database URL begins with %q; use sqlite:PATH, as in sqlite:messages.db, or postgres://USER@HOST/DATABASE", abbreviate(scheme))
}

// Kind names the database that url is of, and nothing else that is in it.
func Kind(url string) string {
	if strings.HasPrefix(url, "sqlite:") {
		return "SQLite"
	}
	return "PostgreSQL"
}

// abbreviate keeps whatever follows a scheme that is none, which may be a
// password, out of messages.
func abbreviate(scheme string) string {
	if len(scheme) > 16 {
		return scheme[:16] + "…"
	}
	return scheme
}

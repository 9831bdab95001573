// Package store opens the log in whichever database a URL names.
package store

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"dummymessenger/internal/messenger"
	"dummymessenger/internal/store/postgres"
	"dummymessenger/internal/store/sqlite"
)

// Open opens the log at url and creates it if it is not there. A URL is
//
//	sqlite:PATH                        PATH is a file's name as it is
//	postgres://… or postgresql://…     as libpq has it
//
// What could be meant in another way is refused: white space around the URL,
// control characters in it, capitals in the scheme, and what [checkPath] refuses in PATH.
//
// It returns when ctx ends, or within a minute, whatever the database does, and
// logs what it waits for.
func Open(ctx context.Context, url string, logger *slog.Logger) (messenger.Store, error) {
	return bounded(ctx, Kind(url), func(ctx context.Context) (messenger.Store, error) {
		return open(ctx, url, logger)
	})
}

func open(ctx context.Context, url string, logger *slog.Logger) (messenger.Store, error) {
	if err := CheckURL(url); err != nil {
		return nil, err
	}
	if name, ok := strings.CutPrefix(url, sqliteScheme); ok {
		return sqlite.Open(ctx, name, logger)
	}
	return postgres.Open(ctx, url, logger)
}

// CheckURL returns an error if url is malformed, which Open would refuse, too. It
// touches no database.
func CheckURL(url string) error {
	if err := checkText(url); err != nil {
		return err
	}
	if name, ok := strings.CutPrefix(url, sqliteScheme); ok {
		return checkPath(name)
	}
	if strings.HasPrefix(url, "postgres://") || strings.HasPrefix(url, "postgresql://") {
		return postgres.CheckURL(url)
	}
	return fmt.Errorf("the database URL %s; %s", beginning(url), writeURL)
}

// Kind returns the name of the database system that url is of.
func Kind(url string) string {
	if strings.HasPrefix(url, sqliteScheme) {
		return "SQLite"
	}
	return "PostgreSQL"
}

const sqliteScheme = "sqlite:"

const (
	openTimeout = 40 * time.Second // longer than the stores' own, whose errors say more of the cause
	openGrace   = 2 * time.Second  // for a store to see that its context has ended
)

// bounded calls open and gives up in time even if open hangs, as on a file system
// whose server is gone.
func bounded(ctx context.Context, kind string, open func(context.Context) (messenger.Store, error)) (messenger.Store, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, openTimeout,
		fmt.Errorf("the %s database did not let the log be opened within %v; is it reachable, and does something hold its lock?",
			kind, openTimeout))
	defer cancel()
	type opened struct {
		store messenger.Store
		err   error
	}
	done := make(chan opened, 1)
	go func() {
		s, err := open(ctx)
		done <- opened{s, err}
	}()
	select {
	case o := <-done:
		return o.store, o.err
	case <-ctx.Done():
	}
	select {
	case o := <-done:
		return o.store, o.err
	case <-time.After(openGrace):
	}
	go func() { // until the program ends, or the database lets go
		if o := <-done; o.err == nil {
			o.store.Close()
		}
	}()
	return nil, context.Cause(ctx)
}

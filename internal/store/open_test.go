package store

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"dummymessenger/internal/messenger"
)

// closable is a log of which only the end is of interest.
type closable struct {
	messenger.Store
	closed chan struct{}
}

func (c closable) Close() error { close(c.closed); return nil }

// Open gives up even if the database ignores its context.
func TestOpenGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release, late := make(chan struct{}), closable{closed: make(chan struct{})}
		began := time.Now()
		failed := make(chan error)
		go func() {
			_, err := bounded(t.Context(), "SQLite", func(context.Context) (messenger.Store, error) {
				<-release
				return late, nil
			})
			failed <- err
		}()
		err := <-failed
		if took := time.Since(began); err == nil || !strings.Contains(err.Error(), "SQLite") || took > time.Minute {
			t.Errorf("gave up after %v with %v, want within a minute and with the cause", took, err)
		}
		close(release)
		<-late.closed // a log opened too late is closed
	})
}

func TestOpenEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		why := errors.New("the lock is held")
		_, err := bounded(ctx, "SQLite", func(ctx context.Context) (messenger.Store, error) {
			<-ctx.Done()
			return nil, why
		})
		if err != why {
			t.Errorf("it ended with %v, want what the store says", err)
		}
		began := time.Now()
		if _, err := bounded(ctx, "SQLite", func(context.Context) (messenger.Store, error) {
			time.Sleep(time.Hour)
			return nil, why
		}); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) > 2*openGrace {
			t.Errorf("it ended after %v with %v", time.Since(began), err)
		}
		time.Sleep(2 * time.Hour) // until the other end
	})
}

package store

import (
	"context"
	"errors"
	"log/slog"
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

// A database that never lets the log be opened, whatever becomes of the context.
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
		<-late.closed // what is opened after all is closed
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

func TestLate(t *testing.T) {
	late := &Late{Kind: "SQLite"}
	_, appendErr := late.Append(t.Context(), func() []messenger.Draft { t.Error("a batch was taken"); return nil })
	_, readErr := late.Read(t.Context(), 0, 1)
	_, headErr := late.Head(t.Context())
	for name, err := range map[string]error{
		"Append": appendErr, "Read": readErr, "Head": headErr, "Ready": late.Ready(t.Context()), "Opening": late.Opening(),
	} {
		e, ok := errors.AsType[*messenger.Error](err)
		if !ok || e.Kind != messenger.Unavailable || !strings.Contains(e.Detail, "SQLite") || !errors.Is(err, messenger.ErrOpening) {
			t.Errorf("%s before the log is open: %v", name, err)
		}
	}
	if err := late.Close(); err != nil || late.LogID() != "" {
		t.Errorf("Close = %v, LogID = %q", err, late.LogID())
	}

	real, err := Open(t.Context(), "sqlite:"+t.TempDir()+"/a.db", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	late.Set(real)
	_, appendErr = late.Append(t.Context(), func() []messenger.Draft { return []messenger.Draft{{Sender: "a", Text: "b"}} })
	read, readErr := late.Read(t.Context(), 0, 10)
	head, headErr := late.Head(t.Context())
	err = errors.Join(appendErr, readErr, headErr, late.Ready(t.Context()), late.Opening())
	if err != nil || len(read) != 1 || head != 1 || late.LogID() != real.LogID() {
		t.Errorf("an open log: %v, %d messages, head %d, log %q", err, len(read), head, late.LogID())
	}
	if err := late.Close(); err != nil || real.Ready(t.Context()) == nil {
		t.Errorf("Close = %v, and the log is still open", err)
	}
}

package store

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"dummymessenger/internal/messenger"
)

const (
	openTimeout = 40 * time.Second // more than the stores give themselves, which know more of the cause
	openGrace   = 2 * time.Second  // for a store to see that its context has ended
)

// bounded calls open and gives up in time even if open does not, as on a file
// system whose server is gone.
func bounded(ctx context.Context, kind string, open func(context.Context) (messenger.Store, error)) (messenger.Store, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, openTimeout,
		fmt.Errorf("the %s database did not let the log be opened within %v; is it reachable, and does something hold its lock?", kind, openTimeout))
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

// A Late is a messenger.Store that is there before its log is open. Until Set,
// its calls fail: as Unavailable, with messenger.ErrOpening behind it.
type Late struct {
	Kind string // of the database, for people

	store atomic.Pointer[messenger.Store]
}

var _ messenger.Store = (*Late)(nil)

// Set gives l its log.
func (l *Late) Set(s messenger.Store) { l.store.Store(&s) }

// Opening returns nil once l has its log, and until then what its calls return.
func (l *Late) Opening() error {
	if l.store.Load() != nil {
		return nil
	}
	return &messenger.Error{Kind: messenger.Unavailable, Err: messenger.ErrOpening,
		Detail: "this replica is starting and waits for its database (" + l.Kind + ") to open the log; " +
			"use another replica or try again in a moment"}
}

func (l *Late) get() (messenger.Store, error) {
	if s := l.store.Load(); s != nil {
		return *s, nil
	}
	return nil, l.Opening()
}

// Append is messenger.Store's, as are the methods below.
func (l *Late) Append(ctx context.Context, take func() []messenger.Draft) (messenger.Appended, error) {
	s, err := l.get()
	if err != nil {
		return messenger.Appended{}, err
	}
	return s.Append(ctx, take)
}

func (l *Late) Read(ctx context.Context, after int64, limit int) ([]messenger.Message, error) {
	s, err := l.get()
	if err != nil {
		return nil, err
	}
	return s.Read(ctx, after, limit)
}

func (l *Late) Head(ctx context.Context) (int64, error) {
	s, err := l.get()
	if err != nil {
		return 0, err
	}
	return s.Head(ctx)
}

func (l *Late) Ready(ctx context.Context) error {
	s, err := l.get()
	if err != nil {
		return err
	}
	return s.Ready(ctx)
}

// LogID is empty until Set.
func (l *Late) LogID() string {
	s, err := l.get()
	if err != nil {
		return ""
	}
	return s.LogID()
}

// Close closes the log, if there is one.
func (l *Late) Close() error {
	s, err := l.get()
	if err != nil {
		return nil
	}
	return s.Close()
}

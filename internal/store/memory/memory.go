// Package memory keeps the log in one process's memory, where its replicas share
// it. It is lost with the process: tests run the server on it, and bench measures
// against it what a database costs.
package memory

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"dummymessenger/internal/messenger"
)

// A Log is what the Stores opened on it share.
type Log struct {
	id   string
	lock chan struct{} // holds a token while a Store appends

	mu       sync.RWMutex
	messages []messenger.Message // message seq is at seq-1; only ever appended to
	counts   map[string]int64    // messages by sender
	seqs     map[messenger.ID]int64
}

// New returns an empty log.
func New() *Log {
	return &Log{
		id:     uuid.NewString(),
		lock:   make(chan struct{}, 1),
		counts: make(map[string]int64),
		seqs:   make(map[messenger.ID]int64),
	}
}

// A Store is one replica's access to a Log.
type Store struct {
	log   *Log
	close func()
	life  context.Context // ends with Close
}

var _ messenger.Store = (*Store)(nil)

// Open returns one more replica's Store.
func (l *Log) Open() *Store {
	s := &Store{log: l}
	s.life, s.close = context.WithCancel(context.Background())
	return s
}

// Append implements messenger.Store.
func (s *Store) Append(ctx context.Context, take func() []messenger.Draft) (messenger.Appended, error) {
	if err := s.check(ctx); err != nil {
		return messenger.Appended{}, err
	}
	select {
	case s.log.lock <- struct{}{}:
		defer func() { <-s.log.lock }()
		return s.log.append(take()), nil
	case <-ctx.Done():
	case <-s.life.Done():
	}
	return messenger.Appended{}, s.check(ctx)
}

// append stores the drafts. Its caller holds the lock.
func (l *Log) append(drafts []messenger.Draft) messenger.Appended {
	l.mu.Lock()
	defer l.mu.Unlock()
	end := len(l.messages)
	sentAt := time.Now().UTC().Truncate(time.Microsecond)
	if end > 0 && sentAt.Before(l.messages[end-1].SentAt) {
		sentAt = l.messages[end-1].SentAt // the clock has stepped back
	}
	results := make([]messenger.Result, len(drafts))
	for i, d := range drafts {
		if d.MayExist {
			if seq, ok := l.seqs[d.ID]; ok {
				results[i] = messenger.Result{Message: l.messages[seq-1], Existed: true}
				continue
			}
		}
		l.counts[d.Sender]++
		m := messenger.Message{
			Seq: int64(len(l.messages)) + 1, Sender: d.Sender, SenderCount: l.counts[d.Sender], Text: d.Text, SentAt: sentAt,
		}
		l.messages = append(l.messages, m)
		l.seqs[d.ID] = m.Seq
		results[i].Message = m
	}
	if len(l.messages) == end {
		return messenger.Appended{Results: results}
	}
	before := l.messages[max(0, end-messenger.WindowSize+1):end]
	return messenger.Appended{Before: slices.Clone(before), Results: results}
}

// Read implements messenger.Store.
func (s *Store) Read(ctx context.Context, after int64, limit int) ([]messenger.Message, error) {
	if err := s.check(ctx); err != nil {
		return nil, err
	}
	s.log.mu.RLock()
	defer s.log.mu.RUnlock()
	rest := s.log.messages[min(max(after, 0), int64(len(s.log.messages))):]
	return slices.Clone(rest[:min(max(limit, 0), len(rest))]), nil
}

// Head implements messenger.Store.
func (s *Store) Head(ctx context.Context) (int64, error) {
	if err := s.check(ctx); err != nil {
		return 0, err
	}
	s.log.mu.RLock()
	defer s.log.mu.RUnlock()
	return int64(len(s.log.messages)), nil
}

// Ready implements messenger.Store.
func (s *Store) Ready(ctx context.Context) error { return s.check(ctx) }

// LogID implements messenger.Store.
func (s *Store) LogID() string { return s.log.id }

// Close implements messenger.Store. The log stays, for the other Stores.
func (s *Store) Close() error {
	s.close()
	return nil
}

// check returns an error if s is closed or ctx has ended.
func (s *Store) check(ctx context.Context) error {
	if s.life.Err() != nil {
		return &messenger.Error{Kind: messenger.Unavailable, Cause: messenger.Stopping, Err: errClosed}
	}
	if err := context.Cause(ctx); err != nil {
		return &messenger.Error{Kind: messenger.Unavailable, Cause: messenger.LogTimeout, Err: err}
	}
	return nil
}

var errClosed = errors.New("the store is closed")

// Package feed shows new messages to any number of watchers through one reader.
//
// The reader polls the log, and only while somebody watches. So the write path needs no
// hook, and messages that other replicas store are found like our own. The reader keeps
// the last messages in memory, and each watcher takes them from there at its own pace.
// A slow watcher does not hold up the others: if it falls behind the messages that are
// kept, it reads the log itself. As the log has no gaps, a watcher sees none.
package feed

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"dummymessenger/internal/messenger"
)

// A Log is what is watched, as messenger.Store has it.
type Log interface {
	Read(ctx context.Context, after int64, limit int) ([]messenger.Message, error)
	Head(ctx context.Context) (int64, error)
}

var _ Log = messenger.Store(nil)

// Config is what a Feed needs. Zero values mean the default.
type Config struct {
	Log    Log
	Encode func(dst []byte, m messenger.Message) []byte // appends a message as watchers get it
	Logger *slog.Logger                                 // nil: no log

	Interval    time.Duration // between two polls: 100 ms
	MaxWatchers int           // one more is Overloaded: 1000
}

const (
	// page is the most messages of one read, and of one Next.
	page = 500

	// pageBytes is the most that one Next returns, unless a single message is longer.
	// A slow watcher keeps as much in memory, and there may be many.
	pageBytes = 256 << 10

	readTimeout = 5 * time.Second // of one poll, and of another if it fails
)

// An Event is one message as watchers get it. They share Encoded and must not change
// it.
type Event struct {
	Seq     int64
	Encoded []byte
}

// A Feed lets watchers see a log. New makes one.
type Feed struct {
	cfg Config

	// catchUp holds a token while a watcher reads the log itself: one at a time, so
	// that many who come back at once leave the database to the writers.
	catchUp chan struct{}

	readers sync.WaitGroup

	mu       sync.Mutex
	reader   *reader // nil while nobody watches, and after an error
	watchers int
	closed   bool
}

// New returns a Feed of cfg.Log.
func New(cfg Config) *Feed {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Interval <= 0 {
		cfg.Interval = 100 * time.Millisecond
	}
	if cfg.MaxWatchers <= 0 {
		cfg.MaxWatchers = 1000
	}
	return &Feed{cfg: cfg, catchUp: make(chan struct{}, 1)}
}

// Watchers returns how many watch now.
func (f *Feed) Watchers() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.watchers
}

// Close ends the reader and all watching. The log must be closed after it.
func (f *Feed) Close() {
	f.mu.Lock()
	f.closed = true
	if f.reader != nil {
		f.reader.stop()
	}
	f.mu.Unlock()
	f.readers.Wait()
}

// Newest, as a place to begin watching, stands for the last window.
const Newest = -1

// Watch begins to watch at the message after seq after, or at Newest. The
// Watcher must be closed.
//
// Errors are *messenger.Error: Overloaded if MaxWatchers watch already,
// Malformed if the log ends before after, else as the log's.
func (f *Feed) Watch(ctx context.Context, after int64) (*Watcher, error) {
	if err := f.admit(); err != nil {
		return nil, err
	}
	w := &Watcher{feed: f, limit: page}
	head, err := f.cfg.Log.Head(ctx)
	switch {
	case err != nil:
	case after == Newest:
		w.at = max(0, head-messenger.WindowSize)
	case after > head:
		err = &messenger.Error{Kind: messenger.Malformed,
			Detail: fmt.Sprintf("there is no message %d to go on from: the log ends at %d; begin anew", after, head)}
	default:
		w.at = after
	}
	if err == nil {
		w.reader, err = f.join(head)
	}
	if err != nil {
		w.Close()
		return nil, err
	}
	return w, nil
}

func (f *Feed) admit() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.watchers >= f.cfg.MaxWatchers {
		return &messenger.Error{Kind: messenger.Overloaded, Cause: messenger.TooManyWatchers}
	}
	f.watchers++
	return nil
}

// join returns the reader. It starts one, which begins after head, if there is none.
func (f *Feed) join(head int64) (*reader, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return nil, errClosed
	}
	if f.reader == nil || f.reader.failure() != nil {
		r := newReader(f.cfg, head)
		f.reader = r
		f.readers.Go(r.run)
	}
	return f.reader, nil
}

func (f *Feed) leave() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.watchers--
	if f.watchers == 0 && f.reader != nil {
		f.reader.stop()
		f.reader = nil // and with it all that was kept
	}
}

var errClosed = &messenger.Error{Kind: messenger.Unavailable, Cause: messenger.Stopping}

// A Watcher sees the log from one place on. One goroutine uses it.
type Watcher struct {
	feed   *Feed
	reader *reader
	at     int64 // the last message seen
	limit  int   // of its next read of the log: how many messages are likely to fit
	once   sync.Once
}

// Next waits for messages and returns those that follow the last ones without
// a gap, up to 500, and 256 KiB if that is more than one.
//
// It fails when ctx ends, after which it may be called again, and when the log
// cannot be read or the Feed is closed, after which it fails for good; the error
// is a *messenger.Error then.
func (w *Watcher) Next(ctx context.Context) ([]Event, error) {
	for {
		events, kept, more := w.reader.since(w.at)
		if !kept {
			// Without this, a watcher that is behind would go on after the feed has ended.
			if err := w.reader.failure(); err != nil {
				return nil, err
			}
			var err error
			if events, err = w.feed.read(ctx, w.at, w.limit); err != nil {
				return nil, err
			}
		}
		if len(events) > 0 {
			n := fit(events)
			if !kept {
				w.limit = min(2*n, page)
			}
			events = slices.Clone(events[:n]) // or they would keep all the others in memory
			w.at = events[len(events)-1].Seq
			return events, nil
		}
		select {
		case <-more:
			if err := w.reader.failure(); err != nil {
				return nil, err
			}
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// fit returns how many of events one Next returns: at least one.
func fit(events []Event) int {
	bytes := 0
	for i, e := range events {
		if bytes += len(e.Encoded); bytes > pageBytes && i > 0 {
			return i
		}
	}
	return len(events)
}

// Close ends the watching.
func (w *Watcher) Close() { w.once.Do(w.feed.leave) }

// read reads messages that the reader no longer keeps, or never had.
func (f *Feed) read(ctx context.Context, after int64, limit int) ([]Event, error) {
	select {
	case f.catchUp <- struct{}{}:
		defer func() { <-f.catchUp }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	messages, err := f.cfg.Log.Read(ctx, after, limit)
	if err != nil {
		return nil, err
	}
	return encode(nil, f.cfg.Encode, messages), nil
}

func encode(dst []Event, enc func([]byte, messenger.Message) []byte, messages []messenger.Message) []Event {
	for _, m := range messages {
		dst = append(dst, Event{m.Seq, enc(nil, m)})
	}
	return dst
}

// Before returns the messages before seq before, up to limit, in ascending
// order; the last ones of the log if it ends before that, or if before is Newest.
// Errors are the log's.
func (f *Feed) Before(ctx context.Context, before int64, limit int) ([]messenger.Message, error) {
	head, err := f.cfg.Log.Head(ctx)
	if err != nil {
		return nil, err
	}
	if before == Newest || before > head {
		before = head + 1
	}
	after := max(0, before-1-int64(limit))
	return f.cfg.Log.Read(ctx, after, int(before-1-after))
}

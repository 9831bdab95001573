package program

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

const (
	period  = 10 * time.Second
	maxKeys = 100 // kinds of records that are distinguished in one period
)

// A LogLimiter passes a record on to another handler unless it has passed on one of its
// kind in the last ten seconds. It holds the others back, counts them, and at the end
// of the ten seconds passes on the last of them, with their number as "more".
//
// Records are of one kind if level, message and the attribute "status" are equal.
// Those below slog.LevelInfo are all passed on: a log at that level is to be complete.
type LogLimiter struct {
	slog.Handler
	*limits
}

type limits struct {
	mu    sync.Mutex
	kinds map[kind]*held
}

type kind struct {
	level           slog.Level
	message, status string
}

// held are the records of one kind that were held back.
type held struct {
	count   int
	last    slog.Record
	handler slog.Handler // last's
}

var _ slog.Handler = (*LogLimiter)(nil)

// NewLogLimiter returns a LogLimiter that passes records on to h.
func NewLogLimiter(h slog.Handler) *LogLimiter {
	return &LogLimiter{h, &limits{kinds: make(map[kind]*held)}}
}

// Handle implements slog.Handler.
func (l *LogLimiter) Handle(ctx context.Context, r slog.Record) error {
	if r.Level < slog.LevelInfo || !l.hold(r, l.Handler) {
		return l.Handler.Handle(ctx, r)
	}
	return nil
}

// WithAttrs implements slog.Handler.
func (l *LogLimiter) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &LogLimiter{l.Handler.WithAttrs(attrs), l.limits}
}

// WithGroup implements slog.Handler.
func (l *LogLimiter) WithGroup(name string) slog.Handler {
	return &LogLimiter{l.Handler.WithGroup(name), l.limits}
}

// Flush passes on the records that are held back.
func (l *LogLimiter) Flush() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, h := range l.kinds {
		h.flush()
	}
}

// hold reports whether it has held r back.
func (l *limits) hold(r slog.Record, handler slog.Handler) bool {
	k := kind{level: r.Level, message: r.Message}
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "status" {
			k.status = a.Value.String()
		}
		return k.status == ""
	})
	l.mu.Lock()
	defer l.mu.Unlock()
	h := l.kinds[k]
	if h == nil && len(l.kinds) >= maxKeys {
		k = kind{level: r.Level}
		h = l.kinds[k]
	}
	if h == nil {
		l.kinds[k] = new(held)
		time.AfterFunc(period, func() { l.endPeriod(k) })
		return false
	}
	h.count++
	h.last, h.handler = r.Clone(), handler
	return true
}

// endPeriod passes on the records of kind k that were held back, and begins a new
// period if there were any.
func (l *limits) endPeriod(k kind) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if h := l.kinds[k]; h.count > 0 {
		h.flush()
		time.AfterFunc(period, func() { l.endPeriod(k) })
	} else {
		delete(l.kinds, k)
	}
}

// flush passes on the last record. Its caller holds mu, so no newer one overtakes it.
func (h *held) flush() {
	if h.count > 0 {
		h.last.AddAttrs(slog.Int("more", h.count), slog.String("in", period.String()))
		h.handler.Handle(context.Background(), h.last)
		*h = held{}
	}
}

// Package memlog is a correct log in one process's memory: what a replica's
// HTTP side is tested with, and measured against.
package memlog

import (
	"context"
	"slices"
	"sync"
	"time"

	"dummymessenger/internal/messenger"
)

// A Log numbers and counts messages as a store does. It forgets them in a
// crash, and remembers no more of them than answers can need: the last window,
// and everything that came with an idempotency key.
type Log struct {
	encode func(dst []byte, m messenger.Message) []byte

	mu     sync.Mutex
	seq    int64
	counts map[string]int64 // by sender
	sentAt time.Time        // of the last message
	keyed  map[messenger.ID]keyed

	// run holds the last messages, joined by commas; a window is a part of it.
	// It is only ever appended to, so windows that were handed out stay true.
	run    []byte
	starts []int // where the messages of the next window begin in run
}

type keyed struct {
	sender, text string
	answer       messenger.Answer
}

// chunk is the capacity of a run. When it is full a new one begins.
const chunk = 64 << 10

// New returns an empty log whose answers hold messages as encode appends them.
func New(encode func(dst []byte, m messenger.Message) []byte) *Log {
	return &Log{
		encode: encode,
		counts: make(map[string]int64),
		keyed:  make(map[messenger.ID]keyed),
	}
}

// Append stores d as server.Appender has it, but for durability. It never
// waits, and fails only if ctx has ended, or an idempotency key is reused.
func (l *Log) Append(ctx context.Context, d messenger.Draft) (messenger.Answer, error) {
	if err := ctx.Err(); err != nil {
		return messenger.Answer{}, &messenger.Error{Kind: messenger.Unavailable, Err: err}
	}
	l.mu.Lock()
	defer l.mu.Unlock()

	if d.MayExist {
		if k, ok := l.keyed[d.ID]; ok {
			if k.sender != d.Sender || k.text != d.Text {
				return messenger.Answer{}, &messenger.Error{Kind: messenger.KeyReused}
			}
			k.answer.Replayed = true
			return k.answer, nil
		}
	}

	l.seq++
	l.counts[d.Sender]++
	if now := time.Now().UTC().Truncate(time.Microsecond); now.After(l.sentAt) {
		l.sentAt = now
	}
	a := messenger.Answer{Seq: l.seq, Messages: l.push(messenger.Message{
		Seq: l.seq, Sender: d.Sender, SenderCount: l.counts[d.Sender], Text: d.Text, SentAt: l.sentAt,
	})}
	if d.MayExist {
		k := keyed{d.Sender, d.Text, a}
		k.answer.Messages = slices.Clone(a.Messages) // not the whole run, for ever
		l.keyed[d.ID] = k
	}
	return a, nil
}

// push appends m to the run and returns the window that ends in it.
func (l *Log) push(m messenger.Message) []byte {
	if len(l.starts) == messenger.WindowSize {
		l.starts = append(l.starts[:0], l.starts[1:]...)
	}
	if len(l.run) > 0 {
		l.run = append(l.run, ',')
	}
	l.starts = append(l.starts, len(l.run))
	l.run = l.encode(l.run, m)
	window := l.run[l.starts[0]:len(l.run):len(l.run)]

	if len(l.run) >= chunk {
		l.renew()
	}
	return window
}

// renew begins a run with the last window.
func (l *Log) renew() {
	first := l.starts[0]
	l.run = append(make([]byte, 0, chunk+chunk/2), l.run[first:]...)
	for i := range l.starts {
		l.starts[i] -= first
	}
}

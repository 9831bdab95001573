package feed

import (
	"context"
	"slices"
	"sync"
	"time"
)

// What a reader keeps for its watchers: a few seconds of a busy log.
const (
	keepEvents = 4096
	keepBytes  = 4 << 20
)

// A reader polls the log from one place on until it is stopped or fails. Its watchers
// end then, and the next one starts another reader.
type reader struct {
	cfg  Config
	life context.Context // ends with stop
	stop context.CancelFunc

	mu     sync.Mutex
	head   int64         // the newest message read, or where the reading began
	events []Event       // the last ones, ending in head
	bytes  int           // of events
	more   chan struct{} // closed when there are more, and replaced; closed for good at the end
	err    error         // why it ended
}

func newReader(cfg Config, head int64) *reader {
	r := &reader{cfg: cfg, head: head, more: make(chan struct{})}
	r.life, r.stop = context.WithCancel(context.Background())
	return r
}

func (r *reader) run() {
	defer r.stop()
	tick := time.NewTicker(r.cfg.Interval)
	defer tick.Stop()
	pause := func() {
		select {
		case <-tick.C:
		case <-r.life.Done():
		}
	}
	for r.life.Err() == nil {
		// Both attempts share one timeout, so that watchers do not learn later that
		// the log is away.
		ctx, cancel := context.WithTimeout(r.life, readTimeout)
		n, err := r.poll(ctx)
		if err != nil {
			pause()
			n, err = r.poll(ctx) // if a session was ended, this takes another one
		}
		cancel()
		if err != nil && r.life.Err() == nil {
			r.cfg.Logger.Warn("watching failed", "err", err)
			r.end(err)
			return
		}
		if n < page { // else there may be more already
			pause()
		}
	}
	r.end(errClosed)
}

// poll reads what is new and returns how many messages that was.
func (r *reader) poll(ctx context.Context) (int, error) {
	messages, err := r.cfg.Log.Read(ctx, r.head, page) // nobody else writes head
	if err != nil {
		return 0, err
	}
	if len(messages) > 0 {
		r.keep(encode(nil, r.cfg.Encode, messages))
	}
	return len(messages), nil
}

// keep adds events and drops the oldest beyond the limits. It makes a new array each
// time: watchers still read the old one, and that would keep what was dropped.
func (r *reader) keep(events []Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := slices.Concat(r.events, events)
	for _, e := range events {
		r.bytes += len(e.Encoded)
	}
	drop := 0
	for len(all)-drop > keepEvents || r.bytes > keepBytes && drop < len(all)-1 {
		r.bytes -= len(all[drop].Encoded)
		drop++
	}
	r.events = all[drop:]
	r.head = events[len(events)-1].Seq
	close(r.more)
	r.more = make(chan struct{})
}

// since returns up to a page of the events after seq after, and whether they are
// kept. If there are none yet, more is closed when there are.
func (r *reader) since(after int64) (events []Event, kept bool, more <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	first := r.head - int64(len(r.events)) // the message before those that are kept
	if after < first {
		return nil, false, r.more
	}
	if after < r.head {
		events = r.events[after-first:]
		events = slices.Clip(events[:min(len(events), page)])
	}
	return events, true, r.more
}

// end tells the watchers that there will be no more events.
func (r *reader) end(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.err = err
	close(r.more)
}

// failure returns why the reader ended, nil if it did not.
func (r *reader) failure() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.err
}

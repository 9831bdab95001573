package feed

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"weak"

	"dummymessenger/internal/messenger"
)

// A memory is a log that can be counted and made to fail.
type memory struct {
	mu    sync.Mutex
	log   []messenger.Message
	reads int
	fail  error
	hold  chan struct{} // if not nil, Read waits until it is closed
}

func (m *memory) write(n int, text string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for range n {
		m.log = append(m.log, messenger.Message{Seq: int64(len(m.log) + 1), Sender: "a", Text: text})
	}
}

func (m *memory) Read(ctx context.Context, after int64, limit int) ([]messenger.Message, error) {
	m.mu.Lock()
	hold := m.hold
	m.mu.Unlock()
	if hold != nil {
		select {
		case <-hold:
		case <-ctx.Done():
			return nil, &messenger.Error{Kind: messenger.Unavailable, Detail: "too slow", Err: ctx.Err()}
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.reads++
	if m.fail != nil {
		return nil, m.fail
	}
	from := min(int(after), len(m.log))
	return slices.Clone(m.log[from:min(from+limit, len(m.log))]), nil
}

func (m *memory) Head(context.Context) (int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return int64(len(m.log)), m.fail
}

func (m *memory) readSoFar() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.reads
}

func (m *memory) set(change func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	change()
}

func encoded(dst []byte, m messenger.Message) []byte { return fmt.Appendf(dst, "%d:%s", m.Seq, m.Text) }

func newFeed(t *testing.T, log *memory, change func(*Config)) *Feed {
	t.Helper()
	cfg := Config{Log: log, Encode: encoded}
	if change != nil {
		change(&cfg)
	}
	f := New(cfg)
	t.Cleanup(f.Close)
	return f
}

func watch(t *testing.T, f *Feed, after int64) *Watcher {
	t.Helper()
	w, err := f.Watch(t.Context(), after)
	if err != nil {
		t.Fatalf("Watch(%d): %v", after, err)
	}
	t.Cleanup(w.Close)
	return w
}

// see checks that the next messages that w returns are just first to last.
func see(t *testing.T, w *Watcher, first, last int64) {
	t.Helper()
	for at := first; at <= last; {
		events, err := w.Next(t.Context())
		if err != nil {
			t.Fatalf("Next at %d: %v", at, err)
		}
		if len(events) == 0 || len(events) > page {
			t.Fatalf("Next returned %d messages, want 1 to %d", len(events), page)
		}
		bytes := 0
		for _, e := range events {
			bytes += len(e.Encoded)
		}
		if bytes > pageBytes && len(events) > 1 {
			t.Fatalf("Next returned %d bytes in %d messages, want at most %d: slow watchers keep them", bytes, len(events), pageBytes)
		}
		for _, e := range events {
			if e.Seq != at || !strings.HasPrefix(string(e.Encoded), fmt.Sprintf("%d:", at)) {
				t.Fatalf("saw message %d (%.20q), want %d", e.Seq, e.Encoded, at)
			}
			at++
		}
	}
}

func wantKind(t *testing.T, what string, err error, want messenger.Kind) {
	t.Helper()
	e, ok := errors.AsType[*messenger.Error](err)
	if !ok || e.Kind != want || e.Detail == "" && e.Cause == messenger.NoCause {
		t.Errorf("%s: %v, want an error of kind %v with a detail or a cause", what, err, want)
	}
}

func TestWatchersSeeEverythingFromWhereTheyBegin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := new(memory)
		log.write(25, "old")
		f := newFeed(t, log, nil)
		all, newest, middle, end := watch(t, f, 0), watch(t, f, Newest), watch(t, f, 20), watch(t, f, 25)
		see(t, all, 1, 25)
		see(t, newest, 16, 25)
		log.write(2000, "new")
		see(t, middle, 21, 2025)
		see(t, end, 26, 2025)
		see(t, all, 26, 2025)
		see(t, newest, 26, 2025)
	})
}

// A watcher that takes nothing does not hold up the others, and misses no message.
func TestSlowWatcher(t *testing.T) {
	for name, text := range map[string]string{"many messages": "x", "long messages": strings.Repeat("x", 16<<10)} {
		synctest.Test(t, func(t *testing.T) {
			log := new(memory)
			f := newFeed(t, log, nil)
			slow, quick := watch(t, f, Newest), watch(t, f, Newest)
			const n = 2*keepEvents + 100
			for wrote := int64(0); wrote < n; wrote += 100 {
				log.write(100, text)
				see(t, quick, wrote+1, wrote+100)
			}
			f.mu.Lock()
			r := f.reader
			f.mu.Unlock()
			r.mu.Lock()
			if kept := len(r.events); kept > keepEvents || r.bytes > keepBytes {
				t.Errorf("%s: %d messages of %d bytes are kept, want at most %d of %d", name, kept, r.bytes, keepEvents, keepBytes)
			}
			r.mu.Unlock()
			see(t, slow, 1, n)
		})
	}
}

func TestMessagesOfAnySizeFit(t *testing.T) {
	for _, tt := range []struct {
		sizes []int
		want  int
	}{
		{[]int{1, 1, 1}, 3},
		{[]int{pageBytes, 1}, 1},
		{[]int{pageBytes + 1, 1}, 1},
		{[]int{pageBytes - 1, 1, 1}, 2},
	} {
		var events []Event
		for _, n := range tt.sizes {
			events = append(events, Event{Encoded: make([]byte, n)})
		}
		if got := fit(events); got != tt.want {
			t.Errorf("fit(%v) = %d, want %d", tt.sizes, got, tt.want)
		}
	}
}

// The events that a slow watcher holds keep no others in memory.
func TestNextKeepsNoMore(t *testing.T) {
	log := new(memory)
	log.write(20, "")
	var made []weak.Pointer[byte]
	f := newFeed(t, log, func(cfg *Config) {
		cfg.Encode = func(dst []byte, _ messenger.Message) []byte {
			dst = append(dst, make([]byte, pageBytes/2)...)
			made = append(made, weak.Make(&dst[0]))
			return dst
		}
	})
	events, err := watch(t, f, 0).Next(t.Context())
	if err != nil || len(events) != 2 || len(made) != 20 {
		t.Fatalf("Next = %d of %d messages, %v, want 2 of 20", len(events), len(made), err)
	}
	runtime.GC()
	kept := 0
	for _, m := range made {
		if m.Value() != nil {
			kept++
		}
	}
	if kept != len(events) {
		t.Errorf("%d messages are kept, want %d", kept, len(events))
	}
	runtime.KeepAlive(events)
}

// While there are no watchers, the feed reads and keeps nothing.
func TestNobodyWatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := new(memory)
		log.write(5, "")
		f := newFeed(t, log, nil)
		still := func() {
			t.Helper()
			synctest.Wait()
			before := log.readSoFar()
			time.Sleep(time.Minute)
			if n := log.readSoFar() - before; n != 0 {
				t.Errorf("nobody watches, and the log was read %d times in a minute", n)
			}
			f.mu.Lock()
			defer f.mu.Unlock()
			if f.reader != nil || f.watchers != 0 {
				t.Errorf("nobody watches, and there are a reader %v and %d watchers", f.reader, f.watchers)
			}
		}
		still()
		for range 2 {
			a, b := watch(t, f, Newest), watch(t, f, Newest)
			before := log.readSoFar()
			time.Sleep(10 * time.Second)
			if n := log.readSoFar() - before; n < 90 || n > 110 {
				t.Errorf("two watch, and the log was read %d times in 10 s, want 100: by one reader", n)
			}
			a.Close()
			log.write(1, "")
			see(t, b, 1, int64(len(log.log)))
			b.Close()
			b.Close() // once more does nothing
			still()
		}
	})
}

func TestPlacesToBegin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := new(memory)
		f := newFeed(t, log, nil)
		w := watch(t, f, Newest) // of nothing
		_, err := f.Watch(t.Context(), 1)
		wantKind(t, "beyond the end", err, messenger.Malformed)
		log.write(1, "first")
		see(t, w, 1, 1)
		if n := f.Watchers(); n != 1 {
			t.Errorf("%d watch, want one: who was refused does not", n)
		}
	})
}

func TestTooManyWatchers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFeed(t, new(memory), func(c *Config) { c.MaxWatchers = 2 })
		a := watch(t, f, Newest)
		watch(t, f, Newest)
		_, err := f.Watch(t.Context(), Newest)
		wantKind(t, "one too many", err, messenger.Overloaded)
		a.Close()
		watch(t, f, Newest)
	})
}

// When the log cannot be read, the watchers end. One that comes back continues where it was.
func TestLogFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := new(memory)
		log.write(3, "")
		f := newFeed(t, log, nil)
		w := watch(t, f, 3)
		log.set(func() { log.fail = &messenger.Error{Kind: messenger.Unavailable, Detail: "away"} })
		for range 2 {
			_, err := w.Next(t.Context())
			wantKind(t, "Next", err, messenger.Unavailable)
		}
		_, err := f.Watch(t.Context(), 3)
		wantKind(t, "Watch", err, messenger.Unavailable)

		log.set(func() { log.fail = nil })
		log.write(1, "")
		again := watch(t, f, 3) // while the first one is still there
		see(t, again, 4, 4)

		log.set(func() { log.hold = make(chan struct{}) }) // a database that hangs
		began := time.Now()
		_, err = again.Next(t.Context())
		wantKind(t, "Next", err, messenger.Unavailable)
		if took := time.Since(began); took > readTimeout+time.Second {
			t.Errorf("watchers were let go after %v, want %v", took, readTimeout)
		}
	})
}

// One poll that fails ends nothing.
func TestPollFailsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := new(memory)
		f := newFeed(t, log, nil)
		w := watch(t, f, 0)
		log.set(func() { log.fail = &messenger.Error{Kind: messenger.Unavailable, Detail: "away"} })
		for failed := log.readSoFar() + 1; log.readSoFar() < failed; {
			time.Sleep(time.Millisecond)
		}
		log.set(func() { log.fail = nil })
		log.write(1, "")
		see(t, w, 1, 1)
	})
}

func TestNextEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := new(memory)
		f := newFeed(t, log, nil)
		w := watch(t, f, Newest)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := w.Next(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Next: %v, want the deadline", err)
		}
		log.write(1, "")
		see(t, w, 1, 1)
	})
}

func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := new(memory)
		log.write(25, "")
		f := newFeed(t, log, nil)
		w, behind := watch(t, f, 25), watch(t, f, 0)
		f.Close()
		_, err := w.Next(t.Context())
		wantKind(t, "Next", err, messenger.Unavailable)
		_, err = behind.Next(t.Context())
		wantKind(t, "Next of one who is behind", err, messenger.Unavailable)
		_, err = f.Watch(t.Context(), Newest)
		wantKind(t, "Watch", err, messenger.Unavailable)
	})
}

func TestBefore(t *testing.T) {
	log := new(memory)
	f := newFeed(t, log, nil)
	for _, tt := range []struct {
		written, before int64
		limit           int
		first, last     int64 // 0, 0: none
	}{
		{0, Newest, 10, 0, 0},
		{30, Newest, 10, 21, 30},
		{30, Newest, 50, 1, 30},
		{30, 21, 10, 11, 20},
		{30, 5, 10, 1, 4},
		{30, 1, 10, 0, 0},
		{30, 36, 10, 21, 30},
		{30, 100, 10, 21, 30},
	} {
		log.write(int(tt.written)-len(log.log), "")
		got, err := f.Before(t.Context(), tt.before, tt.limit)
		if err != nil {
			t.Fatal(err)
		}
		var first, last int64
		if len(got) > 0 {
			first, last = got[0].Seq, got[len(got)-1].Seq
		}
		if first != tt.first || last != tt.last {
			t.Errorf("Before(%d, %d) of %d = %d to %d, want %d to %d", tt.before, tt.limit, tt.written, first, last, tt.first, tt.last)
		}
	}
}

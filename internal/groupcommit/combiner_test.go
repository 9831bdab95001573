package groupcommit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"dummymessenger/internal/messenger"
)

// faultyStore is a log in memory whose appends can be made to wait and to fail.
type faultyStore struct {
	messenger.Store // of which the combiner uses all but Close

	beforeLock func(ctx context.Context) error // may wait; an error ends the append before take is called
	afterTake  func(drafts []messenger.Draft) error
	afterStore func() error // the batch is stored all the same

	mu    sync.Mutex
	log   []messenger.Message
	ids   map[messenger.ID]messenger.Message
	sizes []int // of the batches
}

func (s *faultyStore) Append(ctx context.Context, take func() []messenger.Draft) (messenger.Appended, error) {
	if s.beforeLock != nil {
		if err := s.beforeLock(ctx); err != nil {
			return messenger.Appended{}, err
		}
	}
	drafts := take()
	if s.afterTake != nil {
		if err := s.afterTake(drafts); err != nil {
			return messenger.Appended{}, err
		}
	}
	appended := s.store(drafts)
	if s.afterStore != nil {
		if err := s.afterStore(); err != nil {
			return messenger.Appended{}, err
		}
	}
	return appended, nil
}

func (s *faultyStore) store(drafts []messenger.Draft) messenger.Appended {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sizes = append(s.sizes, len(drafts))
	appended := messenger.Appended{Before: slices.Clone(s.log[max(0, len(s.log)-9):])}
	for _, d := range drafts {
		m, existed := s.ids[d.ID]
		if existed && !d.MayExist {
			panic(fmt.Sprintf("ID %x is in the log already", d.ID))
		}
		if !existed {
			m = messenger.Message{Seq: int64(len(s.log) + 1), Sender: d.Sender, Text: d.Text}
			s.log = append(s.log, m)
			if s.ids == nil {
				s.ids = make(map[messenger.ID]messenger.Message)
			}
			s.ids[d.ID] = m
		}
		appended.Results = append(appended.Results, messenger.Result{Message: m, Existed: existed})
	}
	return appended
}

func (s *faultyStore) Ready(context.Context) error { return nil }

func (s *faultyStore) LogID() string { return "faulty" }

func (s *faultyStore) Read(_ context.Context, after int64, limit int) ([]messenger.Message, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.log[after:min(int(after)+limit, len(s.log))]), nil
}

func (s *faultyStore) Head(context.Context) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return int64(len(s.log)), nil
}

// texts are the texts of the log.
func (s *faultyStore) texts() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var texts []string
	for _, m := range s.log {
		texts = append(texts, m.Text)
	}
	return texts
}

// batches are the sizes of the batches.
func (s *faultyStore) batches() []int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.sizes)
}

func seqAndText(dst []byte, m messenger.Message) []byte {
	return fmt.Appendf(dst, "%d:%s", m.Seq, m.Text)
}

// start runs a combiner over s that stops at the end of the test.
func start(t *testing.T, s messenger.Store, cfg Config) *Combiner {
	cfg.Store, cfg.Encode = s, seqAndText
	c := New(cfg)
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { c.Run(ctx) })
	t.Cleanup(func() { cancel(); running.Wait() })
	return c
}

// draft has the ID that text stands for, as if it were the idempotency key.
func draft(text string) messenger.Draft {
	return messenger.Draft{ID: messenger.KeyID(text), Sender: "Анна", Text: text}
}

func keyed(key, text string) messenger.Draft {
	return messenger.Draft{ID: messenger.KeyID(key), Sender: "Анна", Text: text, MayExist: true}
}

// window is what the answer to message k of a log of these texts shows.
func window(texts []string, k int) string {
	var elements []string
	for i := max(0, k-10); i < k; i++ {
		elements = append(elements, fmt.Sprintf("%d:%s", i+1, texts[i]))
	}
	return strings.Join(elements, ",")
}

func failing(kind messenger.Kind) error {
	return &messenger.Error{Kind: kind, Err: errors.New("injected")}
}

func TestEveryCallerGetsTheWindowThatEndsInItsMessage(t *testing.T) {
	s := &faultyStore{}
	c := start(t, s, Config{MaxBatch: 7})
	answers := make([]messenger.Answer, 100)
	var callers sync.WaitGroup
	for i := range answers {
		callers.Go(func() {
			var err error
			if answers[i], err = c.Append(t.Context(), draft(fmt.Sprint("text ", i))); err != nil {
				t.Error(err)
			}
		})
	}
	callers.Wait()
	texts := s.texts()
	for i, a := range answers {
		if own := fmt.Sprint("text ", i); texts[a.Seq-1] != own {
			t.Errorf("answer to %q has seq %d, which is %q", own, a.Seq, texts[a.Seq-1])
		}
		if got, want := string(a.Messages), window(texts, int(a.Seq)); got != want {
			t.Errorf("window of %d = %s, want %s", a.Seq, got, want)
		}
		if a.Replayed {
			t.Errorf("message %d is said to be a replay", a.Seq)
		}
	}
}

func TestWhatArrivesDuringTheLockWaitRidesAlong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &faultyStore{beforeLock: func(context.Context) error { time.Sleep(time.Second); return nil }}
		c := start(t, s, Config{})
		for i := range 5 {
			go c.Append(t.Context(), draft(fmt.Sprint(i)))
			time.Sleep(100 * time.Millisecond) // the store waits for the lock with the first one
		}
		time.Sleep(time.Second)
		if got := s.batches(); !slices.Equal(got, []int{5}) {
			t.Errorf("batch sizes = %v, want one of five", got)
		}
	})
}

func TestBatchBounds(t *testing.T) {
	for name, cfg := range map[string]Config{"messages": {MaxBatch: 3}, "bytes": {MaxBatchBytes: 3 * (len("Анна") + 1)}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &faultyStore{beforeLock: func(context.Context) error { time.Sleep(time.Second); return nil }}
				c := start(t, s, cfg)
				for i := range 8 {
					go c.Append(t.Context(), draft(fmt.Sprint(i)))
				}
				time.Sleep(time.Minute)
				if got := s.batches(); !slices.Equal(got, []int{3, 3, 2}) {
					t.Errorf("batch sizes = %v, want 3, 3, 2", got)
				}
			})
		})
	}
}

func TestOneMessageLargerThanABatchIsStored(t *testing.T) {
	c := start(t, &faultyStore{}, Config{MaxBatchBytes: 1})
	if _, err := c.Append(t.Context(), draft("larger")); err != nil {
		t.Error(err)
	}
}

func TestFullQueueRefusesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &faultyStore{beforeLock: func(ctx context.Context) error { <-ctx.Done(); return failing(messenger.Unavailable) }}
		c := start(t, s, Config{MaxQueue: 2})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		go c.Append(ctx, draft("1"))
		go c.Append(ctx, draft("2"))
		synctest.Wait()
		began := time.Now()
		if _, err := c.Append(ctx, draft("3")); messenger.KindOf(err) != messenger.Overloaded {
			t.Errorf("error = %v, want overloaded", err)
		}
		if waited := time.Since(began); waited != 0 {
			t.Errorf("refused after %v, want at once", waited)
		}
		time.Sleep(2 * time.Second) // the two have left
		if c.Waiting() > 0 {
			t.Error("callers who have left are still queued")
		}
	})
}

func TestCallerWhoLeavesTheQueueIsNotStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &faultyStore{beforeLock: func(context.Context) error { time.Sleep(time.Second); return nil }}
		c := start(t, s, Config{})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second/2)
		defer cancel()
		go c.Append(t.Context(), draft("stays"))
		if _, err := c.Append(ctx, draft("leaves")); messenger.KindOf(err) != messenger.Unavailable {
			t.Errorf("error = %v, want unavailable", err)
		}
		time.Sleep(time.Second)
		if got := s.texts(); !slices.Equal(got, []string{"stays"}) {
			t.Errorf("log = %q", got)
		}
	})
}

func TestCallerWhoLeavesABatchDoesNotKnow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &faultyStore{afterTake: func([]messenger.Draft) error { time.Sleep(time.Minute); return nil }}
		c := start(t, s, Config{})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := c.Append(ctx, draft("x")); messenger.KindOf(err) != messenger.Unknown {
			t.Errorf("error = %v, want outcome unknown", err)
		}
		time.Sleep(time.Hour) // also no deadlock: the outcome is not collected
	})
}

func TestUnavailableIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		failures := 5
		s := &faultyStore{afterTake: func([]messenger.Draft) error {
			if failures--; failures >= 0 {
				return failing(messenger.Unavailable)
			}
			return nil
		}}
		c := start(t, s, Config{})
		if a, err := c.Append(t.Context(), draft("x")); err != nil || a.Seq != 1 {
			t.Errorf("Append = %v, %v; want message 1", a, err)
		}
	})
}

// While the log's lock cannot be had, the replica is not ready. It is ready again once
// a message has been stored.
func TestNotReadyWithoutTheLock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var free atomic.Bool
		s := &faultyStore{beforeLock: func(context.Context) error {
			if time.Sleep(5 * time.Second); !free.Load() {
				return failing(messenger.Unavailable)
			}
			return nil
		}}
		c := start(t, s, Config{})
		go c.Append(t.Context(), draft("x"))
		for second := range 14 {
			synctest.Wait()
			err := c.Ready(t.Context())
			if ready := err == nil; ready != (second < 3) {
				t.Errorf("after %d seconds: %v", second, err)
			}
			free.Store(second >= 12)
			time.Sleep(time.Second)
		}
		time.Sleep(5 * time.Second)
		if err := c.Ready(t.Context()); err != nil {
			t.Errorf("when the lock is free again: %v", err)
		}
	})
}

// A second outage long after the first is logged again, even if no append showed that
// the first one ended. A caller who gives up during the second does not get the first
// one's error.
func TestOutageIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &faultyStore{beforeLock: func(context.Context) error { return failing(messenger.Unavailable) }}
		var log bytes.Buffer
		c := start(t, s, Config{Logger: slog.New(slog.NewTextHandler(&log, nil))})
		leave := func() error {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			_, err := c.Append(ctx, draft("x"))
			return err
		}
		cause := func(err error) messenger.Cause {
			e, _ := errors.AsType[*messenger.Error](err)
			return e.Cause
		}
		if err := leave(); cause(err) != messenger.NoCause || !strings.Contains(err.Error(), "injected") {
			t.Errorf("during the outage: %v", err)
		}
		synctest.Wait()
		if n := strings.Count(log.String(), "append failed"); n != 1 {
			t.Errorf("one outage is logged %d times", n)
		}
		time.Sleep(time.Hour)
		s.beforeLock = func(context.Context) error { time.Sleep(10 * time.Second); return failing(messenger.Unavailable) }
		if err := leave(); cause(err) != messenger.QueueTimeout || strings.Contains(err.Error(), "injected") {
			t.Errorf("an hour later, where the lock is waited for: %v", err)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if n := strings.Count(log.String(), "append failed"); n != 2 {
			t.Errorf("two outages are logged %d times", n)
		}
	})
}

func TestUnknownIsSettledByTheID(t *testing.T) {
	for name, s := range map[string]*faultyStore{
		"stored": {afterStore: once(failing(messenger.Unknown))},
		"not stored": {afterTake: func(fail func() error) func([]messenger.Draft) error {
			return func([]messenger.Draft) error { return fail() }
		}(once(failing(messenger.Unknown)))},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := start(t, s, Config{})
				a, err := c.Append(t.Context(), draft("x"))
				if err != nil || string(a.Messages) != "1:x" || a.Replayed {
					t.Errorf("Append = %+v, %v; want message 1, which nobody replayed", a, err)
				}
				if got := s.texts(); !slices.Equal(got, []string{"x"}) {
					t.Errorf("log = %q, want x once", got)
				}
			})
		})
	}
}

func once(err error) func() error {
	return func() error {
		defer func() { err = nil }()
		return err
	}
}

func TestUnknownThatIsNotSettledInTimeStaysUnknown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &faultyStore{}
		s.afterStore = func() error {
			s.beforeLock = func(context.Context) error { return failing(messenger.Unavailable) }
			return failing(messenger.Unknown)
		}
		c := start(t, s, Config{})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := c.Append(ctx, draft("x")); messenger.KindOf(err) != messenger.Unknown {
			t.Errorf("error = %v, want outcome unknown", err)
		}
	})
}

func TestUnwritableIsReportedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refuse := failing(messenger.Unwritable)
		s := &faultyStore{afterTake: func([]messenger.Draft) error { return refuse }}
		c := start(t, s, Config{})
		if _, err := c.Append(t.Context(), draft("x")); messenger.KindOf(err) != messenger.Unwritable {
			t.Errorf("error = %v, want unwritable", err)
		}
		if err := c.Ready(t.Context()); messenger.KindOf(err) != messenger.Unwritable {
			t.Errorf("Ready: %v, want unwritable", err)
		}
		time.Sleep(troubleMemory)
		if err := c.Ready(t.Context()); err != nil {
			t.Errorf("Ready after a while: %v", err)
		}
		s.afterTake = nil
		if _, err := c.Append(t.Context(), draft("y")); err != nil {
			t.Errorf("when there is room again: %v", err)
		}
	})
}

func TestReplay(t *testing.T) {
	s := &faultyStore{}
	c := start(t, s, Config{})
	for i := range 15 {
		if _, err := c.Append(t.Context(), keyed(fmt.Sprint("key ", i), fmt.Sprint("text ", i))); err != nil {
			t.Fatal(err)
		}
	}
	a, err := c.Append(t.Context(), keyed("key 11", "text 11"))
	if err != nil || !a.Replayed || a.Seq != 12 || string(a.Messages) != window(s.texts(), 12) {
		t.Errorf("replay = %+v, %v; want the window of message 12", a, err)
	}
	if _, err := c.Append(t.Context(), keyed("key 11", "other")); messenger.KindOf(err) != messenger.KeyReused {
		t.Errorf("error = %v, want key reused", err)
	}
	if n := len(s.texts()); n != 15 {
		t.Errorf("%d messages are stored, want 15", n)
	}
}

func TestDuplicatesThatWaitTogetherAreStoredOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &faultyStore{beforeLock: func(context.Context) error { time.Sleep(time.Second); return nil }}
		c := start(t, s, Config{})
		var replayed int
		var mu sync.Mutex
		var callers sync.WaitGroup
		for range 5 {
			callers.Go(func() {
				a, err := c.Append(t.Context(), keyed("key", "x"))
				if err != nil || string(a.Messages) != "1:x" {
					t.Errorf("Append = %+v, %v", a, err)
				}
				mu.Lock()
				defer mu.Unlock()
				if a.Replayed {
					replayed++
				}
			})
		}
		callers.Wait()
		if replayed != 4 {
			t.Errorf("%d of 5 are replays, want 4", replayed)
		}
	})
}

func TestStopEndsEverybodysWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &faultyStore{beforeLock: func(ctx context.Context) error { <-ctx.Done(); return failing(messenger.Unavailable) }}
		c := New(Config{Store: s, Encode: seqAndText})
		ctx, cancel := context.WithCancel(t.Context())
		var done sync.WaitGroup
		done.Go(func() { c.Run(ctx) })
		done.Go(func() {
			if _, err := c.Append(t.Context(), draft("x")); messenger.KindOf(err) != messenger.Unavailable {
				t.Errorf("error = %v, want unavailable", err)
			}
		})
		synctest.Wait()
		cancel()
		done.Wait()
		if _, err := c.Append(t.Context(), draft("y")); messenger.KindOf(err) != messenger.Unavailable {
			t.Errorf("after the end: error = %v, want unavailable", err)
		}
	})
}

// staleStore reads from a copy of the log that is not the one it appends to.
type staleStore struct {
	*faultyStore
	copy []messenger.Message
}

func (s *staleStore) Read(_ context.Context, after int64, limit int) ([]messenger.Message, error) {
	from := min(int(after), len(s.copy))
	return slices.Clone(s.copy[from:min(from+limit, len(s.copy))]), nil
}

// A replay never shows a window that does not end in its message.
func TestReplayFromAnotherLog(t *testing.T) {
	for name, copied := range map[string][]messenger.Message{
		"empty":                nil,
		"behind":               {{Seq: 1, Sender: "Анна", Text: "one"}},
		"other at the end":     {{Seq: 1, Sender: "Анна", Text: "one"}, {Seq: 2, Sender: "Анна", Text: "other"}},
		"beginning is missing": {{Seq: 2, Sender: "Анна", Text: "two"}},
	} {
		s := &staleStore{faultyStore: &faultyStore{}, copy: copied}
		c := start(t, s, Config{})
		for _, text := range []string{"one", "two"} {
			if _, err := c.Append(t.Context(), draft(text)); err != nil {
				t.Fatal(err)
			}
		}
		again := draft("two")
		again.MayExist = true
		if a, err := c.Append(t.Context(), again); messenger.KindOf(err) != messenger.Unknown {
			t.Errorf("%s: replay = %q, %v, want outcome unknown", name, a.Messages, err)
		}
	}
}

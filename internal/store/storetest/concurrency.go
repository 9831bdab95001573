package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"dummymessenger/internal/messenger"
)

// grace is how long a test waits for what must not happen, and gives a call
// the time to get to where it waits for the lock.
const grace = 100 * time.Millisecond

// hold runs f while s holds the log's lock. Then s appends one draft to log, and hold
// returns the log's new content.
func hold(t *testing.T, s messenger.Store, log []messenger.Message, f func()) []messenger.Message {
	t.Helper()
	d := draft("holder", "of the lock")
	got, err := s.Append(limited(t), func() []messenger.Draft { f(); return []messenger.Draft{d} })
	if err != nil {
		t.Fatalf("Append: %v", err)
	}
	if want := tail(log); !slices.Equal(got.Before, want) {
		t.Errorf("Before = %v, want %v", brief(got.Before), brief(want))
	}
	return append(slices.Clone(log), got.Results[0].Message)
}

// await waits for c to be closed or to carry a value.
func await[T any](t *testing.T, what string, c <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(patience):
		t.Fatalf("%s: nothing after %v", what, patience)
	}
	return v
}

// waits starts an Append, which must not return while another replica has the lock, and
// returns a channel for its error.
func waits(t *testing.T, run func() error) <-chan error {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- run() }()
	select {
	case err := <-done:
		t.Errorf("Append returned while another replica held the lock: %v", err)
		done <- err
	case <-time.After(grace):
	}
	return done
}

// giveUp calls Append, which gives up waiting for the lock of another replica.
func giveUp(t *testing.T, s messenger.Store) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), grace)
	defer cancel()
	_, err := s.Append(ctx, mustNotTake(t))
	wantKind(t, "Append", err, messenger.Unavailable)
}

// wantUnavailable makes every call, none of which may succeed.
func wantUnavailable(ctx context.Context, t *testing.T, s messenger.Store) {
	t.Helper()
	_, err := s.Append(ctx, mustNotTake(t))
	wantKind(t, "Append", err, messenger.Unavailable)
	_, err = s.Read(ctx, 0, 1)
	wantKind(t, "Read", err, messenger.Unavailable)
	_, err = s.Head(ctx)
	wantKind(t, "Head", err, messenger.Unavailable)
	wantKind(t, "Ready", s.Ready(ctx), messenger.Unavailable)
}

// testLockBeforeTake checks late binding: a replica that waits for the lock
// has not called take, so that what it takes, and what it sees of the log, is
// as of the moment it got the lock.
func testLockBeforeTake(t *testing.T, log Log) {
	a, b := log.Open(t), log.Open(t)
	messages := appendAll(t, a, nil, drafts(12, "first")...)

	var waiting sync.Mutex // guards queue, as a combiner would, and took
	queue := drafts(1, "early")
	took := false
	var got messenger.Appended
	var done <-chan error
	messages = hold(t, a, messages, func() {
		done = waits(t, func() (err error) {
			got, err = b.Append(limited(t), func() []messenger.Draft {
				waiting.Lock()
				defer waiting.Unlock()
				took = true
				return queue
			})
			return err
		})
		waiting.Lock()
		defer waiting.Unlock()
		if took {
			t.Error("take was called while another replica held the lock")
		}
		queue = append(queue, drafts(2, "late")...)
	})
	if err := await(t, "Append", done); err != nil {
		t.Fatalf("Append: %v", err)
	}
	if len(got.Results) != 3 {
		t.Errorf("%d results, want 3: what arrived during the wait rides along", len(got.Results))
	}
	if want := tail(messages); !slices.Equal(got.Before, want) {
		t.Errorf("Before = %v, want %v: as of the lock, not as of the wait", brief(got.Before), brief(want))
	}
	for _, r := range got.Results {
		messages = append(messages, r.Message)
	}
	wantLog(t, a, messages)
}

func testReadBesideLock(t *testing.T, log Log) {
	a, b := log.Open(t), log.Open(t)
	messages := appendAll(t, a, nil, drafts(12, "first")...)
	hold(t, a, messages, func() {
		for name, s := range map[string]messenger.Store{"the holder": a, "another": b} {
			if got := read(t, s); !slices.Equal(got, messages) {
				t.Errorf("%s reads %v, want %v", name, brief(got), brief(messages))
			}
			wantHead(t, s, int64(len(messages)))
			if err := s.Ready(limited(t)); err != nil {
				t.Errorf("%s: Ready: %v", name, err)
			}
		}
	})
}

func testGivenUpWhileWaiting(t *testing.T, log Log) {
	a, b, c := log.Open(t), log.Open(t), log.Open(t)
	messages := appendAll(t, a, nil, drafts(2, "first")...)
	messages = appendAll(t, b, messages, drafts(1, "connected")...) // so that only the lock is waited for
	messages = hold(t, a, messages, func() {
		for range 3 { // the second and third find the wait of the first
			giveUp(t, b)
		}
	})
	// A caller who gave up its wait does not hold up the others.
	for range 5 {
		messages = appendAll(t, c, messages, drafts(1, "c")...)
		messages = appendAll(t, a, messages, drafts(1, "a")...)
	}
	// A replica that gave up can append again, even if its old wait for the lock has not ended.
	messages = appendAll(t, b, messages, drafts(1, "b")...)
	var done <-chan error
	messages = hold(t, a, messages, func() {
		giveUp(t, b)
		done = waits(t, func() error {
			_, err := b.Append(limited(t), taking(draft("b", "again")))
			return err
		})
	})
	if err := await(t, "Append", done); err != nil {
		t.Errorf("Append: %v", err)
	}
	got := read(t, c)
	if len(got) != len(messages)+1 || !slices.Equal(got[:len(messages)], messages) {
		t.Fatalf("the log holds %v, want one more than %v", brief(got), brief(messages))
	}
	appendAll(t, c, got, drafts(1, "end")...)
}

func testGivenUpBefore(t *testing.T, log Log) {
	s := log.Open(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	wantUnavailable(ctx, t, s)
	appendAll(t, s, nil, drafts(1, "after")...)
}

// testGivenUpAfterTake checks that the error says the truth about the batch.
func testGivenUpAfterTake(t *testing.T, log Log) {
	s, other := log.Open(t), log.Open(t)
	for range 5 {
		messages := read(t, other)
		ctx, cancel := context.WithCancel(t.Context())
		ds := drafts(3, "perhaps")
		_, err := s.Append(ctx, func() []messenger.Draft { cancel(); return ds })
		e, ok := errors.AsType[*messenger.Error](err)
		if err != nil && !ok {
			t.Fatalf("Append: %v, want a *messenger.Error", err)
		}
		// The lock orders this append after the end of that batch.
		for i := range ds {
			ds[i].MayExist = true
		}
		got, againErr := other.Append(limited(t), taking(ds...))
		if againErr != nil {
			t.Fatalf("Append: %v", againErr)
		}
		stored := got.Results[0].Existed
		for i, r := range got.Results {
			if r.Existed != stored {
				t.Errorf("draft %d: stored %v, unlike the first", i, r.Existed)
			}
			messages = append(messages, r.Message)
		}
		switch {
		case err == nil && !stored:
			t.Error("Append returned no error and stored nothing")
		case err != nil && stored && e.Kind != messenger.Unknown:
			t.Errorf("Append stored the batch and returned %v", err)
		}
		wantLog(t, s, messages)
	}
}

func testClosed(t *testing.T, log Log) {
	s, other := log.Open(t), log.Open(t)
	messages := appendAll(t, s, nil, drafts(2, "first")...)
	if err := s.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
	wantUnavailable(limited(t), t, s)
	appendAll(t, other, messages, drafts(1, "after")...)
}

func testClosedWhileWaiting(t *testing.T, log Log) {
	a, b := log.Open(t), log.Open(t)
	messages := appendAll(t, b, nil, drafts(1, "connected")...) // so that only the lock is waited for
	messages = hold(t, a, messages, func() {
		done := waits(t, func() error {
			_, err := b.Append(limited(t), mustNotTake(t))
			return err
		})
		if err := b.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
		wantKind(t, "Append", await(t, "Append", done), messenger.Unavailable)
	})
	appendAll(t, a, messages, drafts(1, "after")...)
}

// testConcurrentWriters has eight goroutines write through four replicas and
// checks every answer against the log afterwards.
func testConcurrentWriters(t *testing.T, log Log) {
	const replicas, writers, rounds = 4, 8, 20
	type replica struct {
		mu sync.Mutex // one Append at a time
		messenger.Store
	}
	var rs [replicas]replica
	for i := range rs {
		rs[i].Store = log.Open(t)
	}
	ctx := limited(t)

	var acknowledged atomic.Int64 // the highest seq that an answer has named
	answers := make([][]messenger.Appended, writers)
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			r := &rs[w%replicas]
			for round := range rounds {
				ds := drafts(1+(w+round)%5, fmt.Sprint("writer ", w, ", round ", round))
				floor := acknowledged.Load()
				r.mu.Lock()
				got, err := r.Append(ctx, taking(ds...))
				r.mu.Unlock()
				if err != nil {
					t.Errorf("writer %d: Append: %v", w, err)
					return
				}
				if len(got.Results) != len(ds) {
					t.Errorf("writer %d: %d results for %d drafts", w, len(got.Results), len(ds))
					return
				}
				for i, res := range got.Results {
					if res.Existed || res.Sender != ds[i].Sender || res.Text != ds[i].Text {
						t.Errorf("writer %d: result %v for draft %v", w, res, ds[i])
					}
				}
				if first := got.Results[0].Seq; first <= floor {
					t.Errorf("writer %d: seq %d, though %d had been acknowledged before", w, first, floor)
				}
				last := got.Results[len(ds)-1].Seq
				for seen := acknowledged.Load(); seen < last && !acknowledged.CompareAndSwap(seen, last); {
					seen = acknowledged.Load()
				}
				answers[w] = append(answers[w], got)
			}
		})
	}
	wg.Wait()

	messages := read(t, rs[0].Store)
	checkLog(t, messages)
	stored := 0
	for w := range answers {
		for _, got := range answers[w] {
			from := int(got.Results[0].Seq) - 1
			to := from + len(got.Results)
			if to > len(messages) {
				t.Fatalf("writer %d was told of seq %d; the log ends at %d", w, to, len(messages))
			}
			if want := tail(messages[:from]); !slices.Equal(got.Before, want) {
				t.Errorf("writer %d, seq %d: Before = %v, want %v", w, from+1, brief(got.Before), brief(want))
			}
			for i, r := range got.Results {
				if r.Message != messages[from+i] {
					t.Errorf("writer %d was told %v, the log holds %v", w, r.Message, messages[from+i])
				}
			}
			stored += len(got.Results)
		}
	}
	if stored != len(messages) {
		t.Errorf("%d messages in the log, want %d", len(messages), stored)
	}
}

// testOpenedAtOnce has replicas start at the same instant on a log that does
// not exist.
func testOpenedAtOnce(t *testing.T, log Log) {
	const replicas = 8
	ctx := limited(t)
	start := make(chan struct{})
	stores := make([]messenger.Store, replicas)
	var wg sync.WaitGroup
	for i := range stores {
		wg.Go(func() {
			<-start
			s, err := log(ctx)
			if err != nil {
				t.Errorf("replica %d: %v", i, err)
				return
			}
			stores[i] = s
			if _, err := s.Append(ctx, taking(drafts(2, fmt.Sprint("replica ", i))...)); err != nil {
				t.Errorf("replica %d: Append: %v", i, err)
			}
		})
	}
	close(start)
	wg.Wait()
	for _, s := range stores {
		if s == nil {
			continue
		}
		messages := read(t, s)
		checkLog(t, messages)
		if len(messages) != 2*replicas {
			t.Errorf("%d messages in the log, want %d", len(messages), 2*replicas)
		}
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}
}

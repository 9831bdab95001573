// Package storetest is the conformance suite of messenger.Store: every clause
// of its comment has a case here, but for those that need a fault in the
// database itself (power cuts, clocks set back, full disks, lost answers).
// Those are tested with each store and in internal/e2e.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"dummymessenger/internal/messenger"
)

// patience bounds every wait, so that a Store that hangs fails its test.
const patience = 60 * time.Second

// A Log opens one more Store, a replica, on one log. It may be called from
// several goroutines at once.
type Log func(context.Context) (messenger.Store, error)

// Open opens one more replica and closes it when the test ends.
func (l Log) Open(t *testing.T) messenger.Store {
	t.Helper()
	s, err := l(limited(t))
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

// Run runs the suite. newLog returns a log that does not exist yet and that no other
// test uses. The first call of the Log creates it, or the first several at once.
func Run(t *testing.T, newLog func(*testing.T) Log) {
	for _, c := range []struct {
		name string
		test func(t *testing.T, log Log)
	}{
		{"empty log", testEmptyLog},
		{"windows and counts", testWindowsAndCounts},
		{"senders bytewise", testSendersBytewise},
		{"texts byte for byte", testTextsByteForByte},
		{"dates", testDates},
		{"batch of 1000", testBatchOf1000},
		{"IDs that exist", testExisting},
		{"nothing to take", testNothingToTake},
		{"read in pages", testPages},
		{"lock before take", testLockBeforeTake},
		{"read and ready beside the lock", testReadBesideLock},
		{"given up while waiting", testGivenUpWhileWaiting},
		{"given up before", testGivenUpBefore},
		{"given up after take", testGivenUpAfterTake},
		{"closed", testClosed},
		{"closed while waiting", testClosedWhileWaiting},
		{"concurrent writers", testConcurrentWriters},
		{"opened at once", testOpenedAtOnce},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.test(t, newLog(t))
		})
	}
	t.Run("log ID", func(t *testing.T) {
		t.Parallel()
		testLogID(t, newLog(t), newLog(t))
	})
}

// limited is the test's context with a deadline.
func limited(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

var lastID atomic.Uint64

func newID() messenger.ID {
	return messenger.KeyID(fmt.Sprint("storetest ", lastID.Add(1)))
}

func draft(sender, text string) messenger.Draft {
	return messenger.Draft{ID: newID(), Sender: sender, Text: text}
}

// drafts are n of them, by a few senders in a mixed order.
func drafts(n int, text string) []messenger.Draft {
	senders := []string{"Анна", "Bob", "Борис", "Анна", "Zoë", "Анна", "Bob"}
	ds := make([]messenger.Draft, n)
	for i := range ds {
		ds[i] = draft(senders[i%len(senders)], fmt.Sprintf("%s, %d of %d", text, i+1, n))
	}
	return ds
}

// taking is a take that returns ds.
func taking(ds ...messenger.Draft) func() []messenger.Draft {
	return func() []messenger.Draft { return ds }
}

// mustNotTake is a take for an Append that must fail earlier.
func mustNotTake(t *testing.T) func() []messenger.Draft {
	return func() []messenger.Draft {
		t.Error("take was called")
		return nil
	}
}

// read returns the whole log.
func read(t *testing.T, s messenger.Store) []messenger.Message {
	t.Helper()
	messages, err := s.Read(limited(t), 0, 1_000_000)
	if err != nil {
		t.Fatalf("Read: %v", err)
	}
	return messages
}

func wantHead(t *testing.T, s messenger.Store, want int64) {
	t.Helper()
	if got, err := s.Head(limited(t)); err != nil || got != want {
		t.Errorf("Head = %d, %v, want %d", got, err, want)
	}
}

// appendAll appends ds, none of which is in the log yet, to log, which is what
// the log holds, checks the answer and the log, and returns what it holds then.
func appendAll(t *testing.T, s messenger.Store, log []messenger.Message, ds ...messenger.Draft) []messenger.Message {
	t.Helper()
	calls := 0
	a, err := s.Append(limited(t), func() []messenger.Draft { calls++; return ds })
	if err != nil {
		t.Fatalf("Append: %v", err)
	}
	if calls != 1 {
		t.Errorf("take was called %d times, want once", calls)
	}
	if want := tail(log); !slices.Equal(a.Before, want) {
		t.Errorf("Before = %v, want %v", brief(a.Before), brief(want))
	}
	if len(a.Results) != len(ds) {
		t.Fatalf("%d results for %d drafts", len(a.Results), len(ds))
	}
	log = slices.Clone(log)
	for i, r := range a.Results {
		if r.Existed {
			t.Errorf("result %d: Existed, want a new message", i)
		}
		if r.Sender != ds[i].Sender || r.Text != ds[i].Text {
			t.Errorf("result %d is by %q: %.40q, want by %q: %.40q", i, r.Sender, r.Text, ds[i].Sender, ds[i].Text)
		}
		log = append(log, r.Message)
	}
	wantLog(t, s, log)
	return log
}

// wantLog checks that the log holds want, and want itself.
func wantLog(t *testing.T, s messenger.Store, want []messenger.Message) {
	t.Helper()
	checkLog(t, want)
	if got := read(t, s); !slices.Equal(got, want) {
		t.Errorf("the log holds %v, want %v", brief(got), brief(want))
	}
}

// tail is the window before the next message.
func tail(log []messenger.Message) []messenger.Message {
	return log[max(0, len(log)-(messenger.WindowSize-1)):]
}

// checkLog checks what must be true of any log.
func checkLog(t *testing.T, log []messenger.Message) {
	t.Helper()
	counts := make(map[string]int64)
	var last time.Time
	for i, m := range log {
		if want := int64(i + 1); m.Seq != want {
			t.Fatalf("message %d has seq %d", want, m.Seq)
		}
		if counts[m.Sender]++; m.SenderCount != counts[m.Sender] {
			t.Errorf("seq %d, by %q: sender_count %d, want %d", m.Seq, m.Sender, m.SenderCount, counts[m.Sender])
		}
		if m.SentAt.Location() != time.UTC || !m.SentAt.Equal(m.SentAt.Truncate(time.Microsecond)) {
			t.Errorf("seq %d: sent_at %v, want UTC and whole microseconds", m.Seq, m.SentAt)
		}
		if m.SentAt.Before(last) {
			t.Errorf("seq %d: sent_at %v is before its predecessor's, %v", m.Seq, m.SentAt, last)
		}
		last = m.SentAt
	}
}

// brief is messages for an error: enough to see what is missing.
func brief(messages []messenger.Message) string {
	var out []byte
	for i, m := range messages {
		if i == 20 {
			return fmt.Sprintf("[%s … %d in all]", out, len(messages))
		}
		out = fmt.Appendf(out, "%d:%s#%d:%.12q ", m.Seq, m.Sender, m.SenderCount, m.Text)
	}
	return fmt.Sprintf("[%s]", out)
}

// wantKind checks that err is the contract's error type, and of kind want.
func wantKind(t *testing.T, call string, err error, want messenger.Kind) {
	t.Helper()
	e, ok := errors.AsType[*messenger.Error](err)
	if !ok {
		t.Errorf("%s: %v, want a *messenger.Error", call, err)
	} else if e.Kind != want {
		t.Errorf("%s: kind %v, want %v: %v", call, e.Kind, want, err)
	} else if e.Err == nil {
		t.Errorf("%s: nothing for the log: %v", call, err)
	} else if e.Detail != "" {
		t.Errorf("%s: %q is the server's to word", call, e.Detail)
	}
}

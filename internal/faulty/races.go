package faulty

import (
	"cmp"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"dummymessenger/internal/messenger"
	"dummymessenger/internal/verify"
)

// races are the classic wrong solutions of this task: each step is right by
// itself, and between two steps others come in.
var races = []Server{
	{
		Name:   "process-lock",
		Fault:  "a mutex orders one process, and the other replica has one of its own: both give out the same numbers",
		Found:  "asyncio.Lock, synchronized, sync.Mutex around read-then-insert",
		Breaks: []verify.Check{verify.Duplicate, verify.Agreement},
		// Two messages at one place: answers show the one or the other, and
		// counters and dates that fit the one do not fit the other's neighbours.
		Also: []verify.Check{verify.LostWrite, verify.Contiguous, verify.Counters, verify.Dates},
		replica: func(db *database, _ int) replica {
			var mu sync.Mutex
			return func(d messenger.Draft) messages {
				mu.Lock()
				defer mu.Unlock()
				return maxPlusOne(db, d)
			}
		},
	},
	{
		Name:    "max-plus-one",
		Fault:   "MAX(seq)+1 is read and then inserted, without a lock: two requests read the same maximum",
		Found:   "tables without an identity column",
		Breaks:  []verify.Check{verify.Duplicate, verify.Agreement},
		Also:    []verify.Check{verify.LostWrite, verify.Contiguous, verify.Counters, verify.Dates},
		replica: stateless(maxPlusOne),
	},
	{
		Name:   "count-plus-one",
		Fault:  "COUNT(*)+1 of the sender is read and then inserted, without a lock: two of its messages get one sender_count",
		Found:  "nearly every public solution of this task",
		Breaks: []verify.Check{verify.Counters},
		replica: stateless(func(db *database, d messenger.Draft) messages {
			count := db.countOf(d.Sender) + 1
			m := db.insert(d, messenger.Message{SenderCount: count})
			return db.window(m.Seq)
		}),
	},
	{
		Name:   "rolled-back-sequence",
		Fault:  "seq is from a sequence, and a transaction that is rolled back does not return its number",
		Found:  "SERIAL, IDENTITY and AUTO_INCREMENT columns",
		Breaks: []verify.Check{verify.Contiguous},
		replica: stateless(func(db *database, d messenger.Draft) messages {
			db.lock.Lock()
			defer db.lock.Unlock()
			seq := db.nextval(1)
			for db.oneIn(seldom) { // the transaction is rolled back, and tried again
				seq = db.nextval(1)
			}
			m := db.insert(d, messenger.Message{Seq: seq})
			return db.window(m.Seq)
		}),
	},
	{
		Name:   "cached-sequence",
		Fault:  "each replica takes numbers in blocks, so that the one with the older block gives out numbers long passed",
		Found:  "CREATE SEQUENCE … CACHE, hi/lo generators of object mappers",
		Breaks: []verify.Check{verify.RealTimeOrder},
		// Windows end before the block above is used up, and what is filled in
		// below them later was acknowledged and is not in them.
		Also: []verify.Check{verify.Contiguous, verify.LostWrite, verify.Counters, verify.Dates},
		replica: func(db *database, _ int) replica {
			const block = 10
			var mu sync.Mutex // guards next, end
			var next, end int64
			nextval := func() int64 {
				mu.Lock()
				defer mu.Unlock()
				if next == end {
					next = db.nextval(block)
					end = next + block
				}
				next++
				return next - 1
			}
			return func(d messenger.Draft) messages {
				m := db.insert(d, messenger.Message{Seq: nextval()})
				return db.window(m.Seq)
			}
		},
	},
	{
		Name:   "window-before-commit",
		Fault:  "the window is read inside the transaction: lower numbers whose transactions have not committed yet are missing",
		Found:  "a sequence, and INSERT and SELECT in one transaction in READ COMMITTED",
		Breaks: []verify.Check{verify.Contiguous, verify.LostWrite}, // the missing ones are acknowledged
		replica: stateless(func(db *database, d messenger.Draft) messages {
			// From here on there is a row that only this transaction sees.
			m := db.number(d)
			window := append(db.find(messenger.WindowSize-1, upTo(m.Seq-1)), m)
			db.insert(d, m) // the commit
			return window
		}),
	},
	{
		Name:   "window-before-lock",
		Fault:  "the window is read by the statement that waits for the lock, so its snapshot lacks what was committed during the wait",
		Found:  "SELECT … FOR UPDATE that returns the rows too; a read before BEGIN IMMEDIATE",
		Breaks: []verify.Check{verify.Contiguous, verify.LostWrite},
		replica: stateless(func(db *database, d messenger.Draft) messages {
			window := db.latest(messenger.WindowSize - 1)
			db.lock.Lock()
			defer db.lock.Unlock()
			return append(window, db.insert(d, messenger.Message{}))
		}),
	},
	{
		Name:   "window-after-commit",
		Fault:  "the window is the last ten messages at the time of the answer, and others have come in since the commit",
		Found:  "commit, then SELECT … ORDER BY id DESC LIMIT 10",
		Breaks: []verify.Check{verify.FutureRead, verify.Order}, // the own message is not last
		Also:   []verify.Check{verify.InternalConsistency},      // or has gone by already
		replica: stateless(func(db *database, d messenger.Draft) messages {
			db.append(d)
			return db.latest(messenger.WindowSize)
		}),
	},
	{
		Name: "window-by-date",
		Fault: "messages are dated by their replica before they are stored, and the window is the last ten by date, " +
			"which is another order",
		Found:  "ORDER BY created_at DESC LIMIT 10",
		Breaks: []verify.Check{verify.Contiguous, verify.Order, verify.Dates},
		// A message with a higher number may have the earlier date.
		Also: []verify.Check{verify.LostWrite, verify.FutureRead},
		replica: stateless(func(db *database, d messenger.Draft) messages {
			date := time.Now().UTC().Truncate(time.Microsecond)
			db.insert(d, messenger.Message{SentAt: date})
			rows := db.find(math.MaxInt, func(m messenger.Message) bool { return !m.SentAt.After(date) })
			slices.SortStableFunc(rows, func(a, b messenger.Message) int { return a.SentAt.Compare(b.SentAt) })
			return rows[max(0, len(rows)-messenger.WindowSize):]
		}),
	},
	{
		Name:   "order-by-date",
		Fault:  "the window holds the right messages, sorted by dates that are the same in several of them",
		Found:  "ORDER BY created_at, with dates to the second",
		Breaks: []verify.Check{verify.Order},
		shape:  &objects,
		replica: stateless(func(db *database, d messenger.Draft) messages {
			window := db.append(d)
			for i := range window {
				window[i].SentAt = window[i].SentAt.Truncate(100 * time.Millisecond)
			}
			if len(window) < messenger.WindowSize {
				return window // a few messages that fall by chance would look like a wrong profile
			}
			slices.SortFunc(window, func(a, b messenger.Message) int {
				return cmp.Or(a.SentAt.Compare(b.SentAt), cmp.Compare(b.Text, a.Text)) // of one date, in any order
			})
			return window
		}),
	},
	{
		Name:   "count-beside-raced",
		Fault:  "the sender's count beside the messages is counted before the message is stored, without a lock",
		Found:  "public solutions of this task",
		Breaks: []verify.Check{verify.Counters},
		shape:  &countBeside,
		replica: stateless(func(db *database, d messenger.Draft) messages {
			count := db.countOf(d.Sender) + 1
			m := db.insert(d, messenger.Message{SenderCount: count})
			return db.window(m.Seq)
		}),
	},
	{
		Name:   "window-of-sender",
		Fault:  "the window holds the last ten messages of the caller's sender only",
		Found:  "the task read carelessly: WHERE sender = …",
		Breaks: []verify.Check{verify.Contiguous}, // of the other senders
		replica: stateless(func(db *database, d messenger.Draft) messages {
			own := db.insert(d, messenger.Message{})
			return db.find(messenger.WindowSize, func(m messenger.Message) bool {
				return m.Sender == d.Sender && m.Seq <= own.Seq
			})
		}),
	},
	{
		Name:   "counter-when-answered",
		Fault:  "sender_count is not stored but counted anew for each answer, so that old messages change",
		Found:  "a count(*) in the SELECT, or joined from the table of senders",
		Breaks: []verify.Check{verify.Counters, verify.Agreement},
		replica: stateless(func(db *database, d messenger.Draft) messages {
			window := db.append(d)
			for i := range window {
				window[i].SenderCount = db.countOf(window[i].Sender)
			}
			return window
		}),
	},
	{
		Name:   "acknowledged-unstored",
		Fault:  "the answer is sent before the message is on disk, and a crash takes the newest messages back",
		Found:  "synchronous_commit=off, SQLite with synchronous=NORMAL or OFF, Redis, a write-behind queue",
		Breaks: []verify.Check{verify.LostWrite},
		// After the crash the same numbers are given out again, to later requests.
		Also: []verify.Check{verify.Duplicate, verify.Agreement, verify.RealTimeOrder, verify.Contiguous, verify.Counters, verify.Dates},
		replica: stateless(func(db *database, d messenger.Draft) messages {
			window := db.append(d)
			switch {
			case db.oneIn(20):
				db.flush()
			case db.oneIn(100):
				db.crash()
			}
			return window
		}),
	},
	{
		Name:   "stale-replica",
		Fault:  "one replica reads the window from a database that follows with a delay, and lacks what was acknowledged just before",
		Found:  "read replicas, caches in front of the database",
		Breaks: []verify.Check{verify.LostWrite, verify.Contiguous},
		replica: func(db *database, index int) replica {
			var replicated atomic.Int64 // all up to this one has reached the database for reading
			return func(d messenger.Draft) messages {
				if index == 0 {
					return db.append(d)
				}
				if db.oneIn(8) {
					replicated.Store(db.max())
				}
				window := db.find(messenger.WindowSize-1, upTo(replicated.Load()))
				return append(window, db.insert(d, messenger.Message{}))
			}
		},
	},
	{
		Name:   "batch-window",
		Fault:  "messages are stored in batches, and every caller of a batch gets the window of its last message",
		Found:  "group commit done hastily",
		Breaks: []verify.Check{verify.FutureRead, verify.Order},
		Also:   []verify.Check{verify.InternalConsistency}, // in a batch of more than ten
		replica: func(db *database, _ int) replica {
			type batch struct {
				drafts []messenger.Draft
				stored chan struct{}
				window messages
			}
			var storing sync.Mutex // held while a batch is stored; meanwhile the next one grows
			var mu sync.Mutex      // guards next and its drafts
			var next *batch
			return func(d messenger.Draft) messages {
				mu.Lock()
				b, first := next, next == nil
				if first {
					b = &batch{stored: make(chan struct{})}
					next = b
				}
				b.drafts = append(b.drafts, d)
				mu.Unlock()
				if !first {
					<-b.stored
					return b.window
				}

				storing.Lock()
				defer storing.Unlock()
				mu.Lock()
				next = nil
				mu.Unlock()
				for _, d := range b.drafts {
					b.window = db.append(d)
				}
				close(b.stored)
				return b.window
			}
		},
	},
}

func maxPlusOne(db *database, d messenger.Draft) messages {
	seq := db.max() + 1
	m := db.insert(d, messenger.Message{Seq: seq})
	return append(db.find(messenger.WindowSize-1, upTo(seq-1)), m)
}

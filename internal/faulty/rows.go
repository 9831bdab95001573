package faulty

import (
	"strings"
	"sync"
	"time"

	"dummymessenger/internal/messenger"
	"dummymessenger/internal/verify"
)

// seldom is the rate of an occasional fault that is no race: one in so many
// requests.
const seldom = 20

// rows are faults for each row of the table of checks that need no race: some
// show in every answer, some seldom.
var rows = []Server{
	{
		Name:   "crossed-answers",
		Fault:  "now and then a caller gets the answer of the request before",
		Found:  "a buffer or a cursor that requests share, a cache keyed too coarsely",
		Breaks: []verify.Check{verify.InternalConsistency},
		replica: func(db *database, _ int) replica {
			var mu sync.Mutex // held for a whole request, so that "before" means one thing
			var before messages
			return func(d messenger.Draft) messages {
				mu.Lock()
				defer mu.Unlock()
				window := db.append(d)
				if before != nil && db.oneIn(seldom) {
					return before
				}
				before = window
				return window
			}
		},
	},
	{
		Name:   "short-window",
		Fault:  "the window ends one message too early: nine at most",
		Found:  "LIMIT 9 for ten, an inequality that is off by one",
		Breaks: []verify.Check{verify.Contiguous, verify.LostWrite}, // the tenth was acknowledged
		replica: stateless(func(db *database, d messenger.Draft) messages {
			window := db.append(d)
			if len(window) == messenger.WindowSize {
				window = window[1:]
			}
			return window
		}),
	},
	{
		Name:   "date-precision",
		Fault:  "one replica cuts dates to milliseconds when it reads them, so that one message has two dates",
		Found:  "drivers and languages whose dates are milliseconds, DATETIME(3)",
		Breaks: []verify.Check{verify.Agreement},
		Also:   []verify.Check{verify.Dates}, // a cut date lies before its predecessor's
		replica: func(db *database, index int) replica {
			return func(d messenger.Draft) messages {
				window := db.append(d)
				for i := range window {
					if index == 1 {
						window[i].SentAt = window[i].SentAt.Truncate(time.Millisecond)
					}
				}
				return window
			}
		},
	},
	{
		Name:   "stored-twice",
		Fault:  "now and then one request stores its message twice",
		Found:  "queues that deliver at least once, a driver or proxy that resends",
		Breaks: []verify.Check{verify.Duplicate},
		replica: stateless(func(db *database, d messenger.Draft) messages {
			window := db.append(d)
			if db.oneIn(seldom) {
				db.append(d)
			}
			return window
		}),
	},
	{
		Name:   "lost-write",
		Fault:  "now and then an acknowledged message is gone a moment later",
		Found:  "fail-over to an asynchronous standby, last-write-wins stores, a commit whose error nobody looked at",
		Breaks: []verify.Check{verify.LostWrite, verify.Contiguous}, // its place stays empty
		replica: stateless(func(db *database, d messenger.Draft) messages {
			window := db.append(d)
			if db.oneIn(seldom) {
				db.delete(window[len(window)-1].Seq)
			}
			return window
		}),
	},
	{
		Name:   "counter-beside-log",
		Fault:  "sender_count is taken from elsewhere and is not given back when the insert is rolled back",
		Found:  "INCR in Redis, an update of a table of senders in a transaction of its own",
		Breaks: []verify.Check{verify.Counters},
		replica: stateless(func(db *database, d messenger.Draft) messages {
			if db.oneIn(seldom) {
				db.skipCounter(d.Sender)
			}
			return db.append(d)
		}),
	},
	{
		Name:   "replica-clocks",
		Fault:  "each replica dates messages by its own clock, and one is 20 ms behind",
		Found:  "datetime.now() in the program instead of the database's clock",
		Breaks: []verify.Check{verify.Dates},
		replica: func(db *database, index int) replica {
			behind := time.Duration(index) * 20 * time.Millisecond
			return func(d messenger.Draft) messages {
				date := time.Now().Add(-behind)
				m := db.insert(d, messenger.Message{SentAt: date})
				return db.window(m.Seq)
			}
		},
	},
	{
		Name:   "local-time",
		Fault:  "sent_at is Moscow time, written as if it were UTC",
		Found:  "TIMESTAMP without time zone, a Z appended to a local date",
		Breaks: []verify.Check{verify.Dates},
		replica: stateless(func(db *database, d messenger.Draft) messages {
			window := db.append(d)
			for i := range window {
				window[i].SentAt = window[i].SentAt.Add(3 * time.Hour)
			}
			return window
		}),
	},
	{
		Name:   "refused-but-stored",
		Fault:  "now and then a request is answered with 503, not stored, and its message is in the log",
		Found:  "a time-out reported as a failure while the commit goes on",
		Breaks: []verify.Check{verify.AbortedRead},
		replica: stateless(func(db *database, d messenger.Draft) messages {
			window := db.append(d)
			if db.oneIn(seldom) {
				return nil
			}
			return window
		}),
	},
	{
		Name:   "emoji-lost",
		Fault:  "characters beyond U+FFFF are stored as question marks",
		Found:  "MySQL's three-byte utf8",
		Breaks: []verify.Check{verify.GarbageRead, verify.InternalConsistency}, // the own message is altered as well
		replica: stateless(func(db *database, d messenger.Draft) messages {
			d.Text = strings.Map(func(r rune) rune {
				if r > 0xFFFF {
					return '?'
				}
				return r
			}, d.Text)
			return db.append(d)
		}),
	},
	{
		Name:    "append-on-retry",
		Fault:   "a request that is sent again, because its answer was lost, is stored again",
		Found:   "servers that know no Idempotency-Key",
		Breaks:  []verify.Check{verify.ExactlyOnce, verify.Duplicate},
		Drops:   true,
		replica: stateless((*database).append),
	},
	{
		Name:   "keys-per-process",
		Fault:  "each replica remembers the keys that it has seen itself, and the request is sent again to the other one",
		Found:  "idempotency middleware with a store in memory",
		Breaks: []verify.Check{verify.ExactlyOnce, verify.Duplicate},
		Drops:  true,
		replica: func(db *database, _ int) replica {
			var mu sync.Mutex // guards answers
			answers := make(map[messenger.ID]messages)
			return func(d messenger.Draft) messages {
				mu.Lock()
				defer mu.Unlock()
				if answers[d.ID] == nil {
					answers[d.ID] = db.append(d)
				}
				return answers[d.ID]
			}
		},
	},
	{
		Name:   "replay-of-now",
		Fault:  "a request that is sent again is recognised, and answered with the last ten messages of now",
		Found:  "servers that remember that a key was seen and not what was answered",
		Breaks: []verify.Check{verify.FutureRead},
		Also:   []verify.Check{verify.Order, verify.InternalConsistency}, // the own message is not last, or long gone
		Drops:  true,
		replica: stateless(func(db *database, d messenger.Draft) messages {
			if db.knows(d.ID) {
				return db.latest(messenger.WindowSize)
			}
			return db.append(d)
		}),
	},
}

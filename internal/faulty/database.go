package faulty

import (
	"maps"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"time"

	"dummymessenger/internal/messenger"
)

// A database is a table of messages in memory, with the other parts of a
// database: locks, a sequence, a clock. Each method is one atomic statement
// that takes a round trip. Between the statements of one replica, other
// requests may run theirs.
type database struct {
	// lock is what a replica can hold over several statements, as with
	// SELECT … FOR UPDATE. It binds only those who take it.
	lock sync.Mutex

	mu      sync.Mutex // held during a statement
	random  *rand.Rand
	rows    []messenger.Message // ascending by seq; of equal ones, the oldest first
	ids     map[messenger.ID]int64
	counts  map[string]int64 // the latest counter given out, by sender
	lastSeq int64            // the latest given out
	sentAt  time.Time        // the latest date given out

	flushed checkpoint
}

// A checkpoint is the part of a database that survives a crash.
type checkpoint struct {
	rows    int
	counts  map[string]int64
	lastSeq int64
}

func newDatabase(seed uint64) *database {
	return &database{
		random:  rand.New(rand.NewPCG(seed, 0)),
		ids:     make(map[messenger.ID]int64),
		counts:  make(map[string]int64),
		flushed: checkpoint{counts: make(map[string]int64)},
	}
}

// Round trips to a database nearby, with its own work.
const (
	shortestTrip = 20 * time.Microsecond
	longestTrip  = 120 * time.Microsecond
)

// begin begins a statement. It returns the lock to release at its end.
func (db *database) begin() *sync.Mutex {
	db.mu.Lock()
	trip := shortestTrip + time.Duration(db.random.Int64N(int64(longestTrip-shortestTrip)))
	db.mu.Unlock()
	// Timers are too coarse for this. Yielding lets the others run meanwhile.
	for start := time.Now(); time.Since(start) < trip; {
		runtime.Gosched()
	}
	db.mu.Lock()
	return &db.mu
}

// oneIn is true once in n times, at random. It is no statement.
func (db *database) oneIn(n int) bool {
	db.mu.Lock()
	defer db.mu.Unlock()
	return db.random.IntN(n) == 0
}

// now is the database's clock, which never runs backwards.
func (db *database) now() time.Time {
	if now := time.Now().UTC().Truncate(time.Microsecond); now.After(db.sentAt) {
		db.sentAt = now
	}
	return db.sentAt
}

// append stores d as it must be stored, and returns its window.
func (db *database) append(d messenger.Draft) messages {
	defer db.begin().Unlock()
	return db.last(messenger.WindowSize, upTo(db.put(d, messenger.Message{}).Seq))
}

// appendOnce is append, unless there is a message with d.ID already: then its
// window is returned.
func (db *database) appendOnce(d messenger.Draft) messages {
	defer db.begin().Unlock()
	seq, ok := db.ids[d.ID]
	if !ok {
		seq = db.put(d, messenger.Message{}).Seq
	}
	return db.last(messenger.WindowSize, upTo(seq))
}

// insert stores d and returns it. Seq, counter and date are those of m; it
// computes those that are zero, as they must be. No constraint refuses the others.
func (db *database) insert(d messenger.Draft, m messenger.Message) messenger.Message {
	defer db.begin().Unlock()
	return db.put(d, m)
}

func (db *database) put(d messenger.Draft, m messenger.Message) messenger.Message {
	m = db.numbered(d, m)
	i := len(db.rows)
	for i > 0 && db.rows[i-1].Seq > m.Seq {
		i--
	}
	db.rows = slices.Insert(db.rows, i, m)
	db.ids[d.ID] = m.Seq
	return m
}

// number computes what insert would, and stores nothing.
func (db *database) number(d messenger.Draft) messenger.Message {
	defer db.begin().Unlock()
	return db.numbered(d, messenger.Message{})
}

func (db *database) numbered(d messenger.Draft, m messenger.Message) messenger.Message {
	m.Sender, m.Text = d.Sender, d.Text
	if m.Seq == 0 {
		db.lastSeq++
		m.Seq = db.lastSeq
	}
	if m.SenderCount == 0 {
		db.counts[m.Sender]++
		m.SenderCount = db.counts[m.Sender]
	}
	if m.SentAt.IsZero() {
		m.SentAt = db.now()
	}
	return m
}

// nextval takes n numbers from a sequence and returns the first. They do not
// come back when the transaction is rolled back.
func (db *database) nextval(n int64) int64 {
	defer db.begin().Unlock()
	db.lastSeq += n
	return db.lastSeq - n + 1
}

// skipCounter takes one of sender's counters for nothing.
func (db *database) skipCounter(sender string) {
	defer db.begin().Unlock()
	db.counts[sender]++
}

// knows reports whether there is a message with that ID.
func (db *database) knows(id messenger.ID) bool {
	defer db.begin().Unlock()
	_, ok := db.ids[id]
	return ok
}

// delete removes the row at seq.
func (db *database) delete(seq int64) {
	defer db.begin().Unlock()
	db.rows = slices.DeleteFunc(db.rows, func(m messenger.Message) bool { return m.Seq == seq })
}

// max is SELECT max(seq).
func (db *database) max() int64 {
	defer db.begin().Unlock()
	if len(db.rows) == 0 {
		return 0
	}
	return db.rows[len(db.rows)-1].Seq
}

// countOf is SELECT count(*) … WHERE sender = ….
func (db *database) countOf(sender string) int64 {
	return int64(len(db.find(math.MaxInt, func(m messenger.Message) bool { return m.Sender == sender })))
}

// find is SELECT … WHERE … ORDER BY seq DESC LIMIT n, in ascending order.
func (db *database) find(n int, where condition) messages {
	defer db.begin().Unlock()
	return db.last(n, where)
}

// window is the window that ends in seq.
func (db *database) window(seq int64) messages { return db.find(messenger.WindowSize, upTo(seq)) }

// latest is find without a condition.
func (db *database) latest(n int) messages { return db.find(n, upTo(math.MaxInt64)) }

func (db *database) last(n int, where condition) (found messages) {
	for i := len(db.rows) - 1; i >= 0 && len(found) < n; i-- {
		if where(db.rows[i]) {
			found = append(found, db.rows[i])
		}
	}
	slices.Reverse(found)
	return found
}

type condition func(messenger.Message) bool

func upTo(seq int64) condition {
	return func(m messenger.Message) bool { return m.Seq <= seq }
}

// flush puts on disk what is in memory only. It is no statement.
func (db *database) flush() {
	db.mu.Lock()
	defer db.mu.Unlock()
	db.flushed = checkpoint{len(db.rows), maps.Clone(db.counts), db.lastSeq}
}

// crash loses what was not flushed. It is no statement.
func (db *database) crash() {
	db.mu.Lock()
	defer db.mu.Unlock()
	db.rows = db.rows[:db.flushed.rows]
	db.lastSeq = db.flushed.lastSeq
	db.counts = maps.Clone(db.flushed.counts)
}

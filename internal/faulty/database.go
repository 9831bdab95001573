package faulty

import (
	"cmp"
	"maps"
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

	mu     sync.Mutex // held during a statement
	random *rand.Rand
	rows   []messenger.Message // ascending by seq; of equal ones, the oldest first
	ids    map[messenger.ID]int64
	counts map[string]int64 // the latest counter given out, by sender
	last   int64            // the latest seq given out
	sentAt time.Time        // the latest date given out

	flushed    checkpoint
	replicated int // so many rows have reached the read replica
}

// A checkpoint is the part of a database that survives a crash.
type checkpoint struct {
	rows   int
	counts map[string]int64
	last   int64
}

func newDatabase(seed uint64) *database {
	return &database{
		random: rand.New(rand.NewPCG(seed, 0)),
		ids:    make(map[messenger.ID]int64),
		counts: make(map[string]int64),
	}
}

// Round trips to a database nearby, with its own work.
const (
	shortestTrip = 20 * time.Microsecond
	longestTrip  = 120 * time.Microsecond
)

// begin begins a statement; the caller unlocks mu at its end.
func (db *database) begin() {
	db.mu.Lock()
	trip := shortestTrip + time.Duration(db.random.Int64N(int64(longestTrip-shortestTrip)))
	db.mu.Unlock()
	// Timers are too coarse for this. Yielding lets the others run meanwhile.
	for start := time.Now(); time.Since(start) < trip; {
		runtime.Gosched()
	}
	db.mu.Lock()
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
func (db *database) append(d messenger.Draft) []messenger.Message {
	db.begin()
	defer db.mu.Unlock()
	return db.appendLocked(d)
}

func (db *database) appendLocked(d messenger.Draft) []messenger.Message {
	m := db.put(messenger.Message{Sender: d.Sender, Text: d.Text})
	db.ids[d.ID] = m.Seq
	return db.upTo(m.Seq, messenger.WindowSize)
}

// appendOnce is append, unless there is a message with d.ID already: then its
// window is returned.
func (db *database) appendOnce(d messenger.Draft) []messenger.Message {
	db.begin()
	defer db.mu.Unlock()
	if seq, ok := db.ids[d.ID]; ok {
		return db.upTo(seq, messenger.WindowSize)
	}
	return db.appendLocked(d)
}

// insert stores m and returns it. Of seq, counter and date it computes those
// that are zero, as they must be. No constraint refuses the others.
func (db *database) insert(m messenger.Message) messenger.Message {
	db.begin()
	defer db.mu.Unlock()
	return db.put(m)
}

// number computes what insert would, and stores nothing.
func (db *database) number(m messenger.Message) messenger.Message {
	db.begin()
	defer db.mu.Unlock()
	return db.numbered(m)
}

func (db *database) numbered(m messenger.Message) messenger.Message {
	if m.Seq == 0 {
		db.last++
		m.Seq = db.last
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

func (db *database) put(m messenger.Message) messenger.Message {
	m = db.numbered(m)
	i := len(db.rows)
	for i > 0 && db.rows[i-1].Seq > m.Seq {
		i--
	}
	db.rows = slices.Insert(db.rows, i, m)
	return m
}

// nextval takes n numbers from a sequence and returns the first. They do not
// come back when the transaction is rolled back.
func (db *database) nextval(n int64) int64 {
	db.begin()
	defer db.mu.Unlock()
	db.last += n
	return db.last - n + 1
}

// skipCounter takes one of sender's counters for nothing.
func (db *database) skipCounter(sender string) {
	db.begin()
	defer db.mu.Unlock()
	db.counts[sender]++
}

// knows reports whether there is a message with that ID.
func (db *database) knows(id messenger.ID) bool {
	db.begin()
	defer db.mu.Unlock()
	_, ok := db.ids[id]
	return ok
}

// delete removes the row at seq.
func (db *database) delete(seq int64) {
	db.begin()
	defer db.mu.Unlock()
	db.rows = slices.DeleteFunc(db.rows, func(m messenger.Message) bool { return m.Seq == seq })
}

// max is SELECT max(seq).
func (db *database) max() int64 {
	db.begin()
	defer db.mu.Unlock()
	if len(db.rows) == 0 {
		return 0
	}
	return db.rows[len(db.rows)-1].Seq
}

// countOf is SELECT count(*) … WHERE sender = ….
func (db *database) countOf(sender string) (n int64) {
	db.begin()
	defer db.mu.Unlock()
	for i := range db.rows {
		if db.rows[i].Sender == sender {
			n++
		}
	}
	return n
}

// latest is SELECT … ORDER BY seq DESC LIMIT n, in ascending order.
func (db *database) latest(n int) []messenger.Message {
	db.begin()
	defer db.mu.Unlock()
	return tail(db.rows, n)
}

// before is SELECT … WHERE seq < … ORDER BY seq DESC LIMIT n.
func (db *database) before(seq int64, n int) []messenger.Message {
	db.begin()
	defer db.mu.Unlock()
	return db.upTo(seq-1, n)
}

// through is SELECT … WHERE seq <= … ORDER BY seq DESC LIMIT n.
func (db *database) through(seq int64, n int) []messenger.Message {
	db.begin()
	defer db.mu.Unlock()
	return db.upTo(seq, n)
}

func (db *database) upTo(seq int64, n int) []messenger.Message {
	i, _ := slices.BinarySearchFunc(db.rows, seq+1, func(m messenger.Message, seq int64) int { return cmp.Compare(m.Seq, seq) })
	return tail(db.rows[:i], n)
}

// throughDate is SELECT … WHERE sent_at <= … ORDER BY sent_at DESC LIMIT n.
func (db *database) throughDate(date time.Time, n int) []messenger.Message {
	db.begin()
	defer db.mu.Unlock()
	var rows []messenger.Message
	for _, m := range db.rows {
		if !m.SentAt.After(date) {
			rows = append(rows, m)
		}
	}
	slices.SortStableFunc(rows, func(a, b messenger.Message) int { return a.SentAt.Compare(b.SentAt) })
	return tail(rows, n)
}

// throughOf is SELECT … WHERE seq <= … AND sender = … ORDER BY seq DESC LIMIT n.
func (db *database) throughOf(sender string, seq int64, n int) []messenger.Message {
	db.begin()
	defer db.mu.Unlock()
	var rows []messenger.Message
	for _, m := range db.rows {
		if m.Sender == sender && m.Seq <= seq {
			rows = append(rows, m)
		}
	}
	return tail(rows, n)
}

// latestReplicated is latest, on a read replica that follows with a delay.
func (db *database) latestReplicated(n int) []messenger.Message {
	db.begin()
	defer db.mu.Unlock()
	if db.random.IntN(8) == 0 { // what has been shipped meanwhile is replayed
		db.replicated = len(db.rows)
	}
	return tail(db.rows[:db.replicated], n)
}

// flush puts on disk what is in memory only. It is no statement.
func (db *database) flush() {
	db.mu.Lock()
	defer db.mu.Unlock()
	db.flushed = checkpoint{len(db.rows), maps.Clone(db.counts), db.last}
}

// crash loses what was not flushed. It is no statement.
func (db *database) crash() {
	db.mu.Lock()
	defer db.mu.Unlock()
	db.rows = db.rows[:db.flushed.rows]
	db.last = db.flushed.last
	db.counts = make(map[string]int64)
	maps.Copy(db.counts, db.flushed.counts)
}

// tail copies the last n of rows.
func tail(rows []messenger.Message, n int) []messenger.Message {
	return slices.Clone(rows[max(0, len(rows)-n):])
}

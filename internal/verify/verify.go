// Package verify decides whether the answers of a run can be true together.
// It is pure: it reads no clock and no network, so that it judges a live run
// and a stored history alike.
//
// Every answer states its own place in the log, so there is one candidate
// order only, by seq, and all checks are O(n). Each message is shown in up to
// ten answers: the log is rebuilt from the answers, and every cell that is
// shown again is compared with what is known of it.
//
// # Two walks
//
// Return merges an operation's window into the log at once, and finds there
// what one answer, or two, can show: gaps, disagreement, duplicates, lost
// writes. What depends on the order of the whole log (counters, dates,
// real-time order) is checked by a second walk along seq that follows behind,
// below the horizon: the lowest seq that a correct answer to an operation in
// flight may still touch.
//
// # Memory
//
// 56 bytes per message of the log, 56 per operation, and 24 for each step of
// the highest acknowledged seq; 160 in all as measured, since tables grow in
// pages and steps. Texts are hashed and not kept, but for the newest few
// thousand. With Config.Stream the tables are freed behind the horizon; then
// 2 bits per operation remain (2 bytes, with what holds them), an open record
// for each unknown one, and one counter per sender. What a streamed run loses
// is evidence, never a check: of an operation behind the horizon it knows the
// outcome and no longer its seq, window and times. A server that shows no seq
// costs the memory of all its windows, streamed or not, and is judged when the
// run is over.
package verify

import (
	"hash/maphash"
	"sync"
	"time"

	"dummymessenger/internal/messenger"
)

// A ref names an operation of the run.
type ref struct{ worker, number int32 }

// A cell is one place of the log, as the answers show it.
type cell struct {
	text   uint64        // hash of sender and text
	sentAt int64         // as Entry.SentAt
	count  int64         // as Entry.SenderCount
	first  time.Duration // the earliest return of an answer that shows it …
	shown  ref           // … and whose answer that was
	owner  ref           // whose message it is, if ours
	sender int32         // index in senders
	flags  cellFlags
}

type cellFlags uint8

const (
	seen  cellFlags = 1 << iota // some answer shows it
	ours                        // its nonce is of our run
	acked                       // its own operation was answered with it
)

func (c *cell) is(f cellFlags) bool { return c != nil && c.flags&f == f }

// A record is what is kept of an operation.
type record struct {
	text    uint64 // hash of sender and text, as sent
	call    time.Duration
	ret     time.Duration
	seq     int64 // where its message was seen first, 0 if nowhere yet
	again   int64 // where it was seen a second time
	floor   int64 // the highest seq acknowledged when it was called, if Call told
	sender  int32
	replica int16
	outcome Outcome
	flags   recordFlags
}

type recordFlags uint8

const (
	sent      recordFlags = 1 << iota // Call or Return has told of it
	returned                          // Return has
	retried                           // it took more than one try
	sentinel                          // it is no part of the load
	forgotten                         // only its outcome is known any more
)

func (r *record) is(f recordFlags) bool { return r != nil && r.flags&f == f }

// A worker is what is known of one sequence of operations.
type worker struct {
	ops      sparse[record]
	last     int32 // the highest number called or returned
	inFlight bool
	told     bool  // Call tells of this worker
	floor    int64 // of the operation in flight

	outcomes map[int32]*[pageSize / 4]uint8 // of forgotten operations, 2 bits each
	swept    int32                          // the first page of ops that is not forgotten
}

// A Verifier judges one run. Its methods may be called concurrently.
type Verifier struct {
	cfg  Config
	seed maphash.Seed

	mu         sync.Mutex
	log        sparse[cell]
	recent     [recentSize]*Entry // the newest entries by seq, to compare pointers and to show texts
	workers    map[int32]*worker
	senders    map[string]int32
	names      []string // of senders, by index
	absent     map[int64]ref
	odd        map[ref][]Entry // windows that cannot be read back from the log
	unsent     map[ref]int64   // shown though no Call told of them, and where
	open       map[ref]*record // unknown operations behind the horizon, when streaming
	merging    *Operation      // the one whose window is being merged
	acks       staircase
	floor      int64 // of all that has not returned, as a stored history tells
	bottom     int64 // the lowest place that the window being merged can show
	lowest     int64 // the lowest place that some answer shows, 0 if none
	beginnings []beginning
	walk       walk
	tally      tally
	results    [numChecks]result
	positions  *positions  // for servers that show no seq
	by         []*Identity // who answered last at each replica
	identities Identities
	gone       int64 // operations missing in a stored history; below 0: nobody knows how many
	verdict    *Verdict
}

const recentSize = 4096

// New returns a Verifier of the run that cfg describes.
func New(cfg Config) *Verifier {
	if cfg.ClockAllowance == 0 {
		cfg.ClockAllowance = DefaultClockAllowance
	}
	if cfg.WindowSize == 0 {
		cfg.WindowSize = messenger.WindowSize
	}
	if cfg.MinOperations == 0 {
		cfg.MinOperations = DefaultMinOperations
	}
	v := &Verifier{
		cfg:     cfg,
		seed:    maphash.MakeSeed(),
		workers: make(map[int32]*worker),
		senders: make(map[string]int32),
		absent:  make(map[int64]ref),
		odd:     make(map[ref][]Entry),
		unsent:  make(map[ref]int64),
		open:    make(map[ref]*record),
	}
	v.bottom = 1
	v.walk.seams = make(map[int64]bool)
	v.walk.counters = make(map[int32]counter)
	v.tally.perReplica = make(map[int]int64)
	v.tally.perSender = make(map[int32]int64)
	if cfg.Missing.Has(Seq) {
		v.positions = newPositions(v)
	}
	return v
}

// Call tells that op is about to be sent: op.Call is read from the clock
// before this, the request is written after it. It needs Worker, Number,
// Sender, Text, Sentinel and Call of op, and keeps nothing of it.
func (v *Verifier) Call(op *Operation) {
	text := v.hash(op.Sender, op.Text)
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.positions != nil {
		return // no place is known before the end
	}
	r := op.ref()
	w := v.worker(r.worker)
	rec := w.ops.at(int64(r.number))
	rec.floor = v.acks.head
	w.told, w.inFlight, w.floor = true, true, v.acks.head
	if !rec.is(sent) {
		v.sent(op, r, w, rec, text)
	}
}

// Return tells how op ended, right after it did. It keeps nothing of op but
// some of the newest entries. Of a second Return of one operation it takes no
// notice.
func (v *Verifier) Return(op *Operation) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.answeredBy(op)
	if v.positions != nil {
		v.positions.hold(op)
		return
	}
	v.judge(op)
}

func (v *Verifier) answeredBy(op *Operation) {
	if op.By == nil {
		return
	}
	for len(v.by) <= op.Replica {
		v.by = append(v.by, nil)
	}
	if last := &v.by[op.Replica]; *last != op.By {
		*last = op.By
		v.identities.Add(op.Replica, *op.By)
	}
}

// Live is the state of the checks during a run.
type Live struct {
	CrossChecked int64 // entries compared with what other answers showed
	Violations   int64
	Unknown      int64      // operations whose outcome is unknown and that no window has shown
	First        *Violation // the violation found first, nil if there is none
}

// Live tells what has been found so far.
func (v *Verifier) Live() Live {
	v.mu.Lock()
	defer v.mu.Unlock()
	l := Live{CrossChecked: v.tally.crossChecked, Unknown: v.tally.unknown - v.tally.stored}
	for c := range v.results {
		l.Violations += v.results[c].count
	}
	l.First = v.tally.firstViolation
	return l
}

func (op *Operation) ref() ref { return ref{int32(op.Worker), int32(op.Number)} }

func (v *Verifier) worker(i int32) *worker {
	w := v.workers[i]
	if w == nil {
		w = &worker{last: -1}
		v.workers[i] = w
	}
	return w
}

// hash is of what the client chose of a message, as far as answers show it.
func (v *Verifier) hash(sender, text string) uint64 {
	var h maphash.Hash
	h.SetSeed(v.seed)
	if !v.cfg.Missing.Has(Sender) {
		h.WriteString(sender)
		h.WriteByte(0)
	}
	h.WriteString(text)
	return h.Sum64()
}

func (v *Verifier) senderIndex(name string) int32 {
	i, ok := v.senders[name]
	if !ok {
		i = int32(len(v.names))
		v.senders[name] = i
		v.names = append(v.names, name)
	}
	return i
}

// nonce returns the operation of our run that text names.
func (v *Verifier) nonce(text string) (ref, bool) {
	n, ok := FindNonce(text)
	if !ok || n.Run != v.cfg.Run {
		return ref{}, false
	}
	return ref{int32(n.Worker), int32(n.Number)}, true
}

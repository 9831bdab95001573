// Package verify decides whether the answers of a run can be true together.
// It is pure: it reads no clock and no network, so that it judges a live run
// and a stored history alike.
//
// Every answer states its own place in the log, so there is one candidate
// order only, by seq, and all checks are O(n). Each message is shown in up to
// ten answers: the log is rebuilt from the answers, and every cell that is
// shown again is compared with what is known of it.
//
// # Parts
//
// The package is a pipeline of parts. Each owns its state and knows only those
// before it (TestPartsPointOneWay holds the order of the files):
//
//	positions  gives places to the messages of a server that shows no seq
//	facts      operations (what was sent and came back), acknowledgements, the
//	           rebuilt log, the second walk along it, counts
//	findings   violations with their evidence
//	check_*    one check each: what it looks at, counts, reports and cannot see
//	checks     what happens to a run, and which checks look at it
//	judge      the first walk (merge.go), the second one (horizon.go), and the
//	           verdict (summary.go)
//
// A new check is a file of its own, a row in check.go, and in checks.go a field
// and a line for each event that it looks at.
//
// # Two walks
//
// The first walk merges an operation's window into the log as soon as it
// returns, and finds there what one answer, or two, can show: gaps,
// disagreement, duplicates, lost writes. What depends on the order of the whole
// log (counters, dates, real-time order) is checked by a second walk along seq
// that follows behind, below the horizon: the lowest seq that a correct answer
// to an operation in flight may still touch.
//
// # Memory
//
// 56 bytes per message of the log, 56 per operation, and 24 for each step of
// the highest acknowledged seq; 160 in all as measured, since tables grow in
// pages and steps. Texts are hashed and not kept, but for the newest few
// thousand. With Config.Stream the tables are freed behind the horizon; then
// a bit per failed operation remains, an open record for each unknown one, and
// one counter per sender. What a streamed run loses is evidence, never a check:
// of an operation behind the horizon it knows the outcome and no longer its seq,
// window and times. A server that shows no seq costs the memory of all its
// windows, streamed or not, and is judged when the run is over.
package verify

import (
	"cmp"
	"math"
	"sync"
	"time"

	"dummymessenger/internal/messenger"
)

// A Verifier judges one run. Its methods may be called concurrently.
type Verifier struct {
	mu sync.Mutex
	judge
	positions *positions // of a server that shows no seq, else nil
	verdict   *Verdict
}

// New returns a Verifier of the run that cfg describes.
func New(cfg Config) *Verifier {
	cfg.ClockAllowance = cmp.Or(cfg.ClockAllowance, DefaultClockAllowance)
	cfg.WindowSize = cmp.Or(cfg.WindowSize, messenger.WindowSize)
	cfg.MinOperations = cmp.Or(cfg.MinOperations, defaultMinOperations)
	cfg.Gapless = (cfg.Gapless || !cfg.AnyStart || cfg.Missing.Has(Seq)) && !cfg.OwnSender
	f := newFacts(cfg)
	found := newFindings(f)
	v := &Verifier{judge: judge{facts: f, found: found, checks: newChecks(f, found)}}
	if cfg.Missing.Has(Seq) {
		v.positions = newPositions(&f.cfg, &f.texts)
	}
	return v
}

// Call reports that op is about to be sent: op.Call is read from the clock
// before this, the request is written after it. It needs Worker, Number,
// Sender, Text, Sentinel and Call of op, and keeps nothing of it. A worker's
// operations follow one after the other.
func (v *Verifier) Call(op *Operation) {
	text := v.texts.hash(op.Sender, op.Text)
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.positions == nil { // else no place is known before the end
		v.call(op, text)
	}
}

// Return reports how op ended, right after it did. It keeps nothing of op but
// some of the newest entries. It ignores a second Return of one operation.
func (v *Verifier) Return(op *Operation) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if op.By != nil {
		v.identities.Add(op.Replica, *op.By)
	}
	if v.positions != nil {
		v.positions.hold(op)
		return
	}
	v.take(op, 1)
}

func (v *Verifier) take(op *Operation, bottom int64) {
	if v.accept(op, bottom) {
		v.tick()
	}
}

// Live is the state of the checks during a run.
type Live struct {
	CrossChecked int64 // entries compared with what other answers showed
	Violations   int64
	Unknown      int64      // operations whose outcome is unknown and that no window has shown
	First        *Violation // the violation found first, nil if there is none
}

// Live returns what has been found so far.
func (v *Verifier) Live() Live {
	v.mu.Lock()
	defer v.mu.Unlock()
	return Live{
		CrossChecked: v.checks.agreement.seen(), Violations: v.found.count(),
		Unknown: v.tally.Unknown - v.tally.Stored, First: v.found.first,
	}
}

// Floor returns a seq that no operation still to return or to be called lies
// below, 0 if it is not known: see Recorder.Mark.
func (v *Verifier) Floor() int64 {
	v.mu.Lock()
	defer v.mu.Unlock()
	if floor, known := v.ops.lowestFloor(v.acks.head); known {
		return floor
	}
	return 0
}

// Unsettled returns how many of the returned operations may still turn out
// stored or not: no answer shows them, and no sentinel rules them out. A
// sentinel does if it was called at least grace after they returned and its
// window joins the log without a hole: a server may store a message for some
// time after its caller has given up. Call Unsettled when nothing is in flight.
func (v *Verifier) Unsettled(grace time.Duration) int64 {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.unsettled(grace)
}

// Verdict judges the run after all its operations have returned. Nothing may
// return after it.
func (v *Verifier) Verdict() *Verdict {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.verdict != nil {
		return v.verdict
	}
	if v.positions != nil {
		v.arrange(v.positions.layout())
		for op, bottom := range v.positions.placed() {
			v.take(op, bottom)
		}
		v.checks.laidOut()
	}
	v.walkTo(math.MaxInt64)
	notStored, calls := v.settled()
	v.checks.ended(calls)
	v.verdict = v.conclude(notStored)
	return v.verdict
}

// hasReturned reports whether r has returned already.
func (v *Verifier) hasReturned(r ref) bool {
	if v.positions != nil {
		return v.positions.holds(r)
	}
	return v.ops.hasReturned(r)
}

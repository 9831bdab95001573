package verify

import "time"

// A tally counts what has returned so far.
type tally struct {
	sent, ok, failed, unknown, stored, sentinels int64

	perReplica map[int]int64   // answered, without sentinels
	perSender  map[int32]int64 // likewise

	overlap            bool // some operation was under way at the same time as another
	latestCall, latest time.Duration
}

func newTally() tally {
	return tally{perReplica: make(map[int]int64), perSender: make(map[int32]int64)}
}

func (t *tally) count(op *Operation, rec *record) {
	if op.Sentinel {
		t.sentinels++
		return
	}
	t.sent++
	switch op.Outcome {
	case OK:
		t.ok++
		t.perReplica[op.Replica]++
		t.perSender[rec.sender]++
	case Failed:
		t.failed++
	case Unknown:
		t.unknown++
	}
	t.overlap = t.overlap || t.sent > 1 && op.Call < t.latest && t.latestCall < op.Return
	if op.Return >= t.latest {
		t.latestCall, t.latest = op.Call, op.Return
	}
}

// settle counts an unknown operation whose message has been seen.
func (t *tally) settle(rec *record) {
	if rec.is(returned) && rec.outcome == Unknown && !rec.is(sentinel) {
		t.stored++
	}
}

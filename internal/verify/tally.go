package verify

import "time"

// Counts says what became of the requests. Sent = OK + Failed + Unknown, and
// Unknown = Stored + NotStored + Unsettled. Sentinels are not among them.
type Counts struct {
	Sent    int64 `json:"sent"`
	OK      int64 `json:"ok"`
	Failed  int64 `json:"failed"`
	Unknown int64 `json:"unknown"`

	Stored    int64 `json:"stored"`     // unknown at first, then shown by some answer
	NotStored int64 `json:"not_stored"` // unknown at first, and certainly not in the log
	Unsettled int64 `json:"unsettled"`  // unknown for good

	Sentinels int64 `json:"sentinels"`
	Others    int64 `json:"others"` // messages in the log that are not of this run, as far as seen

	// Neighbours are neighbouring seqs that different replicas acknowledged; 0
	// if one of them was listed as several.
	Neighbours int64 `json:"neighbours"`
}

// A tally counts so far what has returned, and along the log what the second walk
// has passed.
type tally struct {
	Counts // without what is still in flight, and NotStored and Unsettled

	perReplica map[int]int64   // answered, without sentinels
	perSender  map[int32]int64 // likewise

	overlap            bool // some operation was under way at the same time as another
	latestCall, latest time.Duration

	ours   bool // the second walk has passed a message of this run …
	others bool // … and one of somebody else behind it
}

func newTally() tally {
	return tally{perReplica: make(map[int]int64), perSender: make(map[int32]int64)}
}

func (t *tally) count(op *Operation, rec *record) {
	if op.Sentinel {
		if op.Outcome == OK {
			t.Sentinels++
		}
		return
	}
	t.Sent++
	switch op.Outcome {
	case OK:
		t.OK++
		t.perReplica[op.Replica]++
		t.perSender[rec.sender]++
	case Failed:
		t.Failed++
	case Unknown:
		t.Unknown++
	}
	t.overlap = t.overlap || t.Sent > 1 && op.Call < t.latest && t.latestCall < op.Return
	if op.Return >= t.latest {
		t.latestCall, t.latest = op.Call, op.Return
	}
}

// settle counts an unknown operation whose message has been seen.
func (t *tally) settle(rec *record) {
	if rec.is(returned) && rec.outcome == Unknown && !rec.is(sentinel) {
		t.Stored++
	}
}

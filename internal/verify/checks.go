package verify

import "time"

// checks are all checks. Its methods are the events of a run: each calls the
// checks that look at it, in the order in which they report.
type checks struct {
	consistency consistency
	order       order
	contiguous  contiguous
	agreement   agreement
	duplicate   duplicate
	lostWrite   lostWrite
	futureRead  futureRead
	realTime    realTime
	counters    counters
	dates       dates
	aborted     abortedRead
	garbage     garbageRead
	exactlyOnce exactlyOnce
}

func newChecks(f *facts, found *findings) *checks {
	k := &checks{counters: counters{last: make(map[int32]counter)}, contiguous: contiguous{senders: make(map[int32]int64)},
		duplicate: duplicate{told: make(map[int64]bool)}}
	for c, check := range k.table() {
		check.prepare(base{facts: f, found: found, check: Check(c)})
	}
	return k
}

// table are the checks in the order of the table.
func (k *checks) table() [numChecks]checker {
	return [numChecks]checker{
		InternalConsistency: &k.consistency,
		Order:               &k.order,
		Contiguous:          &k.contiguous,
		Agreement:           &k.agreement,
		Duplicate:           &k.duplicate,
		LostWrite:           &k.lostWrite,
		FutureRead:          &k.futureRead,
		RealTimeOrder:       &k.realTime,
		Counters:            &k.counters,
		Dates:               &k.dates,
		AbortedRead:         &k.aborted,
		GarbageRead:         &k.garbage,
		ExactlyOnce:         &k.exactlyOnce,
	}
}

// laidOut: it is known where the messages of a server lie that shows no seq.
func (k *checks) laidOut() { k.contiguous.contradictions() }

// window: an answer came.
func (k *checks) window(w *window) {
	k.consistency.window(w)
	k.order.window(w)
	k.futureRead.window(w)
	k.duplicate.window(w)
	k.contiguous.window(w)
	k.lostWrite.window(w)
}

// notOwnSender: an answer shows another sender's message, and must not.
func (k *checks) notOwnSender(w *window) { k.consistency.notOwnSender(w) }

// beginsAt: an answer shows that the log extends down to seq.
func (k *checks) beginsAt(seq int64) { k.contiguous.beginsAt(seq) }

// sighted: an answer shows the message of r at seq; text is its hash.
func (k *checks) sighted(r ref, rec *record, how sighting, seq int64, text uint64) {
	k.aborted.sighted(r, rec, how, seq)
	k.duplicate.sighted(r, rec, how, seq)
	k.contiguous.sighted(r, rec, how, seq)
	k.exactlyOnce.sighted(r, rec, how)
	k.garbage.sighted(r, rec, how, seq, text)
}

// shownAgain: an answer shows a place that an earlier one has shown.
func (k *checks) shownAgain() { k.agreement.saw++ }

// conflict: the answer to r shows e, whose hash is text, where the log holds c …
func (k *checks) conflict(r ref, e *Entry, c *cell, text uint64) {
	k.agreement.conflict(r, e, c, text)
	k.counters.conflict(r, e, c, text)
}

// … and e, now sighted, is another message than c's, or the same one altered.
func (k *checks) overwritten(r ref, e *Entry, c *cell, text uint64, same bool) {
	k.lostWrite.overwritten(r, e, c, same)
	k.garbage.overwritten(e, c, text, same)
}

// skipped: r's window does not show seq, though it must. C is what is known of
// that place, nil if nothing is.
func (k *checks) skipped(r ref, seq int64, c *cell) { k.lostWrite.skipped(r, seq, c) }

// answered: r was answered with seq …
func (k *checks) answered(r ref, rec *record, seq int64) {
	k.duplicate.saw++
	k.realTime.answered(r, rec, seq)
}

// … where the log holds c.
func (k *checks) acknowledged(r ref, seq int64, c *cell) {
	k.duplicate.acknowledged(r, seq, c)
	k.lostWrite.acknowledged(r, seq, c)
}

// sentAfterwards: r is sent, and an earlier answer has shown its message, in c.
func (k *checks) sentAfterwards(r ref, rec *record, c *cell) {
	k.garbage.compare(r, rec, rec.seq, c.text)
	k.futureRead.sentAfterwards(rec, c)
}

// returned: op ended, and if it was answered, its window is in the log.
func (k *checks) returned(op *Operation, r ref, rec *record) {
	k.aborted.returned(op, r, rec)
	k.exactlyOnce.returned(op, r, rec)
}

// along: the second walk is at seq, which holds c. rec is the operation that
// sent its message, nil if that is not ours or forgotten.
func (k *checks) along(seq int64, c *cell, rec *record) {
	k.contiguous.along(seq, c)
	k.counters.along(seq, c)
	k.dates.along(seq, c, rec)
	k.futureRead.along(seq, c, rec)
	k.realTime.along(seq, c, rec)
}

// ended: the run is over, and the second walk too. Calls are of the operations
// that may be in places that no answer shows, ascending.
func (k *checks) ended(calls []time.Duration) {
	k.garbage.neverSent()
	k.contiguous.fillHoles(calls)
	k.contiguous.oneSender()
}

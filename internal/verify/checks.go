package verify

// checks are all checks. Its methods are what happens to a run, and say which
// checks look at it, in the order in which they report.
type checks struct {
	consistency consistency
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
	b := base{facts: f, found: found}
	return &checks{
		consistency{b}, contiguous{base: b}, agreement{b}, duplicate{b}, lostWrite{b}, futureRead{b}, realTime{b},
		counters{base: b, last: make(map[int32]counter)}, dates{b}, abortedRead{b}, garbageRead{b}, exactlyOnce{b},
	}
}

// table are the checks in the order of the table.
func (k *checks) table() [numChecks]checker {
	return [numChecks]checker{
		InternalConsistency: &k.consistency,
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

// window: an answer has come.
func (k *checks) window(w *window) {
	k.consistency.window(w)
	k.futureRead.window(w)
	k.contiguous.window(w)
	k.lostWrite.window(w)
}

// beginsAt: the log turns out to go down to seq at least.
func (k *checks) beginsAt(seq int64) { k.contiguous.beginsAt(seq) }

// sighted: the message of operation r is seen at seq, with that hash of sender and text.
func (k *checks) sighted(r ref, rec *record, how sighting, seq int64, text uint64) {
	k.aborted.sighted(r, rec, how, seq)
	k.duplicate.sighted(r, rec, how, seq)
	k.contiguous.sighted(r, rec, how, seq)
	k.exactlyOnce.sighted(r, rec, how)
	k.garbage.sighted(r, rec, how, seq, text)
}

// shownAgain: an answer shows what an earlier one has shown.
func (k *checks) shownAgain() { k.agreement.saw++ }

// conflict: the answer to r shows e where the log holds c …
func (k *checks) conflict(r ref, e *Entry, c *cell, text uint64) {
	k.agreement.conflict(r, e, c, text)
	k.counters.conflict(r, e, c, text)
}

// … and e, once that has been sighted, is another message than c's or the same.
func (k *checks) overwritten(r ref, e *Entry, c *cell, text uint64, same bool) {
	k.lostWrite.overwritten(r, e, c, same)
	k.garbage.overwritten(e, c, text, same)
}

// skipped: r's window does not show seq, where it must, and c may be there.
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

// sentAfterwards: r is sent, and its message has been shown in c before.
func (k *checks) sentAfterwards(r ref, rec *record, c *cell) {
	k.garbage.compare(r, rec, rec.seq, c.text)
	k.futureRead.sentAfterwards(rec, c)
}

// returned: op has ended, and if it was answered, its window is in the log.
func (k *checks) returned(op *Operation, r ref, rec *record) {
	k.aborted.returned(op, r, rec)
	k.exactlyOnce.returned(op, r, rec)
}

// along: the second walk is at seq, which holds c, the message of rec; that is
// nil if it is not ours, or forgotten.
func (k *checks) along(seq int64, c *cell, rec *record) {
	k.counters.along(seq, c, rec)
	k.dates.along(seq, c, rec)
	k.futureRead.along(seq, c, rec)
	k.realTime.along(seq, c, rec)
}

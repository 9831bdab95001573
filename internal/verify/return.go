package verify

import (
	"slices"
	"time"
)

// A tally counts what has returned so far.
type tally struct {
	sent, ok, failed, unknown, stored, sentinels int64

	perReplica map[int]int64 // answered, without sentinels
	perSender  map[int32]int64

	overlaps            int64 // operations that were under way at the same time as another
	latestCall, latest  time.Duration
	windows             int64
	crossChecked        int64 // entries shown before by another answer
	expected            int64 // places in windows where an older message had to be
	compared            int64 // messages compared with what was sent
	repeated            int64 // tried again, or replayed
	returns             int64
	firstViolation      *Violation
	others, neighbours  int64
	ordered, counted    int64
	dated, acknowledged int64
	sentinelCall        time.Duration // of the answered sentinel with the highest seq
	sentinelSeq         int64
	unexplained         int64 // places that nobody saw and that others may have filled
}

// sent notes that op was on its way, when Call or Return is first to tell.
func (v *Verifier) sent(op *Operation, r ref, w *worker, rec *record, text uint64) {
	rec.flags |= sent
	rec.text, rec.call, rec.sender = text, op.Call, v.senderIndex(op.Sender)
	if op.Sentinel {
		rec.flags |= sentinel
	}
	w.last = max(w.last, r.number)
	if rec.seq == 0 {
		return
	}
	// Somebody has seen it already. In a stored history that is how it must
	// be; in a live run the walk tells it from a future read by the times.
	delete(v.unsent, r)
	if c := v.log.peek(rec.seq); c.is(seen) && c.owner == r {
		v.compare(r, rec, rec.seq, c.text)
		if rec.seq <= v.walk.done {
			v.notSentYet(rec.seq, c, rec)
		}
	}
}

// judge checks a returned operation against all that is known.
func (v *Verifier) judge(op *Operation) {
	r := op.ref()
	w := v.worker(r.worker)
	if w.hasForgotten(r.number) {
		return
	}
	rec := w.ops.at(int64(r.number))
	if rec.is(returned) {
		return
	}
	if !rec.is(sent) {
		v.sent(op, r, w, rec, v.hash(op.Sender, op.Text))
	}
	rec.call, rec.ret, rec.replica, rec.outcome = op.Call, op.Return, int16(op.Replica), op.Outcome
	rec.flags |= returned
	if !w.told { // a stored history
		rec.floor = max(v.floor, v.acks.before(op.Call).seq)
	}
	w.inFlight = false
	v.count(op, rec)

	switch op.Outcome {
	case OK:
		v.merge(op, r, rec)
	case Failed:
		if rec.seq != 0 {
			v.aborted(r, rec.seq)
		}
	case Unknown:
		if rec.seq != 0 {
			v.settledAsStored(rec)
		}
	}
	v.once(op, r, rec)

	if v.tally.returns++; v.tally.returns%sweepEvery == 0 {
		v.sweep()
	}
}

func (v *Verifier) count(op *Operation, rec *record) {
	t := &v.tally
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
	if t.sent > 1 && op.Call < t.latest && t.latestCall < op.Return {
		t.overlaps++
	}
	if op.Return >= t.latest {
		t.latestCall, t.latest = op.Call, op.Return
	}
}

// settledAsStored counts an unknown operation whose message has been seen.
func (v *Verifier) settledAsStored(rec *record) {
	if !rec.is(sentinel) {
		v.tally.stored++
	}
}

// once is the check "exactly once", as far as the operation itself shows it.
func (v *Verifier) once(op *Operation, r ref, rec *record) {
	if op.Tries > 1 || op.Replay != nil {
		v.tally.repeated++
		rec.flags |= retried
	}
	if rec.is(retried) && rec.again != 0 {
		v.twice(r, rec)
	}
	if op.Replay == nil || op.Outcome != OK {
		return
	}
	if !slices.EqualFunc(op.Window, op.Replay, func(a, b *Entry) bool { return a == b || *a == *b }) {
		v.report(Violation{
			Check: ExactlyOnce, Anomaly: "replay differs", Seq: rec.seq, Size: 1,
			Why: say("the request was repeated with its idempotency key and got another answer than at first: %s at first, then %s", span(op.Window), span(op.Replay)),
		}, r)
	}
}

// span says in short which places a window shows.
func span(w []*Entry) Sentence {
	switch {
	case len(w) == 0:
		return say("nothing")
	case len(w) == 1:
		return say("seq %d", w[0].Seq)
	}
	return say("seq %d to %d", w[0].Seq, w[len(w)-1].Seq)
}

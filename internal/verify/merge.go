package verify

import "slices"

// merge is the first walk: it checks one answer by itself and against the log
// that all answers so far have built, and adds it to that.
func (v *Verifier) merge(op *Operation, r ref, rec *record) {
	if v.cfg.AnyStart && beginsAtZero(op.Window) {
		// Places are counted from 1: message 0 is left out of account.
		v.walk.fromZero = true
		rest := *op
		rest.Window = op.Window[1:]
		op = &rest
		if len(op.Window) == 0 {
			return
		}
	}
	v.merging = op
	defer func() { v.merging = nil }()
	v.tally.windows++
	own := v.ownPlace(op, r)
	expected := int64(len(op.Window)) - 1
	if own >= 0 {
		expected = max(expected, v.mustHold(op.Window[own].Seq)-1)
	}
	v.tally.expected += max(0, expected)
	whole := v.windowAlone(op, r, own)

	for i, e := range op.Window {
		v.show(op, r, e, i == own)
	}
	if own < 0 {
		return
	}
	if !whole {
		v.remember(op, r)
		v.missing(op, r, op.Window[own].Seq)
	}
	v.acknowledge(op, r, rec, op.Window[own].Seq)
}

// beginsAtZero tells whether w shows that its server numbers messages from 0.
func beginsAtZero(w []*Entry) bool {
	return len(w) > 0 && w[0].Seq == 0 && (len(w) == 1 || w[1].Seq == 1)
}

// ownPlace is the index of op's own message in its window, -1 if it is not there.
func (v *Verifier) ownPlace(op *Operation, r ref) int {
	last := len(op.Window) - 1
	if last < 0 || v.cfg.Missing.Has(Text) || op.Window[last].Text == op.Text {
		return last
	}
	for i := last; i >= 0; i-- {
		if n, ok := v.nonce(op.Window[i].Text); ok && n == r {
			return i
		}
	}
	return -1
}

// windowAlone makes the checks that need one answer only: internal
// consistency, contiguous windows, future read. It tells whether the window is
// exactly the places that it must show.
func (v *Verifier) windowAlone(op *Operation, r ref, own int) (whole bool) {
	w := op.Window
	if own < 0 {
		v.notInWindow(op, r)
		v.remember(op, r)
		return false
	}
	whole = true
	v.ownFields(op, r, w[own])
	if after := len(w) - 1 - own; after > 0 {
		whole = false
		v.shownAfterOwn(op, r, w[own].Seq, after)
	}
	skipped, disorder := int64(0), 0
	for i := 1; i < len(w); i++ {
		switch step := w[i].Seq - w[i-1].Seq; {
		case step > 1:
			skipped += step - 1
		case step < 1:
			disorder++
		}
	}
	must := v.mustHold(w[own].Seq)
	switch n := int64(len(w)); {
	case disorder > 0:
		v.outOfOrder(r, w[own].Seq, disorder)
	case skipped > 0:
		v.gapInWindow(r, w[own].Seq, skipped)
	case n > int64(v.cfg.WindowSize):
		v.tooLong(r, w[own].Seq, n)
	case n < must && own == len(w)-1 && v.mayBegin(r, w[0].Seq, w[own].Seq):
		return whole
	case n < must && own == len(w)-1:
		v.tooShort(r, w[own].Seq, n, must)
	default:
		return whole
	}
	return false
}

// mustHold is how many messages a window must hold that ends at seq.
func (v *Verifier) mustHold(seq int64) int64 {
	return max(0, min(int64(v.cfg.WindowSize), seq-v.bottom+1))
}

// A beginning is a window that is right only if the log begins where it does.
type beginning struct {
	r          ref
	first, seq int64 // where it begins and ends
}

// mayBegin tells whether the log may begin at first, where r's window does. If
// an answer yet to come shows what lies below, begunAbove takes it back.
func (v *Verifier) mayBegin(r ref, first, seq int64) bool {
	if !v.cfg.AnyStart || v.lowest != 0 && v.lowest < first {
		return false
	}
	v.beginnings = append(v.beginnings, beginning{r, first, seq})
	return true
}

// begunAbove reports the windows that seemed to begin the log, now that seq,
// which lies below, turns out to be in it.
func (v *Verifier) begunAbove(seq int64) {
	v.beginnings = slices.DeleteFunc(v.beginnings, func(b beginning) bool {
		if b.first <= seq {
			return false
		}
		v.tooShort(b.r, b.seq, b.seq-b.first+1, v.mustHold(b.seq))
		return true
	})
}

// show adds one entry of an answer to the log, or compares it with what is
// known of its place.
func (v *Verifier) show(op *Operation, r ref, e *Entry, own bool) {
	if e.Seq < 1 || e.Seq > maxSeq || e.Seq < v.walk.base {
		return // reported by ownFields or as out of order; or behind the horizon and forgotten
	}
	c := v.log.at(e.Seq)
	slot := &v.recent[e.Seq%recentSize]
	same := true // message, whatever is shown of it
	switch {
	case !c.is(seen):
		v.fill(c, op, r, e, own)
		*slot = e
		return
	case *slot == e:
	default:
		text := v.hash(e.Sender, e.Text)
		sender := v.senderOf(e, c.sender)
		same = text == c.text
		if text != c.text || sender != c.sender || e.SenderCount != c.count || e.SentAt != c.sentAt {
			v.disagree(op, r, e, c, text, own)
		}
		if *slot == nil || (*slot).Seq < e.Seq {
			*slot = e
		}
	}
	v.tally.crossChecked++
	if same && op.Return < c.first {
		c.first, c.shown = op.Return, r
	}
}

// fill is show for a place that nobody has shown before.
func (v *Verifier) fill(c *cell, op *Operation, r ref, e *Entry, own bool) {
	*c = cell{
		text: v.hash(e.Sender, e.Text), sentAt: e.SentAt, count: e.SenderCount, sender: v.senderOf(e, -1),
		first: op.Return, shown: r, flags: seen,
	}
	if v.lowest == 0 || e.Seq < v.lowest {
		v.lowest = e.Seq
		v.begunAbove(e.Seq)
	}
	if n, ok := v.nonce(e.Text); ok {
		v.claim(c, n, e.Seq, c.text)
	} else if own {
		v.claim(c, r, e.Seq, c.text)
	}
}

// senderOf is the index of e's sender, unknown where answers do not show it.
func (v *Verifier) senderOf(e *Entry, unknown int32) int32 {
	if v.cfg.Missing.Has(Sender) {
		return unknown
	}
	return v.senderIndex(e.Sender)
}

// claim notes that the message in c is that of our operation r.
func (v *Verifier) claim(c *cell, r ref, seq int64, text uint64) {
	c.owner, c.flags = r, c.flags|ours
	v.sight(r, seq, text)
}

// sight notes that the message of our operation r was seen at seq, and makes
// the checks duplicate, aborted read and garbage read.
func (v *Verifier) sight(r ref, seq int64, text uint64) {
	rec := v.find(r)
	if !rec.is(sent) {
		v.unsent[r] = seq
	}
	switch {
	case rec.is(forgotten):
		if rec.outcome == Failed {
			v.aborted(r, seq)
		} else {
			v.duplicated(r, rec, seq)
		}
		return
	case rec.seq == 0:
		rec.seq = seq
		if rec.is(returned) {
			switch rec.outcome {
			case Failed:
				v.aborted(r, seq)
			case Unknown:
				v.settledAsStored(rec)
			}
		}
	case rec.seq != seq && v.positions != nil && !v.positions.isDouble(r):
		v.outOfJoint(r, rec, seq)
		return
	case rec.seq != seq && rec.again != seq:
		rec.again = seq
		v.duplicated(r, rec, seq)
		if rec.is(retried) {
			v.twice(r, rec)
		}
	default:
		return
	}
	if rec.is(sent) {
		v.compare(r, rec, seq, text)
	}
}

// disagree is what follows when op shows another message in c's place than an
// earlier answer did.
func (v *Verifier) disagree(op *Operation, r ref, e *Entry, c *cell, text uint64, own bool) {
	v.remember(op, r)
	v.contradicts(r, e, c)
	n, ok := v.nonce(e.Text)
	if !ok && own {
		n, ok = r, true
	}
	if ok && !(c.is(ours) && c.owner == n) {
		v.sight(n, e.Seq, text)
	}
	if c.is(acked) && !(ok && n == c.owner) {
		v.lost(c.owner, e.Seq, r)
	}
	if ok && c.is(ours) && c.owner == n {
		if rec := v.find(n); rec.is(sent) && !rec.is(forgotten) && text != c.text {
			v.compare(n, rec, e.Seq, text)
		}
	}
}

// acknowledge notes that op's own message is at seq.
func (v *Verifier) acknowledge(op *Operation, r ref, rec *record, seq int64) {
	if seq < 1 || seq > maxSeq {
		return
	}
	v.tally.acknowledged++
	if op.Sentinel && seq > v.tally.sentinelSeq {
		v.tally.sentinelSeq, v.tally.sentinelCall = seq, op.Call
	}
	v.acks.add(step{op.Return, seq, r})
	if v.positions != nil {
		v.positions.acksAt(v.bottom).add(step{op.Return, seq, r})
	}
	if seq <= v.walk.done {
		v.behindHorizon(r, rec, seq)
		if seq < v.walk.base {
			return
		}
	}
	c := v.log.at(seq)
	if !c.is(ours) && v.cfg.Missing.Has(Text) { // only its own answer tells whose it is
		v.claim(c, r, seq, c.text)
	}
	switch {
	case c.is(ours) && c.owner == r:
		c.flags |= acked
	case c.is(acked) && v.positions != nil: // that the windows do not fit together has been reported
	case c.is(acked):
		v.ackedTwice(seq, c.owner, r)
	default:
		// An answer has shown another message here, so it lacks this one.
		v.lost(r, seq, c.shown)
	}
	if witness, ok := v.absent[seq]; ok {
		v.lost(r, seq, witness)
	}
}

// maxSeq keeps arithmetic on seqs from overflowing; even nanoseconds since 1970
// are below it.
const maxSeq = 1 << 62

// missing looks for acknowledged messages among those that op's window, with
// the own message at seq, should have shown and has not. A window that goes on
// after the own message may begin later too.
func (v *Verifier) missing(op *Operation, r ref, seq int64) {
	end := max(seq, op.Window[len(op.Window)-1].Seq)
	if end > maxSeq {
		return
	}
	for s := max(v.bottom, v.walk.base, end-int64(v.cfg.WindowSize)+1); s < seq; s++ {
		shown := false
		for _, e := range op.Window {
			shown = shown || e.Seq == s
		}
		if shown {
			continue
		}
		if c := v.log.peek(s); c.is(acked) {
			v.lost(c.owner, s, r)
		} else if _, ok := v.absent[s]; !ok {
			v.absent[s] = r
		}
	}
}

// remember keeps op's window as evidence, since it cannot be read back from
// the log.
func (v *Verifier) remember(op *Operation, r ref) {
	if _, ok := v.odd[r]; ok || len(v.odd) >= maxOdd {
		return
	}
	v.odd[r] = entries(op.Window)
}

const maxOdd = 1024

// find returns the record of r, a new one if nothing is known of it.
func (v *Verifier) find(r ref) *record {
	w := v.worker(r.worker)
	if w.hasForgotten(r.number) {
		if rec := v.open[r]; rec != nil {
			return rec
		}
		return &record{outcome: w.outcomeOf(r.number), flags: sent | returned | forgotten}
	}
	return w.ops.at(int64(r.number))
}

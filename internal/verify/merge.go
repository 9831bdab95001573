package verify

// A merger makes the first walk: it takes one operation after the other as it
// is called and returns, merges its window into the log, and tells the checks
// what that shows.
type merger struct {
	*facts
	found  *findings
	checks *checks
	tally  *tally
}

// call takes an operation that is about to be sent. Text is its hash.
func (m *merger) call(op *Operation, text uint64) {
	r := op.ref()
	if rec := m.ops.called(r, m.acks.head); !rec.is(sent) {
		m.send(op, r, rec, text)
	}
}

func (m *merger) send(op *Operation, r ref, rec *record, text uint64) {
	m.ops.sent(op, r, rec, text, m.texts.sender(op.Sender))
	if rec.seq == 0 {
		return
	}
	// An answer has shown it already. In a stored history that is normal; in a
	// live run the walk compares the times, since it may be a future read.
	if c := m.log.cells.peek(rec.seq); c.is(seen) && c.owner == r {
		m.checks.sentAfterwards(r, rec, c)
	}
}

// take takes a returned operation, whose window can show places from bottom on.
// It reports whether the operation had not returned before.
func (m *merger) take(op *Operation, bottom int64) bool {
	r := op.ref()
	if m.ops.hasReturned(r) {
		return false
	}
	rec := m.ops.find(r)
	if !rec.is(sent) {
		m.send(op, r, rec, m.texts.hash(op.Sender, op.Text))
	}
	if live := m.ops.returned(op, r, rec); !live {
		rec.floor = m.acks.floorOf(op.Call)
	}
	m.tally.count(op, rec)
	switch {
	case op.Outcome == OK:
		m.merge(op, r, rec, bottom)
	case rec.seq != 0:
		m.tally.settle(rec)
	}
	if op.Tries > 1 || op.Replay != nil {
		rec.flags |= retried
	}
	m.checks.returned(op, r, rec)
	return true
}

// merge checks an answer by itself, compares it with the log that all answers so
// far have built, and adds it to that.
func (m *merger) merge(op *Operation, r ref, rec *record, bottom int64) {
	if m.cfg.AnyStart && beginsAtZero(op.Window) {
		// Places are counted from 1: message 0 is left out of account.
		m.log.fromZero = true
		rest := *op
		rest.Window = op.Window[1:]
		op = &rest
		if len(op.Window) == 0 {
			return
		}
	}
	m.found.merging = op
	defer func() { m.found.merging = nil }()
	w := &window{op: op, ref: r, rec: rec, bottom: bottom}
	w.read(m.facts)
	m.checks.window(w)
	for i, e := range op.Window {
		m.show(w, e, i == w.own)
	}
	if !w.whole {
		m.found.remember(op, r)
	}
	if w.own < 0 {
		return
	}
	if !w.whole {
		m.skipped(w)
	}
	m.acknowledge(w)
}

// show adds one entry of an answer to the log, or compares it with what is
// known of its place.
func (m *merger) show(w *window, e *Entry, own bool) {
	if !isPlace(e.Seq) || e.Seq < m.log.base {
		return // reported as altered or as out of order; or behind the horizon and forgotten
	}
	c := m.log.cells.at(e.Seq)
	how, text := m.log.compare(c, e)
	if how == fresh {
		m.fill(w, e, c, text, own)
		return
	}
	if how == conflicts {
		m.conflict(w, e, c, text, own)
	}
	m.checks.shownAgain()
	m.log.showAgain(c, e, text, w.ref, w.op.Return)
}

// fill is show for a place that no answer has shown before.
func (m *merger) fill(w *window, e *Entry, c *cell, text uint64, own bool) {
	if m.log.fill(c, e, text, w.ref, w.op.Return) {
		m.checks.beginsAt(e.Seq)
	}
	if r, ok := m.writer(w, e, own); ok {
		m.claim(c, r, e.Seq)
	}
}

// writer returns our operation that sent e, as far as that can be told.
func (m *merger) writer(w *window, e *Entry, own bool) (r ref, ok bool) {
	if r, ok = m.texts.nonce(e.Text); !ok && own {
		return w.ref, true
	}
	return r, ok
}

// claim notes that the message in c is that of our operation r.
func (m *merger) claim(c *cell, r ref, seq int64) {
	c.owner, c.flags = r, c.flags|ours
	m.sight(r, seq, c.text)
}

// sight notes that the message of our operation r was seen at seq.
func (m *merger) sight(r ref, seq int64, text uint64) {
	rec, how := m.ops.sight(r, seq, m.layout.mayBeTwice(r))
	if how == seenFirst {
		m.tally.settle(rec)
	}
	m.checks.sighted(r, rec, how, seq, text)
}

// conflict is show for a place where an earlier answer showed something else.
func (m *merger) conflict(w *window, e *Entry, c *cell, text uint64, own bool) {
	m.found.remember(w.op, w.ref)
	m.checks.conflict(w.ref, e, c, text)
	writer, known := m.writer(w, e, own)
	if known && !(c.is(ours) && c.owner == writer) {
		m.sight(writer, e.Seq, text)
	}
	m.checks.overwritten(w.ref, e, c, text, known && c.owner == writer)
}

// skipped looks at the places that the window should show and does not. A window
// that goes on after the own message may begin later too.
func (m *merger) skipped(w *window) {
	end := w.end()
	if end > maxSeq {
		return
	}
	for s := max(w.bottom, m.log.base, end-int64(m.cfg.WindowSize)+1); s < w.seq; s++ {
		if w.shows(s) {
			continue
		}
		c := m.log.cells.peek(s)
		m.checks.skipped(w.ref, s, c)
		if _, ok := m.log.absent[s]; !ok && !c.is(acked) {
			m.log.absent[s] = w.ref
		}
	}
}

// acknowledge notes where the own message is.
func (m *merger) acknowledge(w *window) {
	if !isPlace(w.seq) {
		return
	}
	m.acks.acknowledge(w.op, w.ref, w.seq, w.bottom)
	m.checks.answered(w.ref, w.rec, w.seq)
	if w.seq < m.log.base {
		return
	}
	c := m.log.cells.at(w.seq)
	if !c.is(ours) && m.cfg.Missing.Has(Text) { // only its own answer shows whose it is
		m.claim(c, w.ref, w.seq)
	}
	if c.is(ours) && c.owner == w.ref {
		c.flags |= acked
	}
	m.checks.acknowledged(w.ref, w.seq, c)
}

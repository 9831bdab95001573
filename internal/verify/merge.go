package verify

// A judge makes both walks, and has the checks look at what they show. The first
// walk takes one operation after the other as it is called and returns, and
// merges its window into the log.
type judge struct {
	*facts
	found   *findings
	checks  *checks
	returns int64 // how many operations have returned
}

// call takes an operation that is about to be sent. Text is its hash.
func (j *judge) call(op *Operation, text uint64) {
	r := op.ref()
	if rec := j.ops.called(r, j.acks.head); !rec.is(sent) {
		j.send(op, r, rec, text)
	}
}

func (j *judge) send(op *Operation, r ref, rec *record, text uint64) {
	j.ops.sent(op, r, rec, text, j.texts.sender(op.Sender))
	if rec.seq == 0 {
		return
	}
	// An answer has shown it already. In a stored history that is normal; in a
	// live run the walk compares the times, since it may be a future read.
	if c := j.log.cells.peek(rec.seq); c.is(seen) && c.owner == r {
		j.checks.sentAfterwards(r, rec, c)
	}
}

// accept takes a returned operation, whose window can show places from bottom on.
// It reports whether the operation had not returned before.
func (j *judge) accept(op *Operation, bottom int64) bool {
	r := op.ref()
	if j.ops.hasReturned(r) {
		return false
	}
	rec := j.ops.find(r)
	if !rec.is(sent) {
		j.send(op, r, rec, j.texts.hash(op.Sender, op.Text))
	}
	if live := j.ops.returned(op, r, rec); !live {
		rec.floor = j.acks.floorOf(op.Call)
	}
	j.tally.count(op, rec)
	switch {
	case op.Outcome == OK:
		j.merge(op, r, rec, bottom)
	case rec.seq != 0:
		j.tally.settle(rec)
	}
	if op.Tries > 1 || op.Replay != nil {
		rec.flags |= retried
	}
	j.checks.returned(op, r, rec)
	return true
}

// merge checks an answer by itself, compares it with the log that all answers so
// far have built, and adds it to that.
func (j *judge) merge(op *Operation, r ref, rec *record, bottom int64) {
	if j.cfg.AnyStart && beginsAtZero(op.Window) {
		// Places are counted from 1: message 0 is left out of account.
		j.log.fromZero = true
		rest := *op
		rest.Window = op.Window[1:]
		op = &rest
		if len(op.Window) == 0 {
			return
		}
	}
	j.found.merging = op
	defer func() { j.found.merging = nil }()
	w := &window{op: op, ref: r, rec: rec, bottom: bottom}
	w.read(j.facts)
	if w.own >= 0 && !j.found.mixed {
		j.senders(w)
	}
	j.checks.window(w)
	for i, e := range op.Window {
		j.show(w, e, i == w.own)
	}
	if !w.whole {
		j.found.remember(op, r)
	}
	if w.own < 0 {
		return
	}
	if !w.whole {
		j.skipped(w)
	}
	j.acknowledge(w)
}

// senders looks whose messages the window holds, as long as no answer has held several
// senders'.
func (j *judge) senders(w *window) {
	switch w.oneSender = j.isOfOneSender(w); {
	case w.oneSender:
	case j.cfg.OwnSender:
		j.checks.notOwnSender(w)
	default:
		j.found.mix()
	}
}

// show adds one entry of an answer to the log, or compares it with what is
// known of its place.
func (j *judge) show(w *window, e *Entry, own bool) {
	if !isPlace(e.Seq) || e.Seq < j.log.base {
		return // reported as altered or as out of order; or behind the horizon and forgotten
	}
	c := j.log.cells.at(e.Seq)
	if !c.is(seen) {
		j.fill(w, e, c, own)
		return
	}
	agrees, text := j.log.compare(c, e)
	if !agrees {
		j.conflict(w, e, c, text, own)
	}
	j.checks.shownAgain()
	j.log.showAgain(c, e, text, w.ref, w.op.Return)
}

// fill is show for a place that no answer has shown before.
func (j *judge) fill(w *window, e *Entry, c *cell, own bool) {
	if j.log.fill(c, e, w.ref, w.op.Return) {
		j.checks.beginsAt(e.Seq)
	}
	if r, ok := j.writer(w, e, own); ok {
		j.claim(c, r, e.Seq)
	}
}

// writer returns our operation that sent e, as far as that can be told.
func (j *judge) writer(w *window, e *Entry, own bool) (r ref, ok bool) {
	if r, ok = j.texts.nonce(e.Text); !ok && own {
		return w.ref, true
	}
	return r, ok
}

// claim notes that the message in c is that of our operation r.
func (j *judge) claim(c *cell, r ref, seq int64) {
	c.owner, c.flags = r, c.flags|ours
	j.sight(r, seq, c.text)
}

// sight notes that the message of our operation r was seen at seq.
func (j *judge) sight(r ref, seq int64, text uint64) sighting {
	rec, how := j.ops.sight(r, seq, j.layout.mayBeTwice(r))
	if how == seenFirst {
		j.tally.settle(rec)
	}
	j.checks.sighted(r, rec, how, seq, text)
	return how
}

// conflict is show for a place where an earlier answer showed something else.
func (j *judge) conflict(w *window, e *Entry, c *cell, text uint64, own bool) {
	j.found.remember(w.op, w.ref)
	j.checks.conflict(w.ref, e, c, text)
	writer, known := j.writer(w, e, own)
	if known && !(c.is(ours) && c.owner == writer) {
		if j.sight(writer, e.Seq, text) == seenFirst {
			j.hidden++
		}
	}
	j.checks.overwritten(w.ref, e, c, text, known && c.owner == writer)
}

// skipped looks at the places that the window should show and does not. A window
// that goes on after the own message may begin later too.
func (j *judge) skipped(w *window) {
	end := w.end()
	if end > maxSeq {
		return
	}
	if !j.cfg.Gapless {
		places := w.places()
		for i, place := range places[1:] {
			if below := places[i]; place > below+1 && isPlace(below) {
				j.log.skip(place, skip{below, w.ref})
			}
		}
	}
	for s := max(w.bottom, j.log.base, end-int64(j.cfg.WindowSize)+1); s < w.seq; s++ {
		if w.shows(s) {
			continue
		}
		c := j.log.cells.peek(s)
		j.checks.skipped(w.ref, s, c)
		if _, ok := j.log.absent[s]; !ok && !c.is(acked) {
			j.log.absent[s] = w.ref
		}
	}
}

// acknowledge notes where the own message is.
func (j *judge) acknowledge(w *window) {
	if !isPlace(w.seq) {
		return
	}
	j.acks.acknowledge(w.op, w.ref, w.seq, w.bottom)
	if j.cfg.OwnCount {
		j.ownCounts[w.ref] = w.op.Count
	}
	j.checks.answered(w.ref, w.rec, w.seq)
	if w.seq < j.log.base {
		return
	}
	c := j.log.cells.at(w.seq)
	if !c.is(ours) && j.cfg.Missing.Has(Text) { // only its own answer shows whose it is
		j.claim(c, w.ref, w.seq)
	}
	if c.is(ours) && c.owner == w.ref {
		c.flags |= acked
	}
	j.checks.acknowledged(w.ref, w.seq, c)
}

package verify

// The checks that one answer, or two, can break; each is found by the first
// walk. Together with checks_log.go this is the table of checks.

// Internal consistency: a window ends in the own message, with its fields as
// they were sent.

func (v *Verifier) notInWindow(op *Operation, r ref) {
	why := say("the answer does not show the message that it answers")
	seq := int64(0)
	if len(op.Window) == 0 {
		why = say("the request was answered as stored, with no message in the answer")
	} else {
		seq = op.Window[len(op.Window)-1].Seq
	}
	v.report(Violation{Check: InternalConsistency, Anomaly: "own message missing", Seq: seq, Size: 3, Why: why}, r)
}

func (v *Verifier) ownFields(op *Operation, r ref, own *Entry) {
	missing := v.cfg.Missing
	var wrong []Sentence
	if !missing.Has(Sender) && own.Sender != op.Sender {
		wrong = append(wrong, say("sender was sent as %q and shown as %q", op.Sender, own.Sender))
	}
	if !missing.Has(Text) && own.Text != op.Text {
		wrong = append(wrong, say("text was sent as %q and shown as %q", op.Text, own.Text))
	}
	if own.Seq < 1 || own.Seq > maxSeq {
		wrong = append(wrong, say("seq is %d, which is no place in a log", own.Seq))
	}
	if wrong != nil {
		v.report(Violation{
			Check: InternalConsistency, Anomaly: "own fields altered", Seq: own.Seq, Size: 1,
			Why: say("the answer shows the own message otherwise than it was sent: %s", list(wrong)),
		}, r)
		v.remember(op, r)
	}
}

// Future read: a window holds nothing after the own message …

func (v *Verifier) shownAfterOwn(op *Operation, r ref, seq int64, after int) {
	last := op.Window[len(op.Window)-1]
	v.report(Violation{
		Check: InternalConsistency, Anomaly: "own message not last", Seq: seq, Size: 2,
		Why: say("the answer must end in the message that it answers, and does not"),
	}, r)
	refs := []ref{r}
	if n, ok := v.nonce(last.Text); ok && n != r {
		refs = append(refs, n)
	}
	v.report(Violation{
		Check: FutureRead, Anomaly: "future read", Seq: last.Seq, Size: int64(after),
		Why: say("the answer to the message at seq %d shows %s after it, up to seq %d: the window was read later than the message was stored", seq, Quantity{int64(after), "message"}, last.Seq),
	}, refs...)
}

// … and nothing whose request had not been sent yet.

func (v *Verifier) notSentYet(seq int64, c *cell, rec *record) {
	v.report(Violation{
		Check: FutureRead, Anomaly: "future read", Seq: seq, Size: int64(rec.call - c.first),
		Why: say("the first answer was there before the second request was sent, and shows its message"),
	}, c.shown, c.owner)
}

// Contiguous windows, no gap: exactly the places up to the own one, in order.

func (v *Verifier) gapInWindow(r ref, seq, skipped int64) {
	v.report(Violation{
		Check: Contiguous, Anomaly: "gap", Seq: seq, Size: skipped,
		Why: say("the answer skips %s of the log", Quantity{skipped, "place"}),
	}, r)
}

func (v *Verifier) outOfOrder(r ref, seq int64, disorder int) {
	v.report(Violation{
		Check: Contiguous, Anomaly: "disorder", Seq: seq, Size: int64(disorder),
		Why: say("the seqs in the answer do not rise by one from message to message"),
	}, r)
}

func (v *Verifier) tooLong(r ref, seq, n int64) {
	v.report(Violation{
		Check: Contiguous, Anomaly: "window too long", Seq: seq, Size: n - int64(v.cfg.WindowSize),
		Why: say("the answer holds %d messages, and must hold at most %d", n, v.cfg.WindowSize),
	}, r)
}

func (v *Verifier) tooShort(r ref, seq, n, must int64) {
	v.report(Violation{
		Check: Contiguous, Anomaly: "gap", Seq: seq, Size: must - n,
		Why: say("the answer ends in seq %d and holds %s, where it must hold %d", seq, Quantity{n, "message"}, must),
	}, r)
}

// Agreement: two answers show the same content at one seq.

func (v *Verifier) contradicts(r ref, e *Entry, c *cell) {
	v.report(Violation{
		Check: Agreement, Anomaly: "disagreement", Seq: e.Seq, Size: 1,
		Why: say("two answers show different content at seq %d: %s", e.Seq, v.difference(e, c)),
	}, c.shown, r)
	if c.count != e.SenderCount && c.sentAt == e.SentAt && c.text == v.hash(e.Sender, e.Text) {
		v.report(Violation{
			Check: Counters, Anomaly: "counter not stored", Seq: e.Seq, Size: 1,
			Why: say("one and the same message, at seq %d, has sender_count %d in one answer and %d in the other: it was counted when answering, not when storing", e.Seq, c.count, e.SenderCount),
		}, c.shown, r)
	}
}

func (v *Verifier) difference(e *Entry, c *cell) Sentence {
	var diff []Sentence
	if c.sender >= 0 && int(c.sender) < len(v.names) && v.names[c.sender] != e.Sender {
		diff = append(diff, say("sender is %q in the one and %q in the other", v.names[c.sender], e.Sender))
	} else if c.text != v.hash(e.Sender, e.Text) {
		diff = append(diff, say("the texts differ"))
	}
	if c.count != e.SenderCount {
		diff = append(diff, say("sender_count is %d in the one and %d in the other", c.count, e.SenderCount))
	}
	if c.sentAt != e.SentAt {
		diff = append(diff, say("sent_at is %s in the one and %s in the other", date(c.sentAt), date(e.SentAt)))
	}
	return list(diff)
}

// Duplicate: one nonce has one seq, and one seq is acknowledged once.

func (v *Verifier) duplicated(r ref, rec *record, seq int64) {
	why := say("one message is in the log twice, at seq %d and at seq %d", rec.seq, seq)
	if rec.is(forgotten) {
		why = say("a message from behind the horizon is in the log again, at seq %d", seq)
	}
	v.report(Violation{Check: Duplicate, Anomaly: "duplicate", Seq: seq, Size: 1, Why: why}, r)
}

func (v *Verifier) ackedTwice(seq int64, first, second ref) {
	v.report(Violation{
		Check: Duplicate, Anomaly: "duplicate seq", Seq: seq, Size: 2,
		Why: say("two messages were acknowledged with the same seq %d", seq),
	}, first, second)
}

// Exactly once: a retried operation is in the log once. That its replayed
// answer is the first one is checked in once.

func (v *Verifier) twice(r ref, rec *record) {
	v.report(Violation{
		Check: ExactlyOnce, Anomaly: "double append", Seq: rec.again, Size: 2,
		Why: say("a request that was repeated with its idempotency key was stored twice, at seq %d and at seq %d", rec.seq, rec.again),
	}, r)
}

// Lost write: what was acknowledged is in every later window that must hold it.

func (v *Verifier) lost(writer ref, seq int64, reader ref) {
	v.report(Violation{
		Check: LostWrite, Anomaly: "lost write", Seq: seq, Size: 1,
		Why: say("the first message was acknowledged at seq %d, and the second answer, whose window covers that place, does not show it", seq),
	}, writer, reader)
}

// Aborted read: what certainly failed is not in the log.

func (v *Verifier) aborted(r ref, seq int64) {
	v.report(Violation{
		Check: AbortedRead, Anomaly: "aborted read", Seq: seq, Size: 1,
		Why: say("the first request was refused as certainly not stored, and the second answer shows its message at seq %d", seq),
	}, v.andWhoShows(r, seq)...)
}

// Garbage read: what is shown was sent, and as it was sent.

func (v *Verifier) compare(r ref, rec *record, seq int64, text uint64) {
	v.tally.compared++
	if text == rec.text || v.cfg.Missing.Has(Text) {
		return
	}
	v.report(Violation{
		Check: GarbageRead, Anomaly: "garbage read", Seq: seq, Size: 1,
		Why: say("the message at seq %d is not what the first request sent: its sender or text was altered", seq),
	}, v.andWhoShows(r, seq)...)
}

func (v *Verifier) neverSent(r ref, seq int64) {
	v.report(Violation{
		Check: GarbageRead, Anomaly: "garbage read", Seq: seq, Size: 2,
		Why: say("an answer shows a message of this run at seq %d that was never sent", seq),
	}, v.andWhoShows(r, seq)...)
}

// andWhoShows is r and the operation whose answer showed the place first, if
// that is another one.
func (v *Verifier) andWhoShows(r ref, seq int64) []ref {
	if c := v.log.peek(seq); c.is(seen) && c.shown != r {
		return []ref{r, c.shown}
	}
	return []ref{r}
}

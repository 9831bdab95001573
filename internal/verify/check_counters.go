package verify

// counters is the check that sender_count runs 1, 2, 3 … per sender, in order of
// seq. It sees each place whose sender is known. A place that no answer shows may
// have held a message of any sender, so a counter may rise by one there.
type counters struct {
	base
	last     map[int32]counter // of each sender
	nameless int64             // places passed whose sender is not known
}

func (k *counters) limits() (notCheckable Sentence, parts []Sentence) {
	notCheckable, parts = k.base.limits()
	if notCheckable.Form == "" && k.cfg.Missing.Has(Sender) && k.tally.others {
		notCheckable = say("the answers show no sender, and others, who wrote to the log too, may have used any")
	}
	parts = append([]Sentence{k.acrossStretches(), k.acrossSeams()}, parts...)
	if k.walk.lowest > 1 {
		parts = append(parts, say("the log was not empty: each sender's counter is checked from its first known value on"))
	}
	return notCheckable, parts
}

// A counter is the last known sender_count of a sender.
type counter struct {
	seq, count int64
	spare      int64 // places passed by then that may have held any sender's message
	owner      ref
	ours       bool
}

func (k *counters) passedBy() Sentence { return k.oneOfSeveral() }

func (k *counters) along(seq int64, c *cell) {
	if k.walk.unordered {
		clear(k.last)
	}
	if k.cfg.Missing.Has(SenderCount) {
		return
	}
	sender := k.senderOf(c)
	count, shown := c.count, true
	if k.cfg.OwnCount {
		count, shown = k.ownCounts[c.owner]
		shown = shown && c.is(ours)
		delete(k.ownCounts, c.owner)
	}
	if sender < 0 || !shown {
		k.nameless++
		return
	}
	k.saw++
	last, known := k.last[sender]
	now := counter{seq, count, k.walk.spare + k.nameless, c.owner, c.is(ours)}
	k.last[sender] = now
	name, next := k.texts.names[sender], last.count+1
	switch {
	case count < 1 && !known:
		k.report("counter below 1", seq, 1-count,
			say("sender %q has sender_count %d at seq %d, and counters begin at 1", name, count, seq), c.witness())
	case !known && k.walk.midLog: // the log was not empty, or may not have been: from the first known value on
	case count < next || count-next > now.spare-last.spare:
		k.outOfStep(name, last, known, now, c.witness())
	}
}

func (k *counters) outOfStep(sender string, last counter, known bool, now counter, witness ref) {
	next := last.count + 1
	anomaly, size := "counter skipped", now.count-next
	if now.count < next {
		anomaly, size = "counter repeated", next-now.count
	}
	why := say("sender %q has sender_count %d at seq %d, and had %d at seq %d, with none in between",
		sender, now.count, now.seq, last.count, last.seq)
	if !known {
		why = say("the first message of sender %q has sender_count %d, at seq %d", sender, now.count, now.seq)
	}
	refs := []ref{witness}
	if last.ours {
		refs = []ref{last.owner, witness}
	}
	k.report(anomaly, now.seq, size, why, refs...)
}

// conflict reports a message whose counter alone is not as it was.
func (k *counters) conflict(r ref, e *Entry, c *cell, text uint64) {
	if c.count == e.SenderCount || c.sentAt != e.SentAt || c.text != text {
		return
	}
	k.report("counter not stored", e.Seq, 1,
		say("one and the same message, at seq %d, has sender_count %d in one answer and %d in the other: "+
			"it was counted when answering, not when storing", e.Seq, c.count, e.SenderCount), c.shown, r)
}

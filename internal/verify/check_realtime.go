package verify

// realTime is the check that what was answered before another request was sent
// has the lower seq. That is all of linearizability that the order by seq leaves
// open. It sees each of our messages in the log.
type realTime struct{ base }

func (k *realTime) passedBy() Sentence { return k.oneOfSeveral() }

// along reports a message of ours at seq that was sent after a higher seq had
// been acknowledged. Stretches of a log are compared as wholes: see
// stretches.contradictions.
func (k *realTime) along(seq int64, c *cell, rec *record) {
	if !rec.is(sent) {
		return
	}
	k.saw++
	if earlier := k.acks.in(k.walk.bottom).before(rec.call); earlier.seq > seq {
		k.inverted(seq, c.owner, rec, earlier.by, earlier.seq)
	}
}

// answered does what along does, for an answer at a place that the second walk
// has passed. A correct server gives no such answer: a higher seq had been
// acknowledged when the request was sent.
func (k *realTime) answered(r ref, rec *record, seq int64) {
	if seq > k.log.walked || rec.floor < seq {
		return
	}
	if above, ok := k.acks.above(seq); ok && above.at < rec.call {
		k.inverted(seq, r, rec, above.by, above.seq)
		return
	}
	if c := k.log.cells.peek(rec.floor); c.is(ours) {
		k.inverted(seq, r, rec, c.owner, rec.floor)
	}
}

// inverted reports that the later operation has the lower seq.
func (k *realTime) inverted(seq int64, later ref, rec *record, earlier ref, earlierSeq int64) {
	// Prefer an earlier operation of the same worker: it shows broken session
	// guarantees.
	for n := later.number - 1; n >= 0 && n >= later.number-8; n-- {
		own := ref{later.worker, n}
		mine := k.ops.find(own)
		if mine.is(returned) && mine.outcome == OK && mine.seq > seq && mine.ret < rec.call {
			earlier, earlierSeq = own, mine.seq
			break
		}
	}
	var session []string
	if earlier.worker == later.worker {
		session = k.sessionGuarantees(seq, earlier, earlierSeq)
	}
	k.found.report(Violation{
		Check: k.check, Anomaly: "real-time inversion", Seq: seq, Size: earlierSeq - seq, Session: session,
		Why: say("the first request had been answered with seq %d before the second was sent, and yet the second got the lower seq %d",
			earlierSeq, seq),
	}, earlier, later)
}

// sessionGuarantees names the session guarantees that a pair of one worker's
// operations breaks (Terry et al., Session Guarantees for Weakly Consistent
// Replicated Data, 1994). Every operation both reads and writes, so one pair
// breaks several.
func (k *realTime) sessionGuarantees(seq int64, earlier ref, earlierSeq int64) []string {
	broken := []string{"monotonic writes", "read your writes"}
	for s := max(seq, earlierSeq-int64(k.cfg.WindowSize)) + 1; s < earlierSeq; s++ {
		if c := k.log.cells.peek(s); c.is(seen) && !(c.is(ours) && c.owner.worker == earlier.worker) {
			// The earlier answer showed somebody's message that the later one
			// does not, and that the later write comes before.
			return append(broken, "monotonic reads", "writes follow reads")
		}
	}
	return broken
}

package verify

// abortedRead is the check that what certainly failed is not in the log. It
// sees each failed request; without texts it cannot recognise their messages.
type abortedRead struct{ base }

func (k *abortedRead) sighted(r ref, rec *record, how sighting, seq int64) {
	if rec.is(returned) && rec.outcome == Failed && (how == seenFirst || how == seenAfterForgotten) {
		k.shown(r, seq)
	}
}

func (k *abortedRead) returned(op *Operation, r ref, rec *record) {
	if op.Outcome != Failed {
		return
	}
	if !op.Sentinel {
		k.saw++
	}
	if rec.seq != 0 {
		k.shown(r, rec.seq)
	}
}

func (k *abortedRead) shown(r ref, seq int64) {
	k.report("aborted read", seq, 1,
		say("the first request was refused as certainly not stored, and the second answer shows its message at seq %d", seq),
		k.senderAndWitness(r, seq)...)
}

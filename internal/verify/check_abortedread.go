package verify

// abortedRead is the check that what certainly failed is not in the log. It
// sees each failed request; without texts it cannot recognise their messages.
type abortedRead struct{ base }

var abortedReadRow = row{"aborted read", "failed request"}

func (k *abortedRead) limits() (Sentence, []Sentence) { return k.unrecognised(), nil }

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
	k.found.report(Violation{
		Check: AbortedRead, Anomaly: "aborted read", Seq: seq, Size: 1,
		Why: say("the first request was refused as certainly not stored, and the second answer shows its message at seq %d", seq),
	}, k.senderAndWitness(r, seq)...)
}

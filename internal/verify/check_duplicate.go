package verify

// duplicate is the check that one message has one seq, and one seq is
// acknowledged once. It sees each acknowledgement. Without texts it cannot tell
// a message that is in the log twice.
type duplicate struct{ base }

var duplicateRow = row{"duplicate", "acknowledged message"}

func (k *duplicate) limits() (Sentence, []Sentence) {
	return Sentence{}, []Sentence{k.withoutText(), k.withoutSeq()}
}

func (k *duplicate) sighted(r ref, rec *record, how sighting, seq int64) {
	var why Sentence
	switch {
	case how == seenTwice:
		why = say("one message is in the log twice, at seq %d and at seq %d", rec.seq, seq)
	case how == seenAfterForgotten && rec.outcome != Failed:
		why = say("a message from behind the horizon is in the log again, at seq %d", seq)
	default:
		return
	}
	k.found.report(Violation{Check: Duplicate, Anomaly: "duplicate", Seq: seq, Size: 1, Why: why}, r)
}

func (k *duplicate) acknowledged(r ref, seq int64, c *cell) {
	if !c.is(acked) || c.owner == r || k.layout.inferred { // that windows do not fit together has been reported
		return
	}
	k.found.report(Violation{
		Check: Duplicate, Anomaly: "duplicate seq", Seq: seq, Size: 2,
		Why: say("two messages were acknowledged with the same seq %d", seq),
	}, c.owner, r)
}

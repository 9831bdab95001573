package verify

import "slices"

// exactlyOnce is the check that a request sent again with its idempotency key
// is in the log once and gets the first answer again. It sees each request that
// was sent again.
type exactlyOnce struct{ base }

func (k *exactlyOnce) sighted(r ref, rec *record, how sighting) {
	if how == seenTwice && rec.is(retried) {
		k.twice(r, rec)
	}
}

func (k *exactlyOnce) returned(op *Operation, r ref, rec *record) {
	if !rec.is(retried) {
		return
	}
	k.saw++
	if rec.secondSeq != 0 {
		k.twice(r, rec)
	}
	if op.Replay == nil || op.Outcome != OK {
		return
	}
	if !slices.EqualFunc(op.Window, op.Replay, func(a, b *Entry) bool { return a == b || *a == *b }) {
		k.report("replay differs", rec.seq, 1,
			say("the request was repeated with its idempotency key and got another answer than at first: %s at first, then %s",
				span(op.Window), span(op.Replay)), r)
	}
}

func (k *exactlyOnce) twice(r ref, rec *record) {
	k.report("double append", rec.secondSeq, 2,
		say("a request that was repeated with its idempotency key was stored twice, at seq %d and at seq %d", rec.seq, rec.secondSeq), r)
}

// span says in short which places a window shows.
func span(w []*Entry) Sentence {
	switch len(w) {
	case 0:
		return say("nothing")
	case 1:
		return say("seq %d", w[0].Seq)
	}
	return say("seq %d to %d", w[0].Seq, w[len(w)-1].Seq)
}

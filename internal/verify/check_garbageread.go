package verify

import (
	"cmp"
	"maps"
	"slices"
)

// garbageRead is the check that every message shown was sent, and is unaltered.
// It sees each of our messages where it is first shown. Without texts it cannot
// recognise them.
type garbageRead struct{ base }

func (k *garbageRead) sighted(r ref, rec *record, how sighting, seq int64, text uint64) {
	if rec.is(sent) && (how == seenFirst || how == seenTwice) {
		k.compare(r, rec, seq, text)
	}
}

// overwritten: an answer shows c's message with another text.
func (k *garbageRead) overwritten(e *Entry, c *cell, text uint64, same bool) {
	if !same || text == c.text {
		return
	}
	if rec := k.recordOf(c); rec.is(sent) {
		k.compare(c.owner, rec, e.Seq, text)
	}
}

func (k *garbageRead) compare(r ref, rec *record, seq int64, text uint64) {
	k.saw++
	if text == rec.text || k.cfg.Missing.Has(Text) {
		return
	}
	k.report("garbage read", seq, 1,
		say("the message at seq %d is not what the first request sent: its sender or text was altered", seq),
		k.senderAndWitness(r, seq)...)
}

// neverSent reports, after the run, the messages that were shown and never
// sent.
func (k *garbageRead) neverSent() {
	unsent, missing := k.ops.unsent, k.missingOps
	if missing >= int64(len(unsent)) {
		return // their lines are missing
	}
	for _, r := range slices.SortedFunc(maps.Keys(unsent), func(a, b ref) int {
		return cmp.Or(cmp.Compare(unsent[a], unsent[b]), cmp.Compare(a.worker, b.worker), cmp.Compare(a.number, b.number))
	}) {
		if missing != 0 && r.number == k.ops.worker(r.worker).last+1 {
			continue // it was under way where the history was cut off
		}
		k.report("garbage read", unsent[r], 2,
			say("an answer shows a message of this run at seq %d that was never sent", unsent[r]), k.senderAndWitness(r, unsent[r])...)
	}
}

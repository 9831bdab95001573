package verify

// lostWrite is the check that an acknowledged message is in every later window
// that must hold it. It sees each place of an older message that a window must
// hold. It cannot judge a message whose place no other window covers.
type lostWrite struct{ base }

func (k *lostWrite) window(w *window) {
	k.saw += max(0, int64(len(w.op.Window))-1, w.mustHold-1)
}

// overwritten: r's answer shows another message in c's place.
func (k *lostWrite) overwritten(r ref, e *Entry, c *cell, same bool) {
	if c.is(acked) && !same {
		k.lost(c.owner, e.Seq, r)
	}
}

// skipped: r's answer shows nothing in c's place.
func (k *lostWrite) skipped(r ref, seq int64, c *cell) {
	if c.is(acked) {
		k.notShown(c.owner, seq, r)
	}
}

// acknowledged looks for an earlier answer that should have shown the message.
func (k *lostWrite) acknowledged(r ref, seq int64, c *cell) {
	if !c.is(acked) && !(c.is(ours) && c.owner == r) {
		k.lost(r, seq, c.shown) // an answer has shown another message here
	}
	if reader, ok := k.log.absent[seq]; ok {
		k.notShown(r, seq, reader)
	}
}

func (k *lostWrite) lost(writer ref, seq int64, reader ref) { k.missing(false, writer, seq, reader) }

// notShown is lost where the reader's answer shows no message at all.
func (k *lostWrite) notShown(writer ref, seq int64, reader ref) {
	k.missing(k.ops.find(writer).sender != k.ops.find(reader).sender, writer, seq, reader)
}

func (k *lostWrite) missing(ofOtherSender bool, writer ref, seq int64, reader ref) {
	k.suspect(ofOtherSender, "lost write", seq, 1,
		say("the first message was acknowledged at seq %d, and the second answer, whose window covers that place, does not show it", seq),
		writer, reader)
}

package verify

// agreement is the check that two answers show the same content at one seq. It
// sees each entry that an earlier answer has shown, and in it the fields that
// answers show.
type agreement struct{ base }

func (k *agreement) conflict(r ref, e *Entry, c *cell, text uint64) {
	if c.shown == r {
		return // both are in one answer, as duplicate has reported
	}
	k.report("disagreement", e.Seq, 1,
		say("two answers show different content at seq %d: %s", e.Seq, k.difference(e, c, text)), c.shown, r)
}

func (k *agreement) difference(e *Entry, c *cell, text uint64) Sentence {
	var diff []Sentence
	if names := k.texts.names; c.sender >= 0 && names[c.sender] != e.Sender {
		diff = append(diff, say("sender is %q in the one and %q in the other", names[c.sender], e.Sender))
	} else if c.text != text {
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

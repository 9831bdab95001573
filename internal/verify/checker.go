package verify

// A checker makes one check: it learns what the answers show (see checks) and
// reports what cannot be in a correct log. It changes no state but its own.
type checker interface {
	// seen returns how much it has looked at, in its row's unit.
	seen() int64

	// limits returns why it could not be made, or else which parts of it could
	// not. A zero Sentence says nothing.
	limits() (notCheckable Sentence, parts []Sentence)
}

// A base is what each check has: the facts, where it reports, and how much it has seen.
type base struct {
	*facts
	found *findings
	saw   int64
}

func (b *base) seen() int64 { return b.saw }

// senderAndWitness returns r and the operation whose answer showed the place first, if
// that is another one.
func (b *base) senderAndWitness(r ref, seq int64) []ref {
	if c := b.log.cells.peek(seq); c.is(seen) && c.shown != r {
		return []ref{r, c.shown}
	}
	return []ref{r}
}

// Limits that several checks have, each zero if it does not apply.

func (b *base) acrossStretches() Sentence {
	if n := len(b.layout.seams); n > 0 {
		return say("the windows join to %d stretches of log; what lies between them was not seen", n+1)
	}
	return Sentence{}
}

func (b *base) acrossSeams() Sentence {
	if n := b.layout.unordered(); n > 0 {
		return say("not checkable across %s between stretches, since real time leaves open which comes first", Quantity{n, "seam"})
	}
	return Sentence{}
}

func (b *base) withoutText() Sentence {
	return b.without(Text, say("the answers show no text: whose a message is, is told by its seq only"))
}

// unrecognised is why a check that has to recognise messages cannot be made.
func (b *base) unrecognised() Sentence {
	return b.without(Text, say("the answers show no text, so that no message can be recognised"))
}

func (b *base) withoutSender() Sentence {
	return b.without(Sender, say("the answers show no sender"))
}

func (b *base) withoutSeq() Sentence {
	return b.without(Seq, say("the answers show no seq: places in the log are inferred from how the windows overlap"))
}

// without returns limit if answers do not show the field.
func (b *base) without(field Fields, limit Sentence) Sentence {
	if b.cfg.Missing.Has(field) {
		return limit
	}
	return Sentence{}
}

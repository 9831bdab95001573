package verify

// A checker makes one check: it is told of what the answers show (see checks)
// and reports what cannot be in a correct log.
type checker interface {
	// seen is how much it has looked at, in its row's unit.
	seen() int64

	// limits says why it could not be made, or else which parts of it could not.
	limits() (notCheckable Sentence, parts []Sentence)
}

// A base is what each check has: the facts, where it reports, and how much it has seen.
type base struct {
	*facts
	found *findings
	saw   int64
}

func (b *base) seen() int64 { return b.saw }

// showers returns r and the operation whose answer showed the place first, if
// that is another one.
func (b *base) showers(r ref, seq int64) []ref {
	if c := b.log.cells.peek(seq); c.is(seen) && c.shown != r {
		return []ref{r, c.shown}
	}
	return []ref{r}
}

// The limits that several checks have. Each is nil if it does not apply.

func (b *base) acrossStretches() (parts []Sentence) {
	if n := len(b.layout.seams); n > 0 {
		parts = append(parts, say("the windows join to %d stretches of log; what lies between them was not seen", n+1))
	}
	return parts
}

func (b *base) acrossSeams() (parts []Sentence) {
	if n := b.layout.unordered(); n > 0 {
		parts = append(parts, say("not checkable across %s between stretches, since real time leaves open which comes first",
			Quantity{n, "seam"}))
	}
	return parts
}

func (b *base) withoutText() (parts []Sentence) {
	if b.cfg.Missing.Has(Text) {
		parts = append(parts, say("the answers show no text: whose a message is, is told by its seq only"))
	}
	return parts
}

func (b *base) withoutSender() (parts []Sentence) {
	if b.cfg.Missing.Has(Sender) {
		parts = append(parts, say("the answers show no sender"))
	}
	return parts
}

func (b *base) withoutSeq() (parts []Sentence) {
	if b.cfg.Missing.Has(Seq) {
		parts = append(parts, say("the answers show no seq: places in the log are inferred from how the windows overlap"))
	}
	return parts
}

// unrecognised says why a check cannot be made that has to recognise messages.
func (b *base) unrecognised() Sentence {
	return say("the answers show no text, so that no message can be recognised")
}

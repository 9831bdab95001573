package verify

// A checker makes one check: it learns what the answers show (see checks) and
// reports what cannot be in a correct log. It changes no state but its own.
type checker interface {
	prepare(base)

	// seen returns how much it has looked at, in its row's unit.
	seen() int64

	// limits returns why it could not be made, or else which parts of it could
	// not. A zero Sentence says nothing.
	limits() (notCheckable Sentence, parts []Sentence)

	// passedBy returns which messages were not looked at, if the check looks at one for
	// each place, and some places have several.
	passedBy() Sentence
}

// A base is what each check has: the facts, where it reports, and how much it has seen.
type base struct {
	*facts
	found *findings
	check Check
	saw   int64
}

func (b *base) prepare(made base) { *b = made }

func (b *base) seen() int64 { return b.saw }

// report reports a violation, with the operations refs as witnesses.
func (b *base) report(anomaly string, seq, size int64, why Sentence, refs ...ref) {
	b.found.report(Violation{Check: b.check, Anomaly: anomaly, Seq: seq, Size: size, Why: why}, refs...)
}

// suspect reports what may be explained: if by is true, and all answers of the run hold
// messages of their own sender only, that alone is the fault.
func (b *base) suspect(by bool, anomaly string, seq, size int64, why Sentence, refs ...ref) {
	n := Violation{Check: b.check, Anomaly: anomaly, Seq: seq, Size: size, Why: why}
	if by {
		b.found.suspect(n, refs...)
	} else {
		b.found.report(n, refs...)
	}
}

func (b *base) passedBy() Sentence { return Sentence{} }

// oneOfSeveral is what a check passes by that looks at one message for each place.
func (b *base) oneOfSeveral() Sentence {
	if b.hidden == 0 {
		return Sentence{}
	}
	return say("not looked at: %s whose seq another message has too", Quantity{b.hidden, "message"})
}

// senderAndWitness returns r and the operation whose answer showed the place first, if
// that is another one.
func (b *base) senderAndWitness(r ref, seq int64) []ref {
	if c := b.log.cells.peek(seq); c.is(seen) && c.shown != r {
		return []ref{r, c.shown}
	}
	return []ref{r}
}

// limits are those of a check that is limited only by fields that answers do not
// show: see row.
func (b *base) limits() (notCheckable Sentence, parts []Sentence) {
	missing, row := b.cfg.Missing, rows[b.check]
	switch {
	case row.needs == 0 || !missing.Has(row.needs):
	case row.needs == SenderCount:
		notCheckable = say("the answers show no sender_count")
	case row.needs == SentAt:
		notCheckable = say("the answers show no sent_at")
	default:
		notCheckable = say("the answers show no text, so that no message can be recognised")
	}
	limited := row.uses & missing
	if limited.Has(Text) {
		parts = append(parts, say("the answers show no text: whose a message is, is told by its seq only"))
	}
	if limited.Has(Sender) {
		parts = append(parts, say("the answers show no sender"))
	}
	if limited.Has(Seq) {
		parts = append(parts, say("the answers show no seq: places in the log are inferred from how the windows overlap"))
	}
	return notCheckable, parts
}

// acrossStretches is the limit of a check that looks at the log as a whole.
func (b *base) acrossStretches() Sentence {
	if n := len(b.layout.seams); n > 0 {
		return say("the windows join to %d stretches of log; what lies between them was not seen", n+1)
	}
	return Sentence{}
}

// acrossSeams is the limit of a check that compares neighbours in the log.
func (b *base) acrossSeams() Sentence {
	if n := b.layout.unordered(); n > 0 {
		return say("not checkable across %s between stretches, since real time leaves open which comes first", Quantity{n, "seam"})
	}
	return Sentence{}
}

package verify

// consistency is the check that a window shows the own message, with its
// fields as they were sent. It takes one answer alone. What answers do not show
// it cannot compare; without texts, the last message counts as the own one.
type consistency struct{ base }

func (k *consistency) window(w *window) {
	k.saw++
	if w.own < 0 {
		k.ownMissing(w)
		return
	}
	if wrong := k.altered(w); wrong != nil {
		k.report("own fields altered", w.seq, 1,
			say("the answer shows the own message otherwise than it was sent: %s", list(wrong)), w.ref)
		k.found.remember(w.op, w.ref)
	}
}

func (k *consistency) notOwnSender(w *window) {
	k.report("another sender's message", w.seq, 1,
		say("the answer shows a message of another sender, and this server's hold those of their own sender only"), w.ref)
}

func (k *consistency) ownMissing(w *window) {
	why, seq := say("the answer does not show the message that it answers"), int64(0)
	if n := len(w.op.Window); n == 0 {
		why = say("the request was answered as stored, with no message in the answer")
	} else {
		seq = w.op.Window[n-1].Seq
	}
	k.report("own message missing", seq, 3, why, w.ref)
}

// altered says which fields of the own message are not as they were sent.
func (k *consistency) altered(w *window) (wrong []Sentence) {
	op, own := w.op, w.op.Window[w.own]
	if !k.cfg.Missing.Has(Sender) && own.Sender != op.Sender {
		wrong = append(wrong, say("sender was sent as %q and shown as %q", op.Sender, own.Sender))
	}
	if !k.cfg.Missing.Has(Text) && own.Text != op.Text {
		wrong = append(wrong, say("text was sent as %q and shown as %q", op.Text, own.Text))
	}
	if !isPlace(own.Seq) {
		wrong = append(wrong, say("seq is %d, which is no place in a log", own.Seq))
	}
	return wrong
}

package verify

import "hash/maphash"

// texts recognises messages without keeping them: a text is known by its hash,
// a sender by its index, and one of our own messages by its nonce.
type texts struct {
	cfg   *Config
	seed  maphash.Seed
	index map[string]int32 // of senders
	names []string         // of senders, by index
}

func newTexts(cfg *Config) texts {
	return texts{cfg: cfg, seed: maphash.MakeSeed(), index: make(map[string]int32)}
}

// hash is of what the client chose of a message, as far as answers show it. It
// may be called concurrently.
func (t *texts) hash(sender, text string) uint64 {
	var h maphash.Hash
	h.SetSeed(t.seed)
	if !t.cfg.Missing.Has(Sender) {
		h.WriteString(sender)
		h.WriteByte(0)
	}
	h.WriteString(text)
	return h.Sum64()
}

// sender returns the index of a sender, a new one if the name is new.
func (t *texts) sender(name string) int32 {
	i, ok := t.index[name]
	if !ok {
		i = int32(len(t.names))
		t.index[name] = i
		t.names = append(t.names, name)
	}
	return i
}

// senderOf returns the index of e's sender, or unknown if answers do not show it.
func (t *texts) senderOf(e *Entry, unknown int32) int32 {
	if t.cfg.Missing.Has(Sender) {
		return unknown
	}
	return t.sender(e.Sender)
}

// nonce returns the operation of our run that text names.
func (t *texts) nonce(text string) (ref, bool) {
	n, ok := FindNonce(text)
	if !ok || n.Run != t.cfg.Run {
		return ref{}, false
	}
	return ref{int32(n.Worker), int32(n.Number)}, true
}

// nonceOf is the text that is left of a forgotten message of r.
func (t *texts) nonceOf(r ref) string {
	return Nonce{t.cfg.Run, int(r.worker), int(r.number)}.String()
}

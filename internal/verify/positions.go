package verify

import (
	"cmp"
	"iter"
	"slices"
)

// Positions infers places in the log for a server that shows no seq. Every
// window says that its messages follow each other, which fixes the distance
// between any two of our own messages in it; windows that share one join up to
// one stretch of log. This is a union-find with distances. It is done when all
// windows are there, and takes memory for all of them.
//
// Only our own messages join windows, since two of other writers may look
// alike. Nothing is lost by that: a correct window ends in its caller's own
// message, so of two windows that overlap the later one shows the message in
// which the earlier one ends. Hence, too, two stretches share no place of the
// log: one lies wholly before the other.
//
// It is a step in front of all others: it lays out the stretches and yields the
// operations with places, as if the server had shown them.
type positions struct {
	cfg   *Config
	texts *texts

	held   []*answer
	ops    map[ref]*Operation // of those held
	nodes  map[messageKey]*node
	twice  map[ref]bool // messages in two places of the log
	copies map[entryAt]*Entry
}

// A messageKey is equal for two entries of the same message: our nonce,
// or, where answers show no texts, the number among its sender's.
type messageKey struct {
	nonce  ref
	sender string
	count  int64
}

// An entryAt is an entry at an inferred place. Entries of messages that look
// alike may be one and the same.
type entryAt struct {
	entry *Entry
	seq   int64
}

func newPositions(cfg *Config, texts *texts) *positions {
	return &positions{
		cfg: cfg, texts: texts, ops: make(map[ref]*Operation),
		nodes: make(map[messageKey]*node), twice: make(map[ref]bool), copies: make(map[entryAt]*Entry),
	}
}

// hold keeps a returned operation until all are there.
func (p *positions) hold(op *Operation) {
	r := op.ref()
	if p.holds(r) {
		return
	}
	kept := *op
	p.ops[r] = &kept
	p.held = append(p.held, &answer{&kept, p.recognise(op.Window, r)})
}

func (p *positions) holds(r ref) bool { return p.ops[r] != nil }

// layout returns where the stretches lie, when all operations are held.
func (p *positions) layout() layout {
	for _, a := range p.held {
		p.findDoubled(a)
		p.findTwoHomes(a)
	}
	for _, a := range p.held {
		p.join(a)
	}
	stretches := p.stretches()
	l := layout{inferred: true, seams: stretches.lay(p.cfg.WindowSize, p.joins())}
	if !p.cfg.Missing.Has(Text) { // else they cannot be recognised
		l.doubles = p.twice
	}
	if p.joins() {
		l.contradictions = stretches.contradictions(p.cfg.WindowSize)
	}
	return l
}

// placed yields the operations with places, each with the lowest place of its
// window's stretch, when they have been laid out.
func (p *positions) placed() iter.Seq2[*Operation, int64] {
	return func(yield func(*Operation, int64) bool) {
		for _, a := range p.held {
			op, anchors, bottom := a.op, p.anchors(a.known, a.op.Window), int64(1)
			if n := len(anchors); n > 0 {
				root, _ := anchors[n-1].node.find()
				bottom = root.base + root.low
			}
			op.Window = p.place(op.Window, anchors)
			op.Replay = p.place(op.Replay, p.anchors(p.recognise(op.Replay, op.ref()), op.Replay))
			if !yield(op, bottom) {
				return
			}
		}
	}
}

// joins reports whether windows join wherever they overlap. Where answers show
// neither texts nor numbers, each window is a stretch, and they may overlap.
func (p *positions) joins() bool {
	missing := p.cfg.Missing
	return !missing.Has(Text) || missing&(Sender|SenderCount) == 0
}

// recognise returns the entries of a window that answered r whose messages are
// recognised.
func (p *positions) recognise(w []*Entry, r ref) []anchor {
	known := make([]anchor, 0, len(w))
	for i, e := range w {
		var key messageKey
		var ok bool
		switch {
		case !p.cfg.Missing.Has(Text):
			key.nonce, ok = p.texts.nonce(e.Text)
		case p.joins():
			key, ok = messageKey{ref{-1, -1}, e.Sender, e.SenderCount}, true
		default:
			key.nonce, ok = r, i == len(w)-1
		}
		if !ok {
			continue
		}
		if p.nodes[key] == nil {
			p.nodes[key] = &node{nonce: key.nonce}
		}
		known = append(known, anchor{i, p.nodes[key]})
	}
	return known
}

// findDoubled looks for messages that are twice in one window. That is a
// separate fault, so these messages say nothing about the distance between
// windows.
func (p *positions) findDoubled(a *answer) {
	for i, m := range a.known {
		if shows(a.known[:i], m.node) {
			m.node.doubled, p.twice[m.node.nonce] = true, true
		}
	}
}

// findTwoHomes looks for messages that answers to other requests show behind
// different messages, in windows that share nothing else: such a message is in
// the log twice. It ignores the last message of a window, which may follow
// messages that were read long before.
func (p *positions) findTwoHomes(a *answer) {
	for i := 1; i < len(a.known); i++ {
		before, m := a.known[i-1], a.known[i]
		if m.index != before.index+1 || m.index == len(a.op.Window)-1 {
			continue
		}
		n := m.node
		if n.shownBy == nil {
			n.shownBy, n.behind = a, before.node
		} else if n.behind != before.node && !shareOther(n.shownBy, a, n) {
			p.twice[n.nonce] = true
		}
	}
}

// shareOther reports whether two windows have another message than n in common.
func shareOther(a, b *answer, n *node) bool {
	return slices.ContainsFunc(a.known, func(m anchor) bool { return m.node != n && shows(b.known, m.node) })
}

func shows(known []anchor, n *node) bool {
	return slices.ContainsFunc(known, func(m anchor) bool { return m.node == n })
}

// anchors returns those of the known entries of window w from which its place
// follows.
func (p *positions) anchors(known []anchor, w []*Entry) []anchor {
	sure := slices.DeleteFunc(slices.Clone(known), func(a anchor) bool { return a.node.doubled })
	if len(sure) == 0 {
		return known[:min(1, len(known))]
	}
	return slices.DeleteFunc(slices.Clone(sure), func(a anchor) bool { return p.displaced(a, sure, len(w)-1) })
}

// displaced reports whether the other anchors of a window agree on the window's
// place and a is far from it. Then a's message is in the log twice.
func (p *positions) displaced(a anchor, all []anchor, last int) bool {
	root, at := a.node.find()
	far := 0
	for _, b := range all {
		other, otherAt := b.node.find()
		if b.index == a.index || other != root {
			continue
		}
		off := (at - int64(a.index)) - (otherAt - int64(b.index))
		if -int64(p.cfg.WindowSize) < off && off < int64(p.cfg.WindowSize) {
			return false
		}
		if a.index == last && off > 0 {
			return false // a window read long before its own message: a gap
		}
		far++
	}
	return far > 1
}

// join notes the distances that a window states.
func (p *positions) join(a *answer) {
	size := len(a.op.Window)
	anchors := p.anchors(a.known, a.op.Window)
	for i, m := range anchors {
		root, at := m.node.find()
		root.low = min(root.low, at-int64(m.index))
		root.high = max(root.high, at+int64(size-1-m.index))
		if size < p.cfg.WindowSize && root.begins == nil {
			root.begins = a.op
		}
		if i == 0 {
			continue
		}
		before, beforeAt := anchors[i-1].node.find()
		if root == before {
			continue // if the distances differ, the window will show a gap
		}
		d := beforeAt + int64(m.index-anchors[i-1].index) - at
		root.parent, root.distance = before, d
		before.low = min(before.low, root.low+d)
		before.high = max(before.high, root.high+d)
		before.begins = cmp.Or(before.begins, root.begins)
	}
}

// stretches returns the stretches that the windows join up to, in an order that
// real time allows, if there is one.
func (p *positions) stretches() stretches {
	listed := make(map[*node]bool)
	var roots stretches
	for _, a := range p.held {
		for _, m := range p.anchors(a.known, a.op.Window) {
			root, _ := m.node.find()
			if !listed[root] {
				listed[root] = true
				roots = append(roots, root)
			}
			sender := p.ops[m.node.nonce]
			if p.cfg.Missing.Has(Text) && m.index == len(a.op.Window)-1 {
				sender = a.op
			}
			if sender == a.op && (root.first == nil || sender.Return < root.first.Return) {
				root.first = sender
			}
			if sender != nil && (root.last == nil || sender.Call > root.last.Call) {
				root.last = sender
			}
		}
	}
	roots.sort()
	return roots
}

// place returns w with places. An entry that is not recognised gets its place
// from the next one that is.
func (p *positions) place(w []*Entry, anchors []anchor) []*Entry {
	if w == nil {
		return nil
	}
	placed := make([]*Entry, len(w))
	for i, e := range w {
		for len(anchors) > 1 && anchors[0].index < i {
			anchors = anchors[1:]
		}
		seq := int64(0)
		if len(anchors) > 0 {
			root, at := anchors[0].node.find()
			seq = root.base + at + int64(i-anchors[0].index)
		}
		key := entryAt{e, seq}
		if p.copies[key] == nil {
			shown := *e
			shown.Seq = seq
			p.copies[key] = &shown
		}
		placed[i] = p.copies[key]
	}
	return placed
}

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
	held  []*Operation
	refs  map[ref]*Operation // of those held

	nodes   map[identity]*node
	doubled map[identity]bool // twice in one window, so that they say nothing about distances
	homes   map[identity]home // the first one of each message
	twice   map[ref]bool      // messages in two places of the log: those doubled, and those with two homes
	copies  map[inPlace]*Entry
}

// An identity is equal for two entries of the same message: our nonce,
// or, where answers show no texts, the number among its sender's.
type identity struct {
	nonce  ref
	sender string
	count  int64
}

// An inPlace is an entry at an inferred place. Entries of messages that look
// alike may be one and the same.
type inPlace struct {
	entry *Entry
	seq   int64
}

// A home is where the answer to another request shows a message.
type home struct {
	before identity // the message before it
	op     *Operation
}

// An anchor is an entry of a window whose message is recognised.
type anchor struct {
	index int
	node  *node
}

func newPositions(cfg *Config, texts *texts) *positions {
	return &positions{
		cfg: cfg, texts: texts, refs: make(map[ref]*Operation),
		nodes: make(map[identity]*node), doubled: make(map[identity]bool),
		homes: make(map[identity]home), twice: make(map[ref]bool), copies: make(map[inPlace]*Entry),
	}
}

// hold keeps a returned operation until all are there.
func (p *positions) hold(op *Operation) {
	if p.holds(op.ref()) {
		return
	}
	kept := *op
	p.refs[op.ref()] = &kept
	p.held = append(p.held, &kept)
}

func (p *positions) holds(r ref) bool { return p.refs[r] != nil }

// layout returns where the stretches lie, when all operations are held.
func (p *positions) layout() layout {
	for _, op := range p.held {
		p.findDoubled(op)
		p.findTwoHomes(op)
	}
	for _, op := range p.held {
		p.join(op)
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
		for _, op := range p.held {
			bottom := int64(1)
			if anchors := p.anchors(op.Window, op.ref()); len(anchors) > 0 {
				root, _ := anchors[len(anchors)-1].node.find()
				bottom = root.base + root.low
			}
			op.Window, op.Replay = p.place(op.Window, op.ref()), p.place(op.Replay, op.ref())
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

// identity recognises the message of entry i of a window that answered r.
func (p *positions) identity(w []*Entry, i int, r ref) (identity, bool) {
	e := w[i]
	if !p.cfg.Missing.Has(Text) {
		n, ok := p.texts.nonce(e.Text)
		return identity{nonce: n}, ok
	}
	if p.joins() {
		return identity{nonce: ref{-1, -1}, sender: e.Sender, count: e.SenderCount}, true
	}
	return identity{nonce: r}, i == len(w)-1
}

// findDoubled looks for messages that are twice in one window. That is a
// separate fault, so these messages say nothing about the distance between
// windows.
func (p *positions) findDoubled(op *Operation) {
	var ids []identity
	for i := range op.Window {
		if id, ok := p.identity(op.Window, i, op.ref()); ok {
			if slices.Contains(ids, id) {
				p.doubled[id], p.twice[id.nonce] = true, true
			}
			ids = append(ids, id)
		}
	}
}

// findTwoHomes looks for messages that answers to other requests show behind
// different messages, in windows that share nothing else: such a message is in
// the log twice. It ignores the last message of a window, which may follow
// messages that were read long before.
func (p *positions) findTwoHomes(op *Operation) {
	var before identity
	known := false // whether before was recognised
	for i := range len(op.Window) - 1 {
		id, ok := p.identity(op.Window, i, op.ref())
		if ok && known {
			first, met := p.homes[id]
			switch {
			case !met:
				p.homes[id] = home{before, op}
			case first.before != before && !p.shareMore(first.op, op, id):
				p.twice[id.nonce] = true
			}
		}
		before, known = id, ok
	}
}

// shareMore reports whether two windows have a message in common besides one.
func (p *positions) shareMore(a, b *Operation, besides identity) bool {
	for i := range a.Window {
		id, ok := p.identity(a.Window, i, a.ref())
		if !ok || id == besides {
			continue
		}
		for j := range b.Window {
			if other, ok := p.identity(b.Window, j, b.ref()); ok && other == id {
				return true
			}
		}
	}
	return false
}

// anchors are the entries of a window from which its place follows.
func (p *positions) anchors(w []*Entry, r ref) []anchor {
	var sure, doubtful []anchor
	for i := range w {
		id, ok := p.identity(w, i, r)
		if !ok {
			continue
		}
		n := p.nodes[id]
		if n == nil {
			n = new(node)
			p.nodes[id] = n
		}
		if p.doubled[id] {
			doubtful = append(doubtful, anchor{i, n})
		} else {
			sure = append(sure, anchor{i, n})
		}
	}
	if len(sure) == 0 && len(doubtful) > 0 {
		return doubtful[:1]
	}
	return slices.DeleteFunc(slices.Clone(sure), func(a anchor) bool { return p.displaced(a, sure, len(w)-1) })
}

// displaced reports whether the other anchors of a window agree on the window's
// place and a is far from it. Then a's message is in the log twice.
func (p *positions) displaced(a anchor, all []anchor, last int) bool {
	root, at := a.node.find()
	apart := 0
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
		apart++
	}
	return apart > 1
}

// join notes the distances that a window states.
func (p *positions) join(op *Operation) {
	w := op.Window
	anchors := p.anchors(w, op.ref())
	for i, a := range anchors {
		root, at := a.node.find()
		root.low = min(root.low, at-int64(a.index))
		root.high = max(root.high, at+int64(len(w)-1-a.index))
		if len(w) < p.cfg.WindowSize && root.begins == nil {
			root.begins = op
		}
		if i == 0 {
			continue
		}
		before, beforeAt := anchors[i-1].node.find()
		if root == before {
			continue // if the distances differ, the window will show a gap
		}
		d := beforeAt + int64(a.index-anchors[i-1].index) - at
		root.parent, root.distance = before, d
		before.low = min(before.low, root.low+d)
		before.high = max(before.high, root.high+d)
		before.begins = cmp.Or(before.begins, root.begins)
	}
}

// stretches returns the stretches that the windows join up to, in an order that
// real time allows, if there is one.
func (p *positions) stretches() stretches {
	known := make(map[*node]bool)
	var roots stretches
	for _, op := range p.held {
		anchors := p.anchors(op.Window, op.ref())
		for _, a := range anchors {
			root, _ := a.node.find()
			if !known[root] {
				known[root] = true
				roots = append(roots, root)
			}
			sender := p.sender(op, a.index)
			if sender == op && (root.first == nil || op.Return < root.first.Return) {
				root.first = op
			}
			if sender != nil && (root.last == nil || sender.Call > root.last.Call) {
				root.last = sender
			}
		}
	}
	roots.sort()
	return roots
}

// sender is the operation that sent the message at index i of op's window, nil
// if that is not known.
func (p *positions) sender(op *Operation, i int) *Operation {
	if p.cfg.Missing.Has(Text) {
		if i == len(op.Window)-1 {
			return op
		}
		return nil
	}
	n, _ := p.texts.nonce(op.Window[i].Text)
	return p.refs[n]
}

// place returns w with places. An entry that is not recognised gets its place
// from the next one that is.
func (p *positions) place(w []*Entry, r ref) []*Entry {
	if w == nil {
		return nil
	}
	anchors := p.anchors(w, r)
	placed := make([]*Entry, len(w))
	for i, e := range w {
		seq := int64(0)
		if len(anchors) > 0 {
			j := slices.IndexFunc(anchors, func(a anchor) bool { return a.index >= i })
			if j < 0 {
				j = len(anchors) - 1
			}
			root, at := anchors[j].node.find()
			seq = root.base + at + int64(i-anchors[j].index)
		}
		key := inPlace{e, seq}
		c := p.copies[key]
		if c == nil {
			shown := *e
			shown.Seq = seq
			c = &shown
			p.copies[key] = c
		}
		placed[i] = c
	}
	return placed
}

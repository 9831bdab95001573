package verify

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"
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
type positions struct {
	v    *Verifier
	held []*Operation
	refs map[ref]*Operation   // of those held
	acks map[int64]*staircase // of each stretch, by its lowest place

	nodes    map[identity]*node
	doubled  map[identity]bool // twice in one window, so that they say nothing about distances
	homes    map[identity]home // the first one of each message
	twoHomes map[identity]bool // of those that are in two places of the log
	copies   map[inPlace]*Entry
}

// An identity is what tells that two entries are the same message: our nonce,
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

// A node is one message, at a distance along the log from its parent.
type node struct {
	parent   *node
	distance int64
	stretch  // of a root
}

// A stretch is a part of the log that windows join up to. Its distances count
// from its root.
type stretch struct {
	low, high int64      // the lowest distance, at most 0, and the highest, at least 0
	begins    *Operation // one whose window is shorter than it can be but at the log's beginning
	base      int64      // where the root is in the log

	// What was answered first of it, and sent last: real time puts it before
	// another one that has a later call than this first return.
	first, last *Operation
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

func newPositions(v *Verifier) *positions {
	return &positions{
		v: v, refs: make(map[ref]*Operation), acks: make(map[int64]*staircase),
		nodes: make(map[identity]*node), doubled: make(map[identity]bool),
		homes: make(map[identity]home), twoHomes: make(map[identity]bool), copies: make(map[inPlace]*Entry),
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

// release gives every entry its place and hands the operations on.
func (p *positions) release() {
	for _, op := range p.held {
		p.findDoubled(op)
	}
	for _, op := range p.held {
		p.join(op)
	}
	roots := p.roots()
	p.lay(roots)
	for _, op := range p.held {
		p.v.bottom = 1
		if anchors := p.anchors(op.Window, op.ref()); len(anchors) > 0 {
			root, _ := anchors[len(anchors)-1].node.find()
			p.v.bottom = root.base + root.low
		}
		op.Window, op.Replay = p.placed(op.Window, op.ref()), p.placed(op.Replay, op.ref())
		p.v.judge(op)
	}
	p.held = nil
	if p.joins() {
		p.contradictions(roots)
	}
}

// joins tells whether windows join wherever they overlap. Where answers show
// neither texts nor numbers, each window is a stretch, and they may overlap.
func (p *positions) joins() bool {
	missing := p.v.cfg.Missing
	return !missing.Has(Text) || missing&(Sender|SenderCount) == 0
}

// identity recognises the message of entry i of a window that answered r.
func (p *positions) identity(w []*Entry, i int, r ref) (identity, bool) {
	e := w[i]
	if !p.v.cfg.Missing.Has(Text) {
		n, ok := p.v.nonce(e.Text)
		return identity{nonce: n}, ok
	}
	if p.joins() {
		return identity{nonce: ref{-1, -1}, sender: e.Sender, count: e.SenderCount}, true
	}
	return identity{nonce: r}, i == len(w)-1
}

// findDoubled looks for messages that are twice in one window. That is a fault
// of its own, and they must not pull the windows around them apart.
func (p *positions) findDoubled(op *Operation) {
	var ids []identity
	for i := range op.Window {
		if id, ok := p.identity(op.Window, i, op.ref()); ok {
			if slices.Contains(ids, id) {
				p.doubled[id] = true
			}
			ids = append(ids, id)
		}
	}
	p.findTwoHomes(op)
}

// findTwoHomes looks for messages that answers to other requests show behind
// different ones, in windows that share nothing else: there are two such places
// in the log. The last message of a window does not count: it may have been put
// behind messages that were read long before.
func (p *positions) findTwoHomes(op *Operation) {
	var before identity
	known := false // is before
	for i := range len(op.Window) - 1 {
		id, ok := p.identity(op.Window, i, op.ref())
		if ok && known {
			first, met := p.homes[id]
			switch {
			case !met:
				p.homes[id] = home{before, op}
			case first.before != before && !p.shareMore(first.op, op, id):
				p.twoHomes[id] = true
			}
		}
		before, known = id, ok
	}
}

// shareMore tells whether two windows have a message in common besides one.
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

// anchors are the entries of a window that tell where it belongs.
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

// displaced tells whether the other anchors of a window agree on where that
// is, and a is known to be far from there: its message is in the log twice.
func (p *positions) displaced(a anchor, all []anchor, last int) bool {
	root, at := a.node.find()
	apart := 0
	for _, b := range all {
		other, otherAt := b.node.find()
		if b.index == a.index || other != root {
			continue
		}
		off := (at - int64(a.index)) - (otherAt - int64(b.index))
		if -int64(p.v.cfg.WindowSize) < off && off < int64(p.v.cfg.WindowSize) {
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
		if len(w) < p.v.cfg.WindowSize && root.begins == nil {
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

// roots are the stretches in an order that real time allows, if there is one.
func (p *positions) roots() []*node {
	known := make(map[*node]bool)
	var roots []*node
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
	slices.SortStableFunc(roots, func(a, b *node) int {
		if (a.begins != nil) != (b.begins != nil) {
			if a.begins != nil {
				return -1
			}
			return 1
		}
		// If a must come first and b need not, then a's first return < b's last
		// call and a's last call <= b's first return, hence:
		return cmp.Compare(a.firstReturn()+a.lastCall(), b.firstReturn()+b.lastCall())
	})
	return roots
}

// sender is the operation that sent the message at index i of op's window, nil
// if that is not known.
func (p *positions) sender(op *Operation, i int) *Operation {
	if p.v.cfg.Missing.Has(Text) {
		if i == len(op.Window)-1 {
			return op
		}
		return nil
	}
	n, _ := p.v.nonce(op.Window[i].Text)
	return p.refs[n]
}

const never = time.Duration(math.MaxInt64 / 4)

func (s *stretch) firstReturn() time.Duration {
	if s.first == nil {
		return never
	}
	return s.first.Return
}

func (s *stretch) lastCall() time.Duration {
	if s.last == nil {
		return -never
	}
	return s.last.Call
}

// precedes tells whether real time puts s before t.
func (s *stretch) precedes(t *stretch) bool { return s.firstReturn() < t.lastCall() }

// lay puts the stretches one after the other. If all is well there is one, or
// there are answers that nobody got. The one that begins the log, as its short
// windows say, comes first, at 1. Nobody knows how many places there are
// between two stretches: they are laid without any, and the walk is told where
// it cannot count, and where not even the order is certain.
func (p *positions) lay(roots []*node) {
	next := int64(1)
	for i, root := range roots {
		switch {
		case i == 0 && root.begins == nil:
			next = int64(p.v.cfg.WindowSize) + 1 // the log was not empty
		case i > 0:
			before := roots[i-1]
			p.v.walk.seams[next] = p.joins() && root.begins == nil && !root.precedes(&before.stretch) &&
				(before.begins != nil || before.precedes(&root.stretch))
		}
		root.base = next - root.low
		next += root.high - root.low + 1
	}
}

// contradictions looks for stretches that cannot lie one before the other. It
// comes last, so that what one answer alone shows is the first to be told.
func (p *positions) contradictions(roots []*node) {
	var beginning *node
	for _, root := range roots {
		switch {
		case beginning == nil && root.begins != nil:
			beginning = root
		case root.begins != nil:
			p.torn(beginning, root, beginning.begins, root.begins,
				fmt.Sprintf("both answers hold fewer than %d messages, so each must show the log from its first message on, and yet they share none", p.v.cfg.WindowSize))
		case beginning != nil && root.precedes(&beginning.stretch):
			p.torn(beginning, root, root.first, beginning.last,
				"the first request was answered before the second was sent, and yet the windows that join to the second's go back to the beginning of the log and never show the first's message")
		}
	}
	if beginning != nil {
		return
	}
	slices.SortStableFunc(roots, func(a, b *node) int { return cmp.Compare(a.firstReturn(), b.firstReturn()) })
	var latest *node // of those before, the one with the last call
	for _, root := range roots {
		if latest != nil && root.precedes(&latest.stretch) && latest.precedes(&root.stretch) {
			p.torn(latest, root, latest.first, root.last,
				"the windows that join to the first's and those that join to the second's share no message, though some messages of either were stored before some of the other: windows skip messages")
		}
		if latest == nil || root.lastCall() > latest.lastCall() {
			latest = root
		}
	}
}

// acksAt are the acknowledgements in the stretch with that lowest place.
func (p *positions) acksAt(bottom int64) *staircase {
	s := p.acks[bottom]
	if s == nil {
		s = new(staircase)
		p.acks[bottom] = s
	}
	return s
}

// torn reports that two stretches cannot be parts of one log.
func (p *positions) torn(a, b *node, first, second *Operation, why string) {
	p.v.report(Violation{
		Check: Contiguous, Anomaly: "gap", Seq: b.base + b.low, Size: min(a.high-a.low, b.high-b.low) + 1, Why: say(why),
	}, first.ref(), second.ref())
}

// isDouble tells whether our message r is in the log twice, or may be. To have
// two inferred places is not enough: one window that leaves messages out makes
// the places of many others doubtful.
func (p *positions) isDouble(r ref) bool {
	id := identity{nonce: r}
	return p.v.cfg.Missing.Has(Text) || p.doubled[id] || p.twoHomes[id]
}

// outOfJoint reports that the windows around our message r do not fit together:
// some leave messages out.
func (v *Verifier) outOfJoint(r ref, rec *record, seq int64) {
	refs := []ref{r}
	if before := v.log.peek(rec.seq); before.is(seen) && before.shown != r {
		refs = append(refs, before.shown)
	} else if v.merging != nil && v.merging.ref() != r {
		refs = append(refs, v.merging.ref())
	}
	v.report(Violation{
		Check: Contiguous, Anomaly: "gap", Seq: seq, Size: max(seq-rec.seq, rec.seq-seq),
		Why: say("the windows around the first request's message do not fit together: seen from one it is elsewhere in the log than seen from another, so one of them leaves messages out"),
	}, refs...)
}

// placed is w with places. An entry that tells nothing of itself has its place
// from the next one that does.
func (p *positions) placed(w []*Entry, r ref) []*Entry {
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

// find returns the root of n's stretch and n's distance from it, and shortens
// the way there.
func (n *node) find() (*node, int64) {
	if n.parent == nil {
		return n, 0
	}
	root, d := n.parent.find()
	n.distance += d
	if n.parent != root {
		n.parent = root
	}
	return root, n.distance
}

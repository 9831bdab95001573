package verify

import (
	"cmp"
	"slices"
	"time"
)

// Positions infers places in the log for a server that shows no seq. Every
// window says that its messages follow each other, which fixes the distance
// between any two of them; windows that share a message join up to one
// stretch of log. This is a union-find with distances. It is done when all
// windows are there, and takes memory for all of them.
type positions struct {
	v    *Verifier
	held []*Operation
	refs map[ref]bool // of those held

	nodes  map[identity]*node
	copies map[*Entry]*Entry
}

// An identity is what makes two entries the same message: our nonce, or all
// that is shown of somebody else's.
type identity struct {
	ours   bool
	nonce  ref
	theirs Entry
}

// A node is one message, at a distance along the log from its parent.
type node struct {
	parent   *node
	distance int64
	low      int64 // of a root: the lowest distance of its stretch, at most 0
	high     int64 // of a root: the highest, at least 0
	begins   bool  // of a root: some window of its stretch is shorter than others can be
	base     int64 // of a root: where its stretch begins in the log
}

func newPositions(v *Verifier) *positions {
	return &positions{v: v, refs: make(map[ref]bool), nodes: make(map[identity]*node), copies: make(map[*Entry]*Entry)}
}

// hold keeps a returned operation until all are there.
func (p *positions) hold(op *Operation) {
	if p.refs[op.ref()] {
		return
	}
	p.refs[op.ref()] = true
	kept := *op
	p.held = append(p.held, &kept)
}

func (p *positions) holds(r ref) bool { return p.refs[r] }

// release gives every entry its place and hands the operations on.
func (p *positions) release() {
	for _, op := range p.held {
		p.join(op.Window)
	}
	p.lay()
	for _, op := range p.held {
		op.Window, op.Replay = p.placed(op.Window), p.placed(op.Replay)
		p.v.judge(op)
	}
	p.held = nil
}

// join notes the distances that a window states.
func (p *positions) join(w []*Entry) {
	for i := range w {
		root, at := p.node(w[i]).find()
		if len(w) < p.v.cfg.WindowSize && i == 0 {
			root.begins = true
		}
		if i == 0 {
			continue
		}
		before, beforeAt := p.node(w[i-1]).find()
		if root == before {
			continue // if the distances differ, the window will show a gap
		}
		// w[i] is one after w[i-1]: root hangs below before at this distance.
		d := beforeAt + 1 - at
		root.parent, root.distance = before, d
		before.low = min(before.low, root.low+d)
		before.high = max(before.high, root.high+d)
		before.begins = before.begins || root.begins
	}
}

// lay puts the stretches one after the other. If all is well there is one. The
// one that begins the log, as its short windows say, comes first, at seq 1.
// Nobody knows how many places there are between two stretches: they are laid
// without any, and the walk is told where it can't count.
func (p *positions) lay() {
	next := int64(1)
	for i, root := range p.roots() {
		if i == 0 && !root.begins {
			next = int64(p.v.cfg.WindowSize) + 1 // the log was not empty
		}
		if i > 0 {
			p.v.walk.seams[next] = true
		}
		root.base = next - root.low
		next += root.high - root.low + 1
	}
}

// roots are the stretches in an order that real time allows, if there is one:
// one must come before another when an operation of its own had returned
// before one of the other was called.
func (p *positions) roots() []*node {
	type bounds struct{ firstReturn, lastCall time.Duration }
	known := make(map[*node]*bounds)
	var roots []*node
	for _, op := range p.held {
		for _, e := range op.Window {
			root, _ := p.node(e).find()
			b := known[root]
			if b == nil {
				b = &bounds{op.Return, op.Call}
				known[root] = b
				roots = append(roots, root)
			}
			b.firstReturn, b.lastCall = min(b.firstReturn, op.Return), max(b.lastCall, op.Call)
		}
	}
	slices.SortStableFunc(roots, func(a, b *node) int {
		if a.begins != b.begins {
			if a.begins {
				return -1
			}
			return 1
		}
		// If a must come first and b need not, then a.firstReturn < b.lastCall
		// and a.lastCall <= b.firstReturn, hence:
		x, y := known[a], known[b]
		return cmp.Compare(x.firstReturn+x.lastCall, y.firstReturn+y.lastCall)
	})
	return roots
}

// placed is w with places.
func (p *positions) placed(w []*Entry) []*Entry {
	if w == nil {
		return nil
	}
	placed := make([]*Entry, len(w))
	for i, e := range w {
		c := p.copies[e]
		if c == nil {
			root, at := p.node(e).find()
			shown := *e
			shown.Seq = root.base + at
			c = &shown
			p.copies[e] = c
		}
		placed[i] = c
	}
	return placed
}

func (p *positions) node(e *Entry) *node {
	id := identity{theirs: *e}
	if n, ok := p.v.nonce(e.Text); ok {
		id = identity{ours: true, nonce: n}
	}
	n := p.nodes[id]
	if n == nil {
		n = new(node)
		p.nodes[id] = n
	}
	return n
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

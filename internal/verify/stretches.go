package verify

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// An answer is a returned operation and the entries of its window whose messages
// are recognised.
type answer struct {
	op    *Operation
	known []anchor
}

// An anchor is an entry of a window whose message is recognised.
type anchor struct {
	index int
	node  *node
}

// A node is one message, at a distance along the log from its parent.
type node struct {
	nonce   ref  // the message's, if answers show texts; its operation's, if they show no numbers either
	doubled bool // it is twice in one window, so it says nothing about distances

	shownBy *answer // the first answer that shows it behind a known message, and does not end in it …
	behind  *node   // … and that message

	parent   *node
	distance int64
	stretch  // of a root
}

// A stretch is a part of the log that windows join up to. Its distances count
// from its root.
type stretch struct {
	low, high int64      // the lowest distance, at most 0, and the highest, at least 0
	begins    *Operation // an operation whose window is so short that the log must begin with it
	base      int64      // where the root is in the log

	// The operations of the earliest return and of the latest call. Real time
	// puts this stretch before another one whose latest call is after this
	// earliest return.
	first, last *Operation
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

// stretches are the roots of all stretches, in an order along the log.
type stretches []*node

// sort puts them in an order that real time allows, if there is one.
func (all stretches) sort() {
	slices.SortStableFunc(all, func(a, b *node) int {
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

// precedes reports whether real time puts s before t.
func (s *stretch) precedes(t *stretch) bool { return s.firstReturn() < t.lastCall() }

// lay puts the stretches one after the other. There is only one unless answers
// were lost. The stretch that begins the log, as its short windows show, comes
// first, at 1. The number of places between two stretches is unknown: lay
// leaves no room, and returns the seams, where the walk cannot count. A seam is
// false if even the order of its sides is uncertain.
func (all stretches) lay(windowSize int, joins bool) (seams map[int64]bool) {
	seams = make(map[int64]bool)
	next := int64(1)
	for i, root := range all {
		switch {
		case i == 0 && root.begins == nil:
			next = int64(windowSize) + 1 // the log was not empty
		case i > 0:
			before := all[i-1]
			seams[next] = joins && root.begins == nil && !root.precedes(&before.stretch) &&
				(before.begins != nil || before.precedes(&root.stretch))
		}
		root.base = next - root.low
		next += root.high - root.low + 1
	}
	return seams
}

// contradictions looks for stretches that cannot lie one before the other.
func (all stretches) contradictions(windowSize int) (found []contradiction) {
	contradict := func(a, b *node, first, second *Operation, why Sentence) {
		size := min(a.high-a.low, b.high-b.low) + 1
		found = append(found, contradiction{b.base + b.low, size, first.ref(), second.ref(), why})
	}
	var beginning *node
	for _, root := range all {
		switch {
		case beginning == nil && root.begins != nil:
			beginning = root
		case root.begins != nil:
			contradict(beginning, root, beginning.begins, root.begins,
				say("both answers hold fewer than %d messages, so each must show the log from its first message on, "+
					"and yet they share none", windowSize))
		case beginning != nil && root.precedes(&beginning.stretch):
			contradict(beginning, root, root.first, beginning.last,
				say("the first request was answered before the second was sent, and yet the windows that join to the second's "+
					"go back to the beginning of the log and never show the first's message"))
		}
	}
	if beginning != nil {
		return found
	}
	slices.SortStableFunc(all, func(a, b *node) int { return cmp.Compare(a.firstReturn(), b.firstReturn()) })
	var latest *node // of those before, the one with the last call
	for _, root := range all {
		if latest != nil && root.precedes(&latest.stretch) && latest.precedes(&root.stretch) {
			contradict(latest, root, latest.first, root.last,
				say("the windows that join to the first's and those that join to the second's share no message, "+
					"though some messages of either were stored before some of the other: windows skip messages"))
		}
		if latest == nil || root.lastCall() > latest.lastCall() {
			latest = root
		}
	}
	return found
}

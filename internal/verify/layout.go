package verify

// A layout is what is known beforehand of where messages lie. A server that
// shows seqs needs none: its log is one stretch from 1 on.
type layout struct {
	inferred bool           // places are inferred from how windows overlap: see positions
	seams    map[int64]bool // first places of stretches, at an unknown distance from the stretch before; false: the order is unknown too
	doubles  map[ref]bool   // messages that may be in the log twice; nil: any

	contradictions []contradiction
}

// A contradiction is that two stretches cannot be parts of one log.
type contradiction struct {
	seq, size     int64
	first, second ref
	why           Sentence
}

// mayBeTwice reports whether the message of r may be in the log twice. That it
// has two inferred places is not enough: one window that leaves messages out
// makes the places of many others doubtful.
func (l *layout) mayBeTwice(r ref) bool { return l.doubles == nil || l.doubles[r] }

// unordered returns the number of seams whose two sides may be in either order.
func (l *layout) unordered() (n int64) {
	for _, ordered := range l.seams {
		if !ordered {
			n++
		}
	}
	return n
}

package verify

import (
	"iter"
	"math"
	"time"
)

// A walk goes along the rebuilt log by seq, behind the first walk, and knows at
// each place what lies before it.
type walk struct {
	log        *rebuiltLog
	acks       *acks
	layout     *layout
	windowSize int64
	gapless    bool // see Config
	ownSender  bool // likewise

	lowest int64 // the first place that some answer shows
	prev   int64 // the last such place before this one, 0 if none …
	before cell  // … and what it holds

	adjacent  bool  // nothing lies between that place and this one
	empty     int64 // places passed that windows go past and nobody shows: holes of the numbering
	holes     []hole
	bottom    int64 // the lowest place of the stretch that is being walked
	spare     int64 // places passed that may hold a message of any sender
	midLog    bool  // the first place of this stretch may not be where the log begins
	unordered bool  // this place may come before the last one too
}

// A hole is a stretch of places that no answer shows. Its messages were sent by
// deadline, when a higher seq was acknowledged.
type hole struct {
	first, last int64
	deadline    time.Duration
}

// unknownDistance exceeds the number of places between any two that answers show.
const unknownDistance = 1 << 40

// to yields the places shown, in order, from where the walk is up to the place last.
func (w *walk) to(last int64) iter.Seq2[int64, *cell] {
	return func(yield func(int64, *cell) bool) {
		for seq, c := range w.log.cells.between(w.log.walked+1, last) {
			if !c.is(seen) {
				continue
			}
			w.arrive(seq)
			if !yield(seq, c) {
				return
			}
			w.prev, w.before = seq, *c
		}
		w.log.walked = max(w.log.walked, last)
	}
}

// arrive notes what lies between the last place and seq.
func (w *walk) arrive(seq int64) {
	w.adjacent = seq == w.prev+1 || w.ownSender // else nothing tells what lies between
	if w.prev == 0 {
		w.lowest, w.bottom, w.midLog = seq, seq, seq > 1 || w.log.fromZero
	} else if s, ok := w.log.skips[seq]; ok && s.from <= w.prev && !w.ownSender {
		w.adjacent = true
		w.empty += seq - w.prev - 1
	} else if seq > w.prev+1 {
		w.passHole(w.prev+1, seq-1)
	}
	w.unordered = false
	if ordered, seam := w.layout.seams[seq]; seam {
		w.spare += unknownDistance
		w.bottom = seq
		w.before.flags = 0 // it is no neighbour
		if !ordered {
			w.midLog, w.unordered = true, true
			w.before = cell{sentAt: math.MinInt64}
		}
	}
}

// passHole notes a hole. It may hold messages of unknown outcome: see
// contiguous.fillHoles.
func (w *walk) passHole(first, last int64) {
	w.spare += last - first + 1
	for s := first; s <= last && w.gapless; s++ {
		if _, ok := w.log.absent[s]; ok {
			return // inside some window: a gap there, and reported
		}
		if s-first > w.windowSize {
			break
		}
	}
	// A message in the hole was sent no later than the first acknowledgement of
	// a higher seq, or real-time order is broken.
	deadline := time.Duration(math.MaxInt64)
	if above, ok := w.acks.above(first); ok {
		deadline = above.at
	}
	w.holes = append(w.holes, hole{first, last, deadline})
}

package verify

import (
	"math"
	"slices"
	"sort"
	"time"
)

// A staircase is the highest acknowledged seq as a function of time.
type staircase struct {
	steps []step // ascending in both time and seq
	head  int64  // the highest seq of all
}

type step struct {
	at  time.Duration
	seq int64
	by  ref
}

func (s *staircase) add(n step) {
	s.head = max(s.head, n.seq)
	i := len(s.steps)
	if i > 0 && s.steps[i-1].at > n.at { // answers come nearly in the order of their returns
		i = sort.Search(i, func(i int) bool { return s.steps[i].at > n.at })
	}
	if i > 0 && s.steps[i-1].seq >= n.seq {
		return
	}
	j := i
	for j < len(s.steps) && s.steps[j].seq <= n.seq {
		j++
	}
	s.steps = slices.Replace(s.steps, i, j, n)
}

// before is the highest step taken before t; its seq is 0 if there is none.
func (s *staircase) before(t time.Duration) step {
	i := sort.Search(len(s.steps), func(i int) bool { return s.steps[i].at >= t })
	if i == 0 {
		return step{}
	}
	return s.steps[i-1]
}

// above is the first step higher than seq.
func (s *staircase) above(seq int64) (step, bool) {
	i := sort.Search(len(s.steps), func(i int) bool { return s.steps[i].seq > seq })
	if i == len(s.steps) {
		return step{}, false
	}
	return s.steps[i], true
}

// prune forgets the steps up to seq, which nothing above seq can ask for.
func (s *staircase) prune(seq int64) {
	i := sort.Search(len(s.steps), func(i int) bool { return s.steps[i].seq > seq })
	if i > cap(s.steps)/2 {
		s.steps = append([]step(nil), s.steps[i:]...) // slices.Clone would hold the old array if nothing is left
	}
}

// A walk is the second walk along seq and how far it has come.
type walk struct {
	done int64 // all places up to here have been walked
	base int64 // all places below it are forgotten

	lowest   int64 // the first place that some answer shows
	prev     int64 // the last such place
	prevCell cell
	oursAt   int64 // the first place of a message of ours

	counters map[int32]counter
	holes    []hole
	bottom   int64          // the lowest place of the stretch that is being walked
	spare    int64          // places that may hold a message of any sender
	seams    map[int64]bool // places before which an unknown number of places may lie; false: or that may come before the last one
	middle   bool           // the places before may not be where the log begins
	fromZero bool           // the log has a message 0
	others   bool           // somebody else wrote during the run
}

// A counter is the last known sender_count of a sender.
type counter struct {
	seq, count int64
	spare      int64 // walk.spare when it was known
	owner      ref
	ours       bool
}

// A hole is a stretch of places that no answer shows. What is in there was
// sent by deadline, when a higher seq had been acknowledged.
type hole struct {
	first, last int64
	deadline    time.Duration
}

// anyNumber is more places than a log has between two that are seen.
const anyNumber = 1 << 40

// walkTo makes the checks that follow the order of the log, up to the place last.
func (v *Verifier) walkTo(last int64) {
	k := &v.walk
	for seq, c := range v.log.between(k.done+1, last) {
		if !c.is(seen) {
			continue
		}
		if k.prev == 0 {
			k.lowest, k.bottom, k.middle = seq, seq, seq > 1 || k.fromZero
		} else if seq > k.prev+1 {
			v.unseenPlaces(k.prev+1, seq-1)
		}
		if ordered, seam := k.seams[seq]; seam {
			k.spare += anyNumber
			k.bottom = seq
			k.prevCell.flags = 0 // it is no neighbour
			if !ordered {
				k.middle = true
				k.prevCell = cell{sentAt: math.MinInt64}
				clear(k.counters)
			}
		}
		v.whose(seq, c)
		v.counter(seq, c)
		v.date(seq, c)
		v.order(seq, c)
		k.prev, k.prevCell = seq, *c
	}
	k.done = max(k.done, last)
}

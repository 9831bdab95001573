package verify

import (
	"slices"
	"sort"
	"time"
)

// acks are the acknowledgements over time: which seq was known to be in the log
// when.
type acks struct {
	staircase
	stretches map[int64]*staircase // of each stretch of the log, by its lowest place; nil if there is one log

	floor        int64 // from a stored history: operations still to return are not below it
	sentinelSeq  int64 // the highest seq of an answered sentinel
	sentinelCall time.Duration
}

// acknowledge notes that op was answered with seq, in the stretch with that
// lowest place.
func (a *acks) acknowledge(op *Operation, r ref, seq, bottom int64) {
	if op.Sentinel && seq > a.sentinelSeq {
		a.sentinelSeq, a.sentinelCall = seq, op.Call
	}
	a.add(step{op.Return, seq, r})
	if a.stretches != nil {
		a.in(bottom).add(step{op.Return, seq, r})
	}
}

// in returns the acknowledgements in the stretch with that lowest place.
func (a *acks) in(bottom int64) *staircase {
	if a.stretches == nil {
		return &a.staircase
	}
	s := a.stretches[bottom]
	if s == nil {
		s = new(staircase)
		a.stretches[bottom] = s
	}
	return s
}

// floorOf returns the highest seq that had been acknowledged by the time call.
func (a *acks) floorOf(call time.Duration) int64 { return max(a.floor, a.before(call).seq) }

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

func (s *staircase) indexAbove(seq int64) int {
	return sort.Search(len(s.steps), func(i int) bool { return s.steps[i].seq > seq })
}

// above is the first step higher than seq.
func (s *staircase) above(seq int64) (step, bool) {
	if i := s.indexAbove(seq); i < len(s.steps) {
		return s.steps[i], true
	}
	return step{}, false
}

// prune forgets the steps up to seq, which nothing above seq can ask for.
func (s *staircase) prune(seq int64) {
	if i := s.indexAbove(seq); i > cap(s.steps)/2 {
		s.steps = append([]step(nil), s.steps[i:]...) // slices.Clone would hold the old array if nothing is left
	}
}

//go:build unix

package main

import (
	"slices"
	"testing"

	"dummymessenger/internal/lab/nemesis"
)

// schedule is the first steps of a seed. Between them others may draw from the seed, as
// faults do.
func schedule(seed uint64, disturbed bool) (steps []step) {
	r := &run{Trial: nemesis.NewTrial("", seed)}
	for range 50 {
		steps = append(steps, r.next(choices))
		if disturbed {
			r.Rand.Uint64()
		}
	}
	return steps
}

// The same seed gives the same schedule, and another seed another one.
func TestSchedule(t *testing.T) {
	if a, b := schedule(1, false), schedule(1, true); !slices.Equal(a, b) {
		t.Errorf("one seed gives\n%+v\nand\n%+v", a, b)
	}
	if slices.Equal(schedule(1, false), schedule(2, false)) {
		t.Error("two seeds give the same schedule")
	}
}

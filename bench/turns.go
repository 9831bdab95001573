package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// A figure is something that runs measure.
type figure struct{ name, unit string }

var (
	throughput = figure{"throughput", "/s"}
	latency    = figure{"mean latency", "ms"}
)

// A sample is what one run measured.
type sample map[figure]float64

// A contender is one of those that take turns.
type contender struct {
	name    string
	on      *servers                                  // they run for as long as turns are taken
	run     func(ctx context.Context) (sample, error) // measures once
	samples []sample                                  // round by round
}

// A wanted line of the table is a figure of the contender a, or its ratio to b's.
type wanted struct {
	what   string
	figure figure
	a, b   *contender // b may be nil
	target target
}

// measure has a row's contenders take turns, and returns the lines that it wants.
func (b *bench) measure(ctx context.Context, r row) ([]line, error) {
	wants := r.lines(b)
	var contenders []*contender
	for _, w := range wants {
		for _, c := range []*contender{w.b, w.a} {
			if c == nil || slices.Contains(contenders, c) {
				continue
			}
			contenders = append(contenders, c)
			if c.on.group == nil {
				g, err := c.on.start(ctx)
				if err != nil {
					return nil, fmt.Errorf("%s: %w", c.on.name, err)
				}
				c.on.group = g
				defer g.stop()
			}
		}
	}
	if err := b.takeTurns(ctx, contenders, r.once); err != nil {
		return nil, err
	}
	var lines []line
	for _, w := range wants {
		a := w.a.series(w.figure)
		switch {
		case len(a.Values) == 0:
			lines = append(lines, line{What: w.what, Missing: "no run had any"})
		case w.b == nil:
			lines = append(lines, show(w.what, a, w.target))
		default:
			lines = append(lines, compare(w.what, a, w.b.series(w.figure), w.target))
		}
	}
	return lines, nil
}

// takeTurns runs each contender once as a warm-up and then once in every round,
// or only once in all. It skips the warm-up if runs are too short to compare.
func (b *bench) takeTurns(ctx context.Context, contenders []*contender, once bool) error {
	rounds, warmups := b.rounds, 1
	if once {
		rounds = 1
	}
	if once || b.tooShort {
		warmups = 0
	}
	for round := range warmups + rounds {
		var said []string
		for _, i := range turn(len(contenders), max(0, round-warmups)) {
			c := contenders[i]
			s, err := c.run(ctx)
			if err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			c.samples = append(c.samples, s)
			said = append(said, c.name+" "+s.String())
		}
		which := "warm-up"
		if round >= warmups {
			which = fmt.Sprintf("round %d of %d", round+1-warmups, rounds)
		}
		b.say("  %s: %s", which, strings.Join(said, "; "))
	}
	for _, c := range contenders {
		c.samples = c.samples[warmups:]
	}
	return nil
}

// String lists the figures in the order of their names.
func (s sample) String() string {
	var all []string
	for f, value := range s {
		all = append(all, f.name+" "+quantity(value, f.unit))
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}

// series returns one figure of all rounds that have it.
func (c *contender) series(f figure) series {
	s := series{Name: c.name, Unit: f.unit}
	for _, sample := range c.samples {
		if value, ok := sample[f]; ok {
			s.Values = append(s.Values, value)
		}
	}
	return s
}

// A series is what one contender measured, round by round.
type series struct {
	Name   string    `json:"name"`
	Unit   string    `json:"unit"`
	Values []float64 `json:"values"`
}

// median is 0 of nothing.
func median(values []float64) float64 {
	n := len(values)
	if n == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// ratios divides round by round: whatever slows the machine in a round slows
// both sides.
func ratios(a, b []float64) []float64 {
	r := make([]float64, min(len(a), len(b)))
	for i := range r {
		r[i] = a[i] / b[i]
	}
	return r
}

// turn is the order in which n contenders run in a round: every other round
// backwards, so that none always profits from what ran before it.
func turn(n, round int) []int {
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	if round%2 == 1 {
		slices.Reverse(order)
	}
	return order
}

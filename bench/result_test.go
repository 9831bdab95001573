package main

import (
	"slices"
	"strings"
	"testing"
)

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   float64
	}{
		{nil, 0},
		{[]float64{3}, 3},
		{[]float64{9, 1, 5}, 5},
		{[]float64{4, 1, 100, 2}, 3},
	} {
		given := slices.Clone(c.values)
		if got := median(c.values); got != c.want {
			t.Errorf("median(%v) = %v, want %v", given, got, c.want)
		}
		if !slices.Equal(c.values, given) {
			t.Errorf("median(%v) has changed its argument to %v", given, c.values)
		}
	}
}

// The median of the rounds' ratios is not the ratio of the medians: a round in
// which the machine was slow for both sides must not count as a difference.
func TestRatiosAreOfRounds(t *testing.T) {
	a, b := []float64{100, 10, 90}, []float64{200, 20, 190}
	got := ratios(a, b)
	if want := []float64{0.5, 0.5, 90. / 190}; !slices.Equal(got, want) {
		t.Errorf("ratios(%v, %v) = %v, want %v", a, b, got, want)
	}
}

func TestTurnsAlternate(t *testing.T) {
	for round, want := range [][]int{{0, 1, 2}, {2, 1, 0}, {0, 1, 2}, {2, 1, 0}} {
		if got := turn(3, round); !slices.Equal(got, want) {
			t.Errorf("turn(3, %d) = %v, want %v", round, got, want)
		}
	}
}

func TestQuantity(t *testing.T) {
	for _, c := range []struct {
		x    float64
		unit string
		want string
	}{
		{0.7041, "", "0.70"},
		{12.34, "", "12.3"},
		{0.2514, "ms", "0.251 ms"},
		{5.678, "ms", "5.68 ms"},
		{9812.4, "/s", "9812 /s"},
	} {
		if got := quantity(c.x, c.unit); got != c.want {
			t.Errorf("quantity(%v, %q) = %q, want %q", c.x, c.unit, got, c.want)
		}
	}
}

func TestLineMarkdown(t *testing.T) {
	ours := series{Name: "ours", Unit: "/s", Values: []float64{80, 90, 70}}
	theirs := series{Name: "theirs", Unit: "/s", Values: []float64{100, 100, 100}}
	for _, c := range []struct {
		line line
		want string
	}{
		{compare("ours ÷ theirs", ours, theirs, atLeast(0.7)),
			"| 0 | ours ÷ theirs | **0.80** | 0.70 – 0.90 | ≥ 0.70 ✓ | ours 80.0 /s ÷ theirs 100 /s |"},
		{compare("a|b", ours, theirs, atLeast(0.9)), `| 0 | a\|b | **0.80** | 0.70 – 0.90 | ≥ 0.90 ✗ | ours 80.0 /s ÷ theirs 100 /s |`},
		{show("memory", series{Unit: "MiB", Values: []float64{65}}, atMost(64)), "| 0 | memory | **65.0 MiB** | – | ≤ 64.0 MiB ✗ |  |"},
		{show("a fact", series{Unit: "ms", Values: []float64{65}}, target{}), "| 0 | a fact | **65.0 ms** | – | – |  |"},
		{line{What: "x", Void: "violated\nat length"}, "| 0 | x | **VOID** | – | – | violated |"},
		{line{What: "x", Missing: "install wrk"}, "| 0 | x | not measured | – | – | install wrk |"},
	} {
		if got := c.line.markdown(); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
}

// A void line fails the run and is reported in full. A line that lacks a
// program does neither.
func TestResultVoid(t *testing.T) {
	r := result{Lines: []line{{Row: 8, What: "x", Missing: "install wrk"}}}
	if r.void() {
		t.Error("a row that could not be measured for want of a program made the run void")
	}
	r.Lines = append(r.Lines, line{Row: 3, What: "y", Void: "the run is not verified\nseq 7 twice"})
	if !r.void() {
		t.Error("a row whose run was not verified did not make the run void")
	}
	var b strings.Builder
	r.writeMarkdown(&b)
	if !strings.Contains(b.String(), "seq 7 twice") {
		t.Errorf("the details are missing:\n%s", b.String())
	}
}

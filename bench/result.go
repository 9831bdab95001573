package main

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// A result is the outcome of a whole run.
type result struct {
	Facts    []string `json:"facts"` // where and how it was measured
	Warnings []string `json:"warnings,omitzero"`
	Lines    []line   `json:"lines"`
}

// A line is one line of the table.
type line struct {
	Row    int       `json:"row"`
	What   string    `json:"what"`
	Unit   string    `json:"unit,omitzero"`   // of Values; empty: they are ratios
	Values []float64 `json:"values,omitzero"` // round by round
	Target target    `json:"target,omitzero"`
	Sides  []series  `json:"sides,omitzero"` // what Values were divided from

	// Void says why nothing was measured: a run failed or was not verified.
	// Missing says what would have to be installed for it.
	Void    string `json:"void,omitzero"`
	Missing string `json:"missing,omitzero"`
}

// A target is what a line's median should be. The zero target is none.
type target struct {
	AtLeast float64 `json:"at_least,omitzero"`
	AtMost  float64 `json:"at_most,omitzero"`
}

func atLeast(x float64) target { return target{AtLeast: x} }
func atMost(x float64) target  { return target{AtMost: x} }

func (t target) met(x float64) bool {
	return (t.AtLeast == 0 || x >= t.AtLeast) && (t.AtMost == 0 || x <= t.AtMost)
}

func (t target) text(x float64, unit string) string {
	mark := "✗"
	if t.met(x) {
		mark = "✓"
	}
	switch {
	case t.AtLeast != 0:
		return fmt.Sprintf("≥ %s %s", quantity(t.AtLeast, unit), mark)
	case t.AtMost != 0:
		return fmt.Sprintf("≤ %s %s", quantity(t.AtMost, unit), mark)
	}
	return "–"
}

// compare is the line that divides a by b.
func compare(what string, a, b series, t target) line {
	return line{What: what, Values: ratios(a.Values, b.Values), Target: t, Sides: []series{a, b}}
}

// show is the line of one series as it is.
func show(what string, s series, t target) line {
	return line{What: what, Unit: s.Unit, Values: s.Values, Target: t}
}

// quantity writes x to about three significant digits.
func quantity(x float64, unit string) string {
	digits := 0
	switch {
	case x < 1:
		digits = 3
	case x < 10:
		digits = 2
	case x < 100:
		digits = 1
	}
	if unit == "" {
		digits = min(digits, 2) // a ratio
	}
	return strings.TrimSpace(fmt.Sprintf("%.*f %s", digits, x, unit))
}

func (l line) markdown() string {
	if problem := cmp.Or(l.Void, l.Missing); problem != "" {
		kind := "not measured"
		if l.Void != "" {
			kind = "**VOID**"
		}
		problem, _, _ = strings.Cut(problem, "\n")
		return fmt.Sprintf("| %d | %s | %s | – | – | %s |", l.Row, cell(l.What), kind, cell(problem))
	}
	value := median(l.Values)
	var sides []string
	for _, s := range l.Sides {
		sides = append(sides, s.Name+" "+quantity(median(s.Values), s.Unit))
	}
	spread := "–"
	if len(l.Values) > 1 {
		spread = quantity(slices.Min(l.Values), l.Unit) + " – " + quantity(slices.Max(l.Values), l.Unit)
	}
	return fmt.Sprintf("| %d | %s | **%s** | %s | %s | %s |", l.Row, cell(l.What), quantity(value, l.Unit), spread,
		l.Target.text(value, l.Unit), cell(strings.Join(sides, " ÷ ")))
}

// cell makes s fit for a cell of a Markdown table.
func cell(s string) string {
	return strings.NewReplacer("|", `\|`, "\n", " ").Replace(s)
}

// writeMarkdown writes what the run was, and the table.
func (r *result) writeMarkdown(w io.Writer) {
	fmt.Fprintln(w, strings.Join(r.Facts, " · "))
	for _, warning := range r.Warnings {
		fmt.Fprintf(w, "\n**Warning:** %s\n", warning)
	}
	fmt.Fprintf(w, "\n| # | what | median | least – most of the rounds | target | medians of the sides |\n")
	fmt.Fprintf(w, "| --- | --- | --- | --- | --- | --- |\n")
	for _, l := range r.Lines {
		fmt.Fprintln(w, l.markdown())
	}
	for _, l := range r.Lines {
		if _, rest, more := strings.Cut(l.Void, "\n"); more {
			rest = strings.ReplaceAll(strings.TrimSpace(rest), "\n", "\n    ")
			fmt.Fprintf(w, "\nRow %d, %s:\n\n    %s\n", l.Row, l.What, rest)
		}
	}
}

// write writes the table to stdout, and JSON to the file named, if one is.
func (r *result) write(stdout io.Writer, jsonName string) error {
	b := bufio.NewWriter(stdout)
	r.writeMarkdown(b)
	err := b.Flush()
	if jsonName == "" {
		return err
	}
	f, createErr := os.Create(jsonName)
	if createErr != nil {
		return errors.Join(err, createErr)
	}
	return errors.Join(err, json.MarshalWrite(f, r, jsontext.WithIndent("  "), json.Deterministic(true)), f.Close())
}

// void reports whether any line is void.
func (r *result) void() bool {
	return slices.ContainsFunc(r.Lines, func(l line) bool { return l.Void != "" })
}

package report

import (
	"cmp"
	"fmt"
	"slices"

	"dummymessenger/internal/report/lang"
	"dummymessenger/internal/verify"
)

// words are what the view model says, in one language.
type words struct{ lang.Lang }

// A headline is a verdict in words.
type headline struct {
	Class       string // of the style sheet
	Name, Means string
	color       string
}

// headline names a verdict, or that there is none.
func (l words) headline(v *verify.Verdict) headline {
	if v == nil {
		return headline{"unverified", l.Tr("not verified"), l.Tr("the answers were only counted (--no-verify)"), yellow}
	}
	class := v.Status.String()
	h := headline{class, l.Tr(class), l.Tr("no fault was seen, but this run could not have shown one"), yellow}
	if v.Counts.OK == 0 {
		h.Means = l.Tr("no request was answered with a window, so there was nothing to judge")
	}
	switch v.Status {
	case verify.Verified:
		h.Means, h.color = l.Tr("every answer fits one shared log"), green
	case verify.Violated:
		h.Means, h.color = l.violated(v), red
	}
	return h
}

// violated says what is wrong, and how often.
func (l words) violated(v *verify.Verdict) string {
	if v.CounterExample == nil {
		return l.Tr("the answers cannot all be true")
	}
	check := v.CounterExample.Check
	what, _, _ := v.CounterExample.Advice()
	form := "%s (%s; looked at: %s)"
	if v.BeyondTask {
		form = "%s (%s; looked at: %s); the task does not demand this, and what it demands holds"
	}
	i := slices.IndexFunc(v.Checks, func(c verify.CheckResult) bool { return c.Check == check })
	if i < 0 {
		return l.Sentence(what)
	}
	c := &v.Checks[i]
	return l.Say(form, what, verify.Quantity{N: c.Violations, Noun: "violation"}, l.Plural(c.Saw, check.Unit()))
}

// meanings say of each check what must be.
var meanings = map[verify.Check]string{
	verify.InternalConsistency: "an answer shows the caller's own message, as it was sent",
	verify.Order:               "an answer rises by seq, and ends in the caller's own message",
	verify.Contiguous:          "no message is missing, in a window or in the log",
	verify.Agreement:           "all answers show the same at one seq",
	verify.Duplicate:           "one message has one seq, and one seq one message",
	verify.LostWrite:           "what was acknowledged is in every later window that must hold it",
	verify.FutureRead:          "no window shows a higher seq than its own message's",
	verify.RealTimeOrder:       "what was answered before another was sent has the lower seq",
	verify.Counters:            "each sender's messages are counted 1, 2, 3 … along seq",
	verify.Dates:               "dates never decrease along seq, and are of the request's time",
	verify.AbortedRead:         "what certainly failed is not in the log",
	verify.GarbageRead:         "only what was sent is shown, as it was sent",
	verify.ExactlyOnce:         "a request sent again is stored once, and answered alike",
}

// held name checks by what holds if they pass, where their own names are those of faults.
var held = map[verify.Check]string{
	verify.Contiguous: "no gaps", verify.Duplicate: "no duplicates", verify.LostWrite: "no lost writes", verify.FutureRead: "no future reads",
	verify.AbortedRead: "no aborted reads", verify.GarbageRead: "no garbage reads",
}

// shortUnits say in a cell what a Check's Unit says in full.
var shortUnits = map[verify.Check]string{
	verify.Agreement: "entry", verify.Duplicate: "message", verify.LostWrite: "place", verify.RealTimeOrder: "operation",
	verify.AbortedRead: "failure", verify.GarbageRead: "message", verify.ExactlyOnce: "repeat",
}

// A checkRow is one check in words, and in the fewest words as a cell of a table.
type checkRow struct {
	Mark, Class, Result, Name, Means, Saw, Limit string

	color, number, unit string // of the cell; number may be empty
}

func (l words) checkRow(c verify.CheckResult) checkRow {
	unit := cmp.Or(shortUnits[c.Check], c.Check.Unit())
	row := checkRow{
		Mark: "✓", Class: "good", Result: l.Tr("holds"), Name: l.Tr(c.Check.String()), Means: l.Tr(meanings[c.Check]),
		Saw: l.Plural(c.Saw, c.Check.Unit()), Limit: l.Sentence(c.Limit),
		color: green, number: lang.Count(c.Saw), unit: l.Inflect(c.Saw, unit),
	}
	switch {
	case c.Violations > 0:
		row.Mark, row.Class, row.Result, row.color = "✗", "bad", l.Tr("broken"), red
		row.Saw = l.Say("%s; seen: %s", verify.Quantity{N: c.Violations, Noun: "violation"}, row.Saw)
		row.number, row.unit = lang.Count(c.Violations), l.Inflect(c.Violations, "violation")
	case c.NotCheckable.Form != "":
		row.Mark, row.Class, row.Result, row.color = "–", "none", l.Tr("not checkable"), yellow
		row.Saw = l.Say("not checkable: %s", c.NotCheckable)
		row.number, row.unit = "", row.Result
	case c.Partial:
		row.Mark, row.Class, row.Result, row.color = "–", "none", l.Tr("checked in part"), yellow
	case c.Saw == 0:
		row.Mark, row.Class, row.Result, row.color = "–", "none", l.Tr("not checked"), faint
		row.Saw = l.Say("nothing to check: %s", l.none(c.Check.Unit()))
		row.number, row.unit = "", l.none(unit)
	default:
		row.Name = l.Tr(cmp.Or(held[c.Check], c.Check.String()))
	}
	return row
}

// cell returns what follows the name in a cell. A unit without a number begins
// where numbers do.
func (r *checkRow) cell(numberWidth int) string {
	if r.number == "" {
		return r.unit
	}
	return fmt.Sprintf("%*s %s", numberWidth, r.number, r.unit)
}

// none returns "no" and the unit.
func (l words) none(unit string) string {
	return l.Say("no %s", l.Inflect(0, unit))
}

// witness names an operation.
func (l words) witness(w verify.Witness) string {
	if w.Sentinel {
		return l.Say("sentinel %d", w.Number)
	}
	return l.Say("worker %d, request %d", w.Worker, w.Number)
}

// replica names the one that served an operation.
func (l words) replica(w verify.Witness) string {
	if w.Name != "" {
		return w.Name
	}
	return l.Say("replica %d", w.Replica+1)
}

// elapsed returns a moment of the run.
func (l words) elapsed(e verify.Elapsed) string {
	return l.Point(fmt.Sprintf("%.6f", float64(e)/1e9)) + " " + l.Tr("s")
}

// plotWords returns the words that the page's script writes.
func (l words) plotWords() map[string]string {
	words := map[string]string{"point": l.Point(".")}
	for _, w := range []string{
		"time, s", "waited, ms", "seq", "all replicas", "per second", "answered", "failed", "unknown", "percentile", "slowest",
		"worker", "request", "sender", "sent", "answered after", "closer", "farther", "earlier", "later", "all", "call", "return",
		"violation", "total", "max", "ms", "/s", "s", "stored or not: unknown",
	} {
		words[w] = l.Tr(w)
	}
	return words
}

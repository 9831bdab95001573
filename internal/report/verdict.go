package report

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"dummymessenger/internal/report/lang"
	"dummymessenger/internal/verify"
)

var statusColors = map[string]string{"verified": green, "violated": red}

// headline writes what the verdict is; v may be nil.
func (t *sheet) headline(v *verify.Verdict) {
	status, name, words := t.words.headline(v)
	color := statusColors[status]
	if color == "" {
		color = yellow
	}
	t.painted(bold+";"+color, strings.ToUpper(name)+": ", color, words)
}

func (t *sheet) verdict(v *verify.Verdict) {
	t.headline(v)
	for _, reason := range v.Reasons {
		t.paragraph("  "+t.Tr("because")+" ", t.Sentence(reason))
	}
	if v.CounterExample != nil {
		t.violation(v.CounterExample)
	}
	t.checks(v.Checks)
	t.counts(v)
	for _, c := range v.Checks {
		t.worst(&c)
	}
}

// worst lists the violations of one check, the worst first.
func (t *sheet) worst(c *verify.CheckResult) {
	if len(c.Worst) == 0 {
		return
	}
	fmt.Fprintf(t, "\n%s:\n", t.Say("%s, the worst of %s", t.Tr(c.Check.String()), verify.Quantity{N: c.Violations, Noun: "violation"}))
	for _, v := range c.Worst {
		t.paragraph("  ", t.Sentence(v.Place())+": "+t.Sentence(v.Why))
	}
}

// checks writes a cell for each check, in two columns if there is room, and then
// the checks that need a sentence.
func (t *sheet) checks(checks []verify.CheckResult) {
	cells := make([]checkCell, len(checks))
	for i := range checks {
		cells[i] = t.checkCell(&checks[i])
	}
	half := (len(cells) + 1) / 2
	left, right := layOut(cells[:half]), layOut(cells[half:])
	const gap = "   "
	if 2+left.width+len(gap)+right.width > t.width {
		left, half = layOut(cells), len(cells)
	}
	for i := range half {
		line := "  " + t.cell(&cells[i], &left)
		if j := half + i; j < len(cells) {
			line += gap + t.cell(&cells[j], &right)
		}
		fmt.Fprintln(t, strings.TrimRight(line, " "))
	}
	for i := range checks {
		c := &checks[i]
		row := t.checkRow(c)
		if c.Violations > 0 || c.NotCheckable.Form != "" {
			t.paragraph("  "+row.Mark+" ", row.Name+": "+row.Saw)
		}
		if row.Limit != "" {
			t.paragraph("    ", row.Name+": "+row.Limit)
		}
	}
}

// A checkCell is one check in the fewest words.
type checkCell struct{ mark, color, name, number, unit string }

// shortUnits say in a cell what a Check's Unit says in full.
var shortUnits = map[verify.Check]string{
	verify.Agreement: "entry", verify.Duplicate: "message", verify.LostWrite: "place", verify.RealTimeOrder: "operation",
	verify.AbortedRead: "failure", verify.GarbageRead: "message", verify.ExactlyOnce: "repeat",
}

func (l words) checkCell(c *verify.CheckResult) checkCell {
	unit := c.Check.Unit()
	if short, ok := shortUnits[c.Check]; ok {
		unit = short
	}
	name := l.Tr(c.Check.String())
	if c.Check == verify.Contiguous {
		name = l.Tr("no gap")
	}
	switch {
	case c.Violations > 0:
		return checkCell{"✗", red, name, lang.Count(c.Violations), l.Inflect(c.Violations, "violation")}
	case c.NotCheckable.Form != "":
		return checkCell{"–", yellow, name, "", l.Tr("not checkable")}
	case c.Saw == 0:
		return checkCell{"–", faint, name, "", l.none(unit)}
	}
	return checkCell{"✓", green, name, lang.Count(c.Saw), l.Inflect(c.Saw, unit)}
}

// A layout is how wide the parts of cells in a column are.
type layout struct{ name, number, width int }

func layOut(cells []checkCell) (l layout) {
	unit := 0
	for i := range cells {
		c := &cells[i]
		l.name = max(l.name, utf8.RuneCountInString(c.name))
		if c.number != "" {
			l.number = max(l.number, utf8.RuneCountInString(c.number))
			unit = max(unit, utf8.RuneCountInString(c.unit))
		}
	}
	for i := range cells {
		if c := &cells[i]; c.number == "" { // its unit begins where numbers do
			unit = max(unit, utf8.RuneCountInString(c.unit)-l.number-1)
		}
	}
	l.width = 2 + l.name + 2 + l.number + 1 + unit
	return l
}

func (t *sheet) cell(c *checkCell, l *layout) string {
	rest := c.unit
	if c.number != "" {
		rest = fmt.Sprintf("%*s %s", l.number, c.number, c.unit)
	}
	color := ""
	if c.mark != "✓" {
		color = c.color
	}
	return t.paint(c.color, c.mark) + " " + fmt.Sprintf("%-*s  ", l.name, c.name) +
		t.paint(color, fmt.Sprintf("%-*s", l.width-l.name-4, rest))
}

func (t *sheet) counts(v *verify.Verdict) {
	n := &v.Counts
	var seen []string
	if n.Neighbours > 0 {
		seen = append(seen, t.Say("%s from different replicas", verify.Quantity{N: n.Neighbours, Noun: "neighbouring seq"}))
	}
	if n.Sentinels > 0 {
		seen = append(seen, t.Say("%s at the end", verify.Quantity{N: n.Sentinels, Noun: "sentinel"}))
	}
	if seen != nil {
		t.paragraph("  ", strings.Join(seen, "; "))
	}
	if n.Unknown > 0 {
		t.paragraph("  ", t.unknowns(n))
	}
	if n.Others > 0 {
		why := "the log was not empty: it shows %s of other runs"
		if v.OtherWriters {
			why = "others wrote to the log during the run: %s of theirs seen"
		}
		t.paragraph("  ", t.Say(why, verify.Quantity{N: n.Others, Noun: "message"}))
	}
	if v.CutOff {
		t.paragraph("  ", t.Tr("the history is cut off; what is there was judged"))
	}
}

func (l words) unknowns(n *verify.Counts) string {
	return l.Say("of %s unknown: %s stored, %s not stored, %s never settled", lang.Count(n.Unknown), lang.Count(n.Stored),
		lang.Count(n.NotStored), lang.Count(n.Unsettled))
}

// anomaly names a violation.
func (l words) anomaly(v *verify.Violation) string {
	if v.Anomaly == v.Check.String() {
		return l.Anomaly(v.Anomaly)
	}
	return l.Anomaly(v.Anomaly) + " (" + l.Tr(v.Check.String()) + ")"
}

// violation writes a case in words, and what the operations saw.
func (t *sheet) violation(v *verify.Violation) {
	fmt.Fprintln(t)
	t.paragraph("", t.anomaly(v)+": "+t.Sentence(v.Why))
	if len(v.Session) > 0 {
		t.paragraph("  ", t.broken(v.Session))
	}
	for i := range v.Witnesses {
		t.witness(&v.Witnesses[i], v.Inferred)
	}
	fmt.Fprintln(t)
}

// broken names session guarantees.
func (l words) broken(session []string) string {
	var names []string
	for _, s := range session {
		names = append(names, l.Tr(s))
	}
	return l.Say("both are one worker's own, so this breaks %s too", strings.Join(names, ", "))
}

// witness writes one operation. It leaves out what the server does not show, and
// marks inferred places with a tilde.
func (t *sheet) witness(w *verify.Witness, inferred bool) {
	who := t.words.witness(w)
	if w.Forgotten {
		t.paragraph("  ", t.Say("%s: %s, no longer remembered (--stream)", who, t.Tr(w.Outcome)))
		return
	}
	t.paragraph("  ", t.Say("%s at %s, from %s: %s, sent at %s, ended at %s",
		who, t.replica(w), w.Sender, t.Tr(w.Outcome), t.elapsed(w.Call), t.elapsed(w.Return)))
	for _, e := range w.Window {
		own := " "
		if e.Seq == w.Seq {
			own = ">"
		}
		place, count, date := strconv.FormatInt(e.Seq, 10), "", ""
		if inferred {
			place = "~" + place
		}
		if e.SenderCount != 0 {
			count = strconv.FormatInt(e.SenderCount, 10)
		}
		if e.SentAt != 0 {
			date = time.UnixMicro(e.SentAt).UTC().Format("15:04:05.000000")
		}
		line := fmt.Sprintf("   %s %6s  %-12s %5s  ", own, place, fit(e.Sender, 12), count)
		if t.width >= usualWidth {
			line += fmt.Sprintf("%-15s  ", date)
		}
		fmt.Fprintf(t, "%s%s\n", line, excerpt(e.Text, t.width-utf8.RuneCountInString(line)))
	}
}

// excerpt returns the beginning of text, quoted, on one line.
func excerpt(text string, width int) string {
	quoted := []rune(fmt.Sprintf("%q", text))
	if len(quoted) > width {
		return string(quoted[:width-1]) + "…"
	}
	return string(quoted)
}

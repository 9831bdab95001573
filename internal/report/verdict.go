package report

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"dummymessenger/internal/report/lang"
	"dummymessenger/internal/verify"
)

// headline writes what the verdict is; v may be nil.
func (t *sheet) headline(v *verify.Verdict) {
	h := t.words.headline(v)
	t.painted(bold+";"+h.color, strings.ToUpper(h.Name)+": ", h.color, h.Means)
}

func (t *sheet) verdict(v *verify.Verdict) {
	t.headline(v)
	for _, reason := range v.Reasons {
		t.paragraph("  "+t.Tr("because")+" ", t.Sentence(reason))
	}
	if n := v.CounterExample; n != nil {
		t.violation(n)
		if _, cause, mend := n.Advice(); cause.Form != "" {
			t.paragraph(t.Tr("usual cause")+": ", t.Sentence(cause))
			t.paragraph(t.Tr("usual remedy")+": ", t.Sentence(mend))
			fmt.Fprintln(t)
		}
	}
	t.checks(v.Checks)
	t.counts(v)
	for _, c := range v.Checks {
		told := v.CounterExample != nil && v.CounterExample.Check == c.Check && c.Violations == 1
		if len(c.Worst) > 0 && !told {
			t.worst(&c)
		}
	}
}

// worst lists the violations of one check, the worst first.
func (t *sheet) worst(c *verify.CheckResult) {
	fmt.Fprintf(t, "\n%s:\n", t.Say("%s, the worst of %s", t.Tr(c.Check.String()), verify.Quantity{N: c.Violations, Noun: "violation"}))
	for _, v := range c.Worst {
		why := t.Sentence(v.Why)
		place := t.Sentence(v.Place())
		if !regexp.MustCompile(regexp.QuoteMeta(place) + `(\D|$)`).MatchString(why) {
			why = place + ": " + why
		}
		t.paragraph("  ", why)
	}
}

// checks writes a cell for each check, in two columns if there is room, and then
// the checks that need a sentence.
func (t *sheet) checks(checks []verify.CheckResult) {
	rows := make([]checkRow, len(checks))
	for i, c := range checks {
		rows[i] = t.checkRow(c)
	}
	half := (len(rows) + 1) / 2
	left, right := layOut(rows[:half]), layOut(rows[half:])
	const gap = "   "
	if 2+left.width()+len(gap)+right.width() > t.width {
		left, half = layOut(rows), len(rows)
	}
	for i := range half {
		line := "  " + t.cell(&rows[i], left)
		if j := half + i; j < len(rows) {
			line += gap + t.cell(&rows[j], right)
		}
		fmt.Fprintln(t, strings.TrimRight(line, " "))
	}
	for i, c := range checks {
		row := &rows[i]
		if c.NotCheckable.Form != "" {
			t.paragraph("  "+row.Mark+" ", row.Name+": "+row.Saw)
		}
		if row.Limit != "" {
			t.paragraph("    ", row.Name+": "+row.Limit)
		}
	}
}

// A layout is how wide the parts of a column of cells are: the name, the number,
// and what follows the name.
type layout struct{ name, number, rest int }

func (l layout) width() int { return 2 + l.name + 2 + l.rest }

func layOut(rows []checkRow) (l layout) {
	for i := range rows {
		l.name, l.number = max(l.name, runeCount(rows[i].Name)), max(l.number, runeCount(rows[i].number))
	}
	for i := range rows {
		l.rest = max(l.rest, runeCount(rows[i].cell(l.number)))
	}
	return l
}

func (t *sheet) cell(r *checkRow, l layout) string {
	color := ""
	if r.Mark != "✓" {
		color = r.color
	}
	return t.paint(r.color, r.Mark) + " " + fmt.Sprintf("%-*s  ", l.name, r.Name) +
		t.paint(color, fmt.Sprintf("%-*s", l.rest, r.cell(l.number)))
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
		t.paragraph("  ", t.unknowns(v.Counts))
	}
	if n.Others > 0 {
		why := "%s of other runs seen"
		if v.OtherWriters {
			why = "others wrote to the log during the run: %s of theirs seen"
		}
		t.paragraph("  ", t.Say(why, verify.Quantity{N: n.Others, Noun: "message"}))
	}
	for _, note := range v.Notes {
		t.paragraph("  ", t.Sentence(note))
	}
	if v.CutOff {
		t.paragraph("  ", t.Tr("the history is cut off; what is there was judged"))
	}
}

func (l words) unknowns(n verify.Counts) string {
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
	counted := slices.ContainsFunc(v.Witnesses, func(w verify.Witness) bool {
		return slices.ContainsFunc(w.Window, func(e verify.Entry) bool { return e.SenderCount != 0 })
	})
	for _, w := range v.Witnesses {
		t.witness(w, v.Inferred, counted)
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

// witness writes one operation. It leaves out what the server does not show, such as
// counts, and marks inferred places with a tilde.
func (t *sheet) witness(w verify.Witness, inferred, counted bool) {
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
		place, count := strconv.FormatInt(e.Seq, 10), ""
		if inferred {
			place = "~" + place
		}
		if counted {
			count = strconv.FormatInt(e.SenderCount, 10)
		}
		line := fmt.Sprintf("   %s %6s  %-12s %5s  ", own, place, fit(e.Sender, 12), count)
		if t.width >= usualWidth {
			line += fmt.Sprintf("%-15s  ", clockTime(e.SentAt))
		}
		fmt.Fprintf(t, "%s%s\n", line, t.text(e.Text, t.width-runeCount(line)))
	}
}

// clockTime returns the time of day of a date, "" if the server shows none.
func clockTime(sentAt int64) string {
	if sentAt == 0 {
		return ""
	}
	return time.UnixMicro(sentAt).UTC().Format("15:04:05.000000")
}

// text returns the beginning of a message's text, quoted, or what is known of it: an old
// one's nonce, which tells who sent it.
func (l words) text(text string, width int) string {
	if nonce, ok := verify.FindNonce(text); ok && nonce.String() == text {
		return fit(l.Say("of worker %d, request %d", nonce.Worker, nonce.Number), width)
	}
	return excerpt(text, width)
}

// excerpt returns the beginning of text, quoted, on one line.
func excerpt(text string, width int) string {
	quoted := []rune(fmt.Sprintf("%q", text))
	if len(quoted) > width {
		return string(quoted[:width-1]) + "…"
	}
	return string(quoted)
}

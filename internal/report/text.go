package report

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"dummymessenger/internal/measure"
	"dummymessenger/internal/report/lang"
	"dummymessenger/internal/verify"
)

// A Style says what the reader's terminal can show.
type Style struct {
	Lang  lang.Lang
	Width int  // of a terminal, in columns; 0 means 80
	Color bool // ECMA-48 colours
	ASCII bool // ASCII only
}

// WriteText writes r for people, on one screen if all is well: the figures, then
// the verdict.
func WriteText(w io.Writer, r *Result, s Style) error {
	t := newSheet(s)
	for _, cause := range r.Causes() {
		t.painted("", "", bold+";"+red, t.Sentence(cause))
	}
	if r.Run != nil && r.Run.GaveUp {
		t.painted("", "", bold+";"+red, t.gaveUp(r.Run))
		fmt.Fprintln(t)
	}
	if r.Run != nil {
		t.run(r.Run)
		fmt.Fprintln(t)
	}
	if r.Verdict != nil {
		t.verdict(r.Verdict)
	} else {
		t.headline(nil)
	}
	if r.Crossed != nil {
		fmt.Fprintln(t)
	}
	for _, crossed := range r.Crossed {
		t.paragraph(t.Tr("threshold not kept")+"  ", t.Sentence(crossed))
	}
	return t.writeTo(w, s)
}

// A sheet is a text that is written to a width.
type sheet struct {
	bytes.Buffer
	words
	width int
	color bool
}

const (
	usualWidth = 80
	leastWidth = 40
)

func newSheet(s Style) *sheet {
	t := &sheet{words: words{s.Lang}, width: usualWidth, color: s.Color}
	if s.ASCII {
		t.Lang = "en"
	}
	if s.Width > 0 {
		t.width = max(leastWidth, min(s.Width, usualWidth))
	}
	return t
}

func (t *sheet) writeTo(w io.Writer, s Style) error {
	text := t.String()
	if s.ASCII {
		text = toASCII(text)
	}
	_, err := io.WriteString(w, text)
	return err
}

// paint colours text if the terminal has colours.
func (t *sheet) paint(color, text string) string {
	if !t.color || color == "" {
		return text
	}
	return "\x1b[" + color + "m" + text + "\x1b[0m"
}

// paragraph writes text behind prefix and indents what does not fit on the line.
func (t *sheet) paragraph(prefix, text string) {
	t.painted("", prefix, "", text)
}

func (t *sheet) painted(prefixColor, prefix, color, text string) {
	indent := max(runeCount(prefix), 2)
	for i, line := range wrap(text, t.width-indent) {
		if i > 0 {
			prefix = strings.Repeat(" ", indent)
		}
		fmt.Fprintf(t, "%s%s\n", t.paint(prefixColor, prefix), t.paint(color, line))
	}
}

func (t *sheet) run(r *measure.Run) {
	head := t.Say("%s, %s, %s", verify.Quantity{N: r.Sent, Noun: "request"},
		verify.Quantity{N: int64(r.Workers), Noun: "worker"}, verify.Quantity{N: int64(len(r.Replicas)), Noun: "replica"})
	if r.Rate > 0 {
		head += ", " + t.Say("%s due per second", lang.Amount(r.Rate))
	}
	if r.GaveUp {
		head += ", " + t.Tr("given up")
	}
	if r.Interrupted {
		head += ", " + t.Tr("interrupted")
	}
	t.paragraph("", head+" · "+t.Say("run %s, --seed %d", r.ID, r.Seed))
	fmt.Fprintln(t)
	t.numbers(r)
	fmt.Fprintln(t)

	var lines [][]string
	add := func(label, color, text string) {
		if text != "" {
			lines = append(lines, []string{t.Tr(label), color, text})
		}
	}
	add("latency", "", t.percentiles(&r.Latency))
	if r.Service != nil {
		add("service", "", t.percentiles(r.Service))
		add("", "", t.Say("waits count from when a request was due, service from when it was sent; %s were sent over 1 ms late, %s never",
			lang.Count(r.Late), lang.Count(r.Dropped)))
	}
	color := ""
	if r.Failed+r.Unknown > 0 {
		color = yellow
	}
	add("outcomes", color, t.Say("%s answered · %s failed · %s unknown", lang.Count(r.OK), lang.Count(r.Failed), lang.Count(r.Unknown)))
	for _, f := range r.Failures {
		many := lang.Count(f.Count) + " "
		if len(r.Failures) == 1 { // the line above says how many
			many = ""
		}
		add("", "", many+t.Tr(f.Outcome)+": "+t.Reason(f.Reason))
		if f.First != "" {
			add("", "", t.Tr("the first one:")+" "+f.First)
		}
		if f.Senders != nil {
			add("", "", t.Tr("only with the sender:")+" "+strings.Join(f.Senders, ", "))
		}
	}
	if r.Retried > 0 {
		add("", "", t.Say("tried again: %s", verify.Quantity{N: r.Retried, Noun: "time"}))
	}
	if n := r.Replayed + r.Unreplayed; n > 0 {
		add("", "", t.Say("sent once more after the answer, for a comparison: %s, %s in vain; not in the figures",
			verify.Quantity{N: n, Noun: "request"}, lang.Count(r.Unreplayed)))
	}
	add("senders", "", t.senders(r))
	add("client", "", t.clientLimit(r, false))
	label := columnWidths(lines)[0]
	for _, l := range lines {
		t.painted("", fmt.Sprintf("%-*s  ", label, l[0]), l[1], l[2])
	}
	fmt.Fprintln(t)
	t.table(t.replicas(r))
}

// gaveUp says why the run was given up, and what to do.
func (l words) gaveUp(r *measure.Run) string {
	most := measure.Failure{}
	if len(r.Failures) > 0 {
		most = r.Failures[0]
	}
	advice := "the answers are not of the shape that the profile tells; \"client probe URL\" writes one that fits"
	switch most.Reason {
	case "status 401", "status 403":
		advice = "the server wants to know who asks: --token-file"
	case "status 404", "status 405":
		advice = "is the path right? it is the URL's, and behind it the profile's, /messages if there is no --profile; " +
			"\"client probe URL\" looks for it"
	case "status 400", "status 415", "status 422":
		advice = "the server does not take such requests; \"client probe URL\" finds out what it takes, " +
			"and --texts and --max-text keep to what it allows"
	}
	return l.Say("none of the first answers could be read (%s), so the run was given up: %s",
		l.Reason(most.Reason), l.Tr(advice))
}

// numbers writes the three main figures.
func (t *sheet) numbers(r *measure.Run) {
	var rows [][]string // name, value, unit, remark
	for _, n := range t.bigNumbers(r) {
		rows = append(rows, []string{strings.ToUpper(n.Name), n.Value, n.Unit, n.Remark})
		if n.Second != "" {
			rows = append(rows, []string{"", n.Second, n.Unit, n.SecondRemark})
		}
	}
	w := columnWidths(rows)
	for _, row := range rows {
		prefix, remark := fmt.Sprintf("  %-*s  %*s %-*s   ", w[0], row[0], w[1], row[1], w[2], row[2]), row[3]
		if t.width-runeCount(prefix) < runeCount(remark)/2 {
			fmt.Fprintln(t, t.paint(bold, strings.TrimRight(prefix, " ")))
			t.paragraph("    ", remark)
			continue
		}
		t.painted(bold, prefix, "", remark)
	}
}

// table writes rows in columns, the first left-aligned and shortened to fit, the
// others right-aligned.
func (t *sheet) table(rows [][]string) {
	widths := columnWidths(rows)
	gap, rest := 2, 0
	for _, w := range widths[1:] {
		rest += w
	}
	const legible = 23 // of the first column
	if t.width-rest-gap*len(widths[1:]) < min(widths[0], legible) {
		gap = 1
	}
	widths[0] = max(min(widths[0], t.width-rest-gap*len(widths[1:])), 8)
	for _, row := range rows {
		var line strings.Builder
		fmt.Fprintf(&line, "%-*s", widths[0], fit(row[0], widths[0]))
		for i, cell := range row[1:] {
			fmt.Fprintf(&line, "%*s", gap+widths[i+1], cell)
		}
		fmt.Fprintln(t, strings.TrimRight(line.String(), " "))
	}
}

// replicas is a table of them. Columns of zeros are left out.
func (l words) replicas(r *measure.Run) [][]string {
	head := []string{l.Tr("replica"), l.Tr("answered"), l.Tr("per second"), l.Tr("mean, ms"), l.Tr("p99, ms")}
	if r.Failed > 0 {
		head = append(head, l.Tr("failed"))
	}
	if r.Unknown > 0 {
		head = append(head, l.Tr("unknown"))
	}
	rows := [][]string{head}
	for _, replica := range r.Replicas {
		row := []string{replica.URL, lang.Count(replica.OK), l.Decimal(replica.Throughput), l.Decimal(replica.Latency.Mean),
			l.Percentile(replica.Latency.P99)}
		if r.Failed > 0 {
			row = append(row, lang.Count(replica.Failed))
		}
		if r.Unknown > 0 {
			row = append(row, lang.Count(replica.Unknown))
		}
		rows = append(rows, row)
	}
	return rows
}

// senders says how evenly senders were served.
func (l words) senders(r *measure.Run) string {
	if len(r.Senders) == 0 {
		return ""
	}
	byOK := func(a, b measure.Sender) int { return cmp.Compare(a.OK, b.OK) }
	least, most := slices.MinFunc(r.Senders, byOK), slices.MaxFunc(r.Senders, byOK)
	if most.OK == 0 {
		return ""
	}
	return l.Say("%d, each answered %s (%s) to %s (%s) times", len(r.Senders),
		lang.Count(least.OK), least.Name, lang.Count(most.OK), most.Name)
}

func (l words) percentiles(t *measure.Latency) string {
	if t.Count == 0 {
		return ""
	}
	s := fmt.Sprintf("p50 %s · p90 %s · p95 %s · p99 %s", l.Percentile(t.P50), l.Percentile(t.P90), l.Percentile(t.P95),
		l.Percentile(t.P99))
	if t.P999 > 0 {
		s += " · p99" + l.Point(".9") + " " + l.Decimal(t.P999)
	}
	return s + " · " + l.Tr("max") + " " + l.Decimal(t.Max) + " " + l.Tr("ms")
}

// fit shortens s to width characters: the last ones, which tell names apart.
func fit(s string, width int) string {
	if n := runeCount(s); n > width {
		return "…" + string([]rune(s)[n-width+1:])
	}
	return s
}

// clientLimit says whether the client itself limited the run, and why we think so.
func (l words) clientLimit(r *measure.Run, long bool) string {
	g := &r.Generator
	busy := verify.Sentence{Form: "%s of %d processors busy", Args: []any{lang.Amount(g.CPU), g.CPUs}}
	if long || g.Connections > int64(r.Workers*len(r.Replicas)) { // some had to be opened again
		busy = verify.Sentence{Form: "%s of %d processors busy, connections opened: %s",
			Args: []any{lang.Amount(g.CPU), g.CPUs, lang.Count(g.Connections)}}
	}
	waiting, workers := lang.Amount(g.Concurrency), lang.Count(int64(r.Workers))
	switch {
	case r.Dropped*100 > r.Sent || r.Late*100 > r.Sent && backlogged(r):
		return l.Say("could not keep the rate: too few workers, or the servers' limit; %s", busy)
	case r.Rate > 0 || r.Failed+r.Unknown > 0 || r.Sent == 0:
		return l.Say("%s of %s workers waiting, %s", waiting, workers, busy)
	case g.Concurrency < 0.75*float64(r.Workers):
		return l.Say("was a limit, or the run too short: %s of %s workers waiting, %s", waiting, workers, busy)
	}
	return l.Say("not the limit: %s of %s workers waiting, %s", waiting, workers, busy)
}

// backlogged reports whether an open loop was short of workers: more than half
// of them were busy on average, or as many requests waited for one (by Little's
// law). Otherwise the clock or the scheduler made requests late.
func backlogged(r *measure.Run) bool {
	waiting := 0.0
	if r.Service != nil {
		waiting = r.Rate * (r.Latency.Mean - r.Service.Mean) / 1000
	}
	return max(r.Generator.Concurrency, waiting) > float64(r.Workers)/2
}

// wrap breaks text at spaces into lines of at most width characters, unless a word
// is longer. A number and the word behind it count as one, as do a word and the
// separator behind it.
func wrap(text string, width int) (lines []string) {
	var words []string
	number := false
	for word := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == ' ' || r == '\n' }) {
		if last := len(words) - 1; last >= 0 && (number || word == "·") {
			words[last] += " " + word
		} else {
			words = append(words, word)
		}
		number = isNumber(word) && !number
	}
	for _, word := range words {
		last := len(lines) - 1
		if last >= 0 && runeCount(lines[last])+1+runeCount(word) <= width {
			lines[last] += " " + word
		} else {
			lines = append(lines, word)
		}
	}
	return lines
}

// isNumber reports whether word is one, with nothing behind it.
func isNumber(word string) bool {
	return word != "" && '0' <= word[len(word)-1] && word[len(word)-1] <= '9' && strings.Trim(word, "0123456789.,"+lang.Thin) == ""
}

// runeCount is the width of text, but for wide characters and combining marks.
func runeCount(text string) int { return utf8.RuneCountInString(text) }

// columnWidths returns the width of the widest cell of each column.
func columnWidths(rows [][]string) []int {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], runeCount(cell))
		}
	}
	return widths
}

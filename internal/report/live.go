package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/mattn/go-runewidth"

	"dummymessenger/internal/measure"
	"dummymessenger/internal/report/lang"
	"dummymessenger/internal/verify"
)

// A Live is the state of a run, as the terminal shows it.
type Live struct {
	Elapsed time.Duration
	Limit   time.Duration // of a run limited by time, warm-up included; else 0
	Warmup  time.Duration // what ends in it is not counted
	Planned int64         // of a run limited by number; else 0
	URLs    []string      // of the replicas

	measure.Snapshot
	P50, P99 float64      // milliseconds; 0 if nothing was answered yet
	InFlight int64        // requests under way
	Rates    []int64      // answered per second, in the latest stretches of time
	Checks   *verify.Live // nil if nothing is verified
	Settling bool         // the load has ended, and sentinels ask where the log does; Elapsed stands still
	Over     bool         // all requests have ended
}

// maxLiveReplicas is how many replicas have a line of their own.
const maxLiveReplicas = 8

// Progress returns v in one plain line. last is the number of answers a second ago.
func (v *Live) Progress(last int64, l lang.Lang) string {
	line := l.Say("%s s  %s answered, %s/s, %s failed, %s unknown",
		fmt.Sprintf("%3.0f", v.Elapsed.Seconds()), lang.Count(v.OK), lang.Count(v.OK-last), lang.Count(v.Failed), lang.Count(v.Unknown))
	if v.Checks != nil {
		line += ", " + l.Plural(v.Checks.Violations, "violation")
	}
	return line
}

// ANSI colours (ECMA-48, SGR).
const (
	bold   = "1"
	faint  = "2"
	red    = "31"
	green  = "32"
	yellow = "33"
	cyan   = "36"
)

// A span is text in one colour, "" for the terminal's own.
type span struct{ text, color string }

// silence is after how long a replica that has answered nothing is shown as silent.
const silence = 2 * time.Second

// Lines returns v in at most height lines, none wider than width columns. Replicas
// are the first to be left out.
func (v *Live) Lines(width, height int, s Style) []string {
	l := s.Lang
	if s.ASCII {
		l = "en"
	}
	done := v.OK + v.Failed + v.Unknown
	bad := func(n int64, word, color string) span {
		if n == 0 {
			color = ""
		}
		return span{l.Plural(n, word), color}
	}
	dot := span{" · ", faint}

	lines := [][]span{v.progress(done, width, l)}
	rate := int64(0)
	if v.Elapsed > 0 {
		rate = int64(float64(v.OK) / v.Elapsed.Seconds())
	}
	lines = append(lines, []span{{fmt.Sprintf("%8s", lang.Count(rate)), bold}, {l.Tr("/s") + "  ", ""},
		{sparkline(v.Rates, width-16), cyan}})

	lines = append(lines, []span{
		{l.Say("p50 %s · p99 %s ms", l.Percentile(v.P50), l.Percentile(v.P99)), ""}, dot,
		{lang.Count(v.InFlight) + " " + l.Tr("in flight"), ""}, dot, bad(v.Failed, "failed", red), dot, bad(v.Unknown, "unknown", yellow),
	})
	replicas := make([]measure.Answers, len(v.URLs))
	copy(replicas, v.ByReplica)
	most, name := int64(1), 0
	for i, url := range v.URLs {
		most, name = max(most, replicas[i].OK), max(name, runewidth.StringWidth(url))
	}
	name = min(name, max(width-30, 14))
	overdue := v.OK >= int64(20*len(v.URLs)) || v.OK == 0 && v.InFlight > 0 // a replica that answers would have answered
	for i, url := range v.URLs[:max(0, min(len(v.URLs), maxLiveReplicas, height-len(lines)-1))] {
		r := replicas[i]
		color, number := "", bold
		rest := span{strings.Repeat("▪", int(float64(r.OK)/float64(most)*float64(max(min(width-name-14, 40), 1)))), cyan}
		if r.OK == 0 && (r.Trouble != "" || v.Elapsed > v.Warmup+silence && overdue) {
			color, number, rest = red, red, span{l.Reason(cmp.Or(r.Trouble, "no answer yet")), red}
		}
		lines = append(lines, []span{
			{runewidth.FillRight(fit(url, name), name), color}, {fmt.Sprintf("  %8s  ", lang.Count(r.OK)), number}, rest,
		})
	}
	lines = append(lines, v.checks(l, dot, bad))

	var painted []string
	for _, line := range lines[:min(len(lines), height)] {
		painted = append(painted, paint(line, width, s))
	}
	return painted
}

func (v *Live) progress(done int64, width int, l lang.Lang) []span {
	share, left, goal := 0.0, time.Duration(0), ""
	switch {
	case v.Planned > 0:
		share, goal = float64(done)/float64(v.Planned), " / "+lang.Count(v.Planned)
		if share > 0 {
			left = time.Duration(float64(v.Elapsed) * (1/share - 1))
		}
	case v.Limit > 0:
		share, left = v.Elapsed.Seconds()/v.Limit.Seconds(), v.Limit-v.Elapsed
	}
	share = max(0, min(share, 1))
	time := func(d time.Duration) string { return l.Point(fmt.Sprintf("%.1f", d.Seconds())) }
	text := fmt.Sprintf(" %3.0f %%  %s%s  ", share*100, lang.Count(done), goal) + l.Say("%s s", time(v.Elapsed))
	if v.Settling && !v.Over {
		text += l.Tr(", asking where the log ends")
	} else if !v.Over && left > 0 {
		text += l.Say(", left %s s", time(left))
	}
	bar := max(min(width-44, 40), 6)
	full := int(share * float64(bar))
	return []span{{strings.Repeat("█", full), green}, {strings.Repeat("░", bar-full), faint}, {text, ""}}
}

func (v *Live) checks(l lang.Lang, dot span, bad func(int64, string, string) span) []span {
	c := v.Checks
	if c == nil {
		return []span{{l.Tr("not verified"), faint}}
	}
	mark := span{"✓ ", green}
	if c.Violations > 0 {
		mark = span{"✗ ", red}
	}
	violations := span{l.Plural(c.Violations, "violation"), mark.color}
	line := []span{mark, {l.Plural(c.CrossChecked, verify.Agreement.Unit()), ""}, dot, violations, dot, bad(c.Unknown, "unknown", yellow)}
	if c.First != nil {
		line = append(line, dot, span{l.Sentence(c.First.Why), red})
	}
	return line
}

// sparkline draws the latest values that fit, the highest at full height.
func sparkline(values []int64, width int) string {
	values = values[max(0, len(values)-max(width, 0)):]
	if len(values) == 0 {
		return ""
	}
	most := max(slices.Max(values), 1)
	var b strings.Builder
	for _, n := range values {
		b.WriteRune([]rune("▁▂▃▄▅▆▇█")[max(0, n)*7/most])
	}
	return b.String()
}

// ascii stands in for what a terminal without Unicode cannot show.
var ascii = strings.NewReplacer(lang.Thin, " ", "█", "#", "░", ".", "▪", "=", " · ", " | ", "✓", "+", "✗", "!", "–", "-", "…", "~",
	"÷", "/",
	"▁", "_", "▂", "_", "▃", "-", "▄", "-", "▅", "=", "▆", "=", "▇", "#")

// toASCII returns text in ASCII.
func toASCII(text string) string {
	return strings.Map(func(r rune) rune {
		if r > '~' {
			return '?'
		}
		return r
	}, ascii.Replace(text))
}

// paint joins spans and cuts what does not fit. It drops control characters,
// so that texts of servers cannot move the cursor.
func paint(line []span, width int, s Style) string {
	var b strings.Builder
	cut := "…"
	if s.ASCII {
		cut = "~"
	}
	for _, part := range line {
		if width <= 0 {
			break
		}
		text := strings.Map(func(r rune) rune {
			if r < ' ' || r >= 0x7f && r < 0xa0 {
				return -1
			}
			return r
		}, part.text)
		if s.ASCII {
			text = toASCII(text)
		}
		if text == "" {
			continue
		}
		if wide := runewidth.StringWidth(text); wide > width {
			text = runewidth.Truncate(text, width, cut)
			width = 0
		} else {
			width -= wide
		}
		if s.Color && part.color != "" {
			text = "\x1b[" + part.color + "m" + text + "\x1b[0m"
		}
		b.WriteString(text)
	}
	return b.String()
}

package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"math"
	"strings"

	"dummymessenger/internal/measure"
	"dummymessenger/internal/report/lang"
	"dummymessenger/internal/verify"
)

// A Search is the rates that were tried to find the highest that keeps a limit.
type Search struct {
	Limit string       `json:"limit"` // as it was written
	Steps []SearchStep `json:"steps"`

	Interrupted bool `json:"interrupted,omitzero"` // by a signal
	Stopped     bool `json:"stopped,omitzero"`     // since the last step left no hope for other rates
}

// A SearchStep is one rate that was tried.
type SearchStep struct {
	Rate      float64           `json:"rate"`
	Value     float64           `json:"value_ms"` // of the limited figure
	Limit     float64           `json:"limit_ms"`
	Why       verify.Sentence   `json:"why_not,omitzero"` // the limit was not kept
	Status    verify.Status     `json:"verdict"`
	Violation *verify.Violation `json:"violation,omitzero"`
	Run       measure.Run       `json:"run"`
}

// Kept reports whether the limit was.
func (s *SearchStep) Kept() bool { return s.Why.Form == "" && s.Status != verify.Violated }

// Unanswered reports whether no request was.
func (s *SearchStep) Unanswered() bool { return s.Run.OK == 0 && s.Run.Sent+s.Run.Dropped > 0 }

// mark shows whether the limit was kept, and whether that is verified.
func (s *SearchStep) mark() string {
	switch {
	case !s.Kept():
		return "✗"
	case s.Status != verify.Verified:
		return "–"
	}
	return "✓"
}

// Best is the highest rate that was kept, nil if none was.
func (s *Search) Best() (best *SearchStep) {
	for i := range s.Steps {
		if step := &s.Steps[i]; step.Kept() && (best == nil || step.Rate > best.Rate) {
			best = step
		}
	}
	return best
}

// next is the lowest rate above the best that was not kept, nil if there is none.
func (s *Search) next() (next *SearchStep) {
	best := s.Best()
	for i := range s.Steps {
		step := &s.Steps[i]
		if !step.Kept() && (best == nil || step.Rate > best.Rate) && (next == nil || step.Rate < next.Rate) {
			next = step
		}
	}
	return next
}

// Violation is what ended the search, nil if nothing was violated.
func (s *Search) Violation() *verify.Violation {
	for i := range s.Steps {
		if s.Steps[i].Status == verify.Violated {
			return s.Steps[i].Violation
		}
	}
	return nil
}

const searchColumns = "%12s %12s %10s %10s  %s"

// Head is the line above the steps'.
func (s *Search) Head(l lang.Lang) string {
	return fmt.Sprintf(searchColumns, l.Tr("rate, /s"), l.Tr("answered, /s"), l.Tr("p50, ms"), l.Tr("p99, ms"), s.Limit)
}

// Line is a step as it ends.
func (s *SearchStep) Line(l lang.Lang) string {
	how := l.Tr(s.Status.String())
	if !s.Kept() && s.Status != verify.Violated {
		how = l.Sentence(s.Why)
	}
	return fmt.Sprintf(searchColumns, l.Decimal(s.Rate), l.Decimal(s.Run.Throughput), l.Percentile(s.Run.Latency.P50),
		l.Percentile(s.Run.Latency.P99), s.mark()+" "+how)
}

// Summary is what was found.
func (s *Search) Summary(l lang.Lang) string {
	if v := s.Violation(); v != nil {
		what, _, _ := v.Advice()
		return l.Say("violated at %s requests/s: %s", lang.Amount(s.Steps[len(s.Steps)-1].Rate), what)
	}
	switch {
	case s.Interrupted && len(s.Steps) == 0:
		return l.Tr("interrupted before the first rate was tried to the end")
	case s.Interrupted:
		return l.Say("interrupted; so far: %s", s.found(l))
	case len(s.Steps) == 0:
		return l.Tr("nothing was tried")
	}
	return s.found(l)
}

// found says which rate keeps the limit, and why the next does not.
func (s *Search) found(l lang.Lang) string {
	best, next := s.Best(), s.next()
	figure, _, _ := strings.Cut(s.Limit, "<")
	switch {
	case best == nil && s.Stopped:
		return l.Say("stopped at %s requests/s: %s", lang.Amount(next.Rate), next.Why)
	case best == nil && s.Interrupted:
		return l.Say("at %s requests/s, %s", lang.Amount(next.Rate), next.Why)
	case best == nil:
		return l.Say("no rate keeps %s: at %s requests/s, %s", s.Limit, lang.Amount(next.Rate), next.Why)
	case next == nil:
		return l.Say("%s requests/s, %s, %s %s ms; no higher rate was tried", lang.Amount(best.Rate), l.Tr(best.Status.String()),
			figure, lang.Amount(best.Value))
	}
	return l.Say("%s requests/s, %s, %s %s ms; at %s: %s", lang.Amount(best.Rate), l.Tr(best.Status.String()),
		figure, lang.Amount(best.Value), lang.Amount(next.Rate), next.Why)
}

//go:embed page/search.html
var searchHTML string

// searchPage needs no other file and no script.
var searchPage = template.Must(template.New("search").Parse(searchHTML))

// WriteSearchHTML writes a page with the limited figure over the rate.
func WriteSearchHTML(w io.Writer, s *Search, l lang.Lang) error {
	type mark struct {
		X, Y         int
		Label, Class string
		Title        string
	}
	figure, _, _ := strings.Cut(s.Limit, "<")
	page := struct {
		Lang, Summary, Alt, YName, XName, Limit string
		LimitY                                  int
		Grid, Ticks, Points                     []mark
		Heads                                   []string
		Rows                                    [][]string
	}{
		Lang: string(l), Summary: s.Summary(l), Alt: l.Tr("latency over rate"), Limit: s.Limit,
		YName: figure + ", " + l.Tr("ms"), XName: l.Tr("rate, /s"),
		Heads: []string{l.Tr("rate, /s"), l.Tr("answered, /s"), l.Tr("p50, ms"), l.Tr("p99, ms"), s.Limit},
	}
	highest, least, most := 1.0, math.Inf(1), 1.0
	for _, step := range s.Steps {
		highest = max(highest, step.Rate)
		for _, v := range []float64{step.Value, step.Limit} {
			if v > 0 {
				least, most = min(least, v), max(most, v)
			}
		}
	}
	low, high := math.Floor(math.Log10(least)), math.Ceil(math.Log10(most))
	if !(high > low) {
		low, high = 0, 2
	}
	y := func(ms float64) int { return 370 - int(350*(math.Log10(max(ms, 1e-3))-low)/(high-low)) }
	x := func(rate float64) int { return 70 + int(910*rate/highest) }
	for power := low; power <= high; power++ {
		page.Grid = append(page.Grid, mark{Y: y(math.Pow(10, power)), Label: l.Decimal(math.Pow(10, power))})
	}
	for i := range 6 {
		rate := highest * float64(i) / 5
		page.Ticks = append(page.Ticks, mark{X: x(rate), Label: lang.Count(int64(rate))})
	}
	for i := range s.Steps {
		step := &s.Steps[i]
		page.LimitY = y(step.Limit)
		class := map[string]string{"✓": "good", "–": "open", "✗": "bad"}[step.mark()]
		if step.Value > 0 {
			page.Points = append(page.Points, mark{X: x(step.Rate), Y: y(step.Value), Class: class, Title: strings.TrimSpace(step.Line(l))})
		}
		how := l.Tr(step.Status.String())
		if step.Why.Form != "" {
			how = l.Sentence(step.Why)
		}
		page.Rows = append(page.Rows, []string{l.Decimal(step.Rate), l.Decimal(step.Run.Throughput),
			l.Percentile(step.Run.Latency.P50), l.Percentile(step.Run.Latency.P99), how})
	}
	return searchPage.Execute(w, page)
}

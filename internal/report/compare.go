package report

import (
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/go-json-experiment/json"
)

// ReadJSON reads what WriteJSON has written of a run.
func ReadJSON(r io.Reader) (*Result, error) {
	var result Result
	if err := json.UnmarshalRead(r, &result); err != nil {
		return nil, fmt.Errorf("not what client --json has written: %w", err)
	}
	switch {
	case result.Schema != SchemaVersion:
		return nil, fmt.Errorf("a result of schema %d, only %d is known", result.Schema, SchemaVersion)
	case result.Run == nil:
		return nil, errors.New("the verdict of client verify, without the figures of a run")
	}
	return &result, nil
}

// A figure is one line of a comparison.
type figure struct {
	name, unit string
	of         func(*Run) float64
	absent     bool // 0 means that it was not measured
	better     int  // 1: more is better, -1: less is, 0: neither
}

var figures = []figure{
	{"total time", "s", func(r *Run) float64 { return r.Total }, true, -1},
	{"time of one request", "ms", func(r *Run) float64 { return r.perRequest() }, true, -1},
	{"total throughput", "/s", func(r *Run) float64 { return r.Throughput }, true, 1},
	{"mean", "ms", func(r *Run) float64 { return r.Latency.Mean }, true, -1},
	{"p50", "ms", func(r *Run) float64 { return r.Latency.P50 }, true, -1},
	{"p90", "ms", func(r *Run) float64 { return r.Latency.P90 }, true, -1},
	{"p99", "ms", func(r *Run) float64 { return r.Latency.P99 }, true, -1},
	{"p99.9", "ms", func(r *Run) float64 { return r.Latency.P999 }, true, -1},
	{"max", "ms", func(r *Run) float64 { return r.Latency.Max }, true, -1},
	{"sent", "", func(r *Run) float64 { return float64(r.Sent) }, false, 0},
	{"answered", "", func(r *Run) float64 { return float64(r.OK) }, false, 0},
	{"failed", "", func(r *Run) float64 { return float64(r.Failed) }, false, -1},
	{"unknown", "", func(r *Run) float64 { return float64(r.Unknown) }, false, -1},
}

// perRequest is the total time for each request, in milliseconds.
func (r *Run) perRequest() float64 {
	if r.Sent == 0 {
		return 0
	}
	return r.Total * 1000 / float64(r.Sent)
}

// WriteComparison puts two runs side by side, with what changed from a to b.
// Runs that were not asked to do the same are said to differ in that.
func WriteComparison(w io.Writer, nameA, nameB string, a, b *Result, s Style) error {
	t := newSheet(s)
	const longest = 14 // of a file's name
	_, statusA, _ := t.Lang.headline(a.Verdict)
	_, statusB, _ := t.Lang.headline(b.Verdict)
	rows := [][]string{
		{"", fit(nameA, longest), fit(nameB, longest), t.tr("difference"), ""},
		{t.tr("verdict"), statusA, statusB, "", ""},
	}
	sameTask := a.Run.setUp() == b.Run.setUp()
	for _, f := range figures {
		if !sameTask {
			f.better = 0 // neither is better at another task
		}
		x, y := f.of(a.Run), f.of(b.Run)
		percent, judgement := f.change(x, y)
		rows = append(rows, []string{t.tr(f.name), f.show(x, t.Lang), f.show(y, t.Lang), t.point(percent), t.tr(judgement)})
	}
	t.table(rows)
	if !sameTask {
		t.paragraph("", t.tr("They were not asked to do the same, so neither is better:"))
		for i, asked := range a.Run.setUp() {
			if other := b.Run.setUp()[i]; asked != other {
				t.paragraph("  ", t.Say("%s: %s and %s", t.tr(asked.name), asked.text(t.Lang), other.text(t.Lang)))
			}
		}
	}
	return t.writeTo(w, s)
}

func (f *figure) show(x float64, l Lang) string {
	switch {
	case f.absent && x == 0:
		return "–"
	case f.unit == "":
		return Count(int64(x))
	case f.unit == "s":
		return l.seconds(x) + " " + l.tr(f.unit)
	}
	return l.decimal(x) + " " + l.tr(f.unit)
}

// change is in percent, and says which is better, unless it is below what two
// equal runs differ by all the time.
func (f *figure) change(x, y float64) (percent, judgement string) {
	if x == 0 || y == 0 || x == y {
		return "", ""
	}
	change := (y/x - 1) * 100
	percent = fmt.Sprintf("%+.1f %%", change)
	const noise = 3
	switch {
	case f.better == 0 || change < noise && change > -noise:
		return percent, ""
	case (change > 0) == (f.better > 0):
		return percent, "better"
	}
	return percent, "worse"
}

// An asked is one thing that a run was asked to do.
type asked struct {
	name  string
	value float64
}

func (a asked) text(l Lang) string {
	return l.point(strconv.FormatFloat(a.value, 'f', -1, 64))
}

func (r *Run) setUp() [7]asked {
	return [...]asked{
		{"workers", float64(r.Workers)},
		{"requests", float64(r.Planned)},
		{"rate", r.Rate},
		{"retries", float64(r.Retries)},
		{"warm-up", r.Warmup},
		{"replicas", float64(len(r.Replicas))},
		{"processors", float64(r.Generator.CPUs)},
	}
}

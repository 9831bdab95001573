package report

import (
	"cmp"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"

	"dummymessenger/internal/measure"
	"dummymessenger/internal/report/lang"
	"dummymessenger/internal/verify"
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
	of         func(*measure.Run) float64
	absent     bool // 0 means that it was not measured
	better     int  // 1: more is better, -1: less is, 0: neither
}

var figures = []figure{
	{"total time", "s", func(r *measure.Run) float64 { return r.Total }, true, -1},
	{"time of one request", "ms", func(r *measure.Run) float64 { return r.PerRequest() }, true, -1},
	{"total throughput", "/s", func(r *measure.Run) float64 { return r.Throughput }, true, 1},
	{"mean", "ms", func(r *measure.Run) float64 { return r.Latency.Mean }, true, -1},
	{"p50", "ms", func(r *measure.Run) float64 { return r.Latency.P50 }, true, -1},
	{"p90", "ms", func(r *measure.Run) float64 { return r.Latency.P90 }, true, -1},
	{"p99", "ms", func(r *measure.Run) float64 { return r.Latency.P99 }, true, -1},
	{"p99.9", "ms", func(r *measure.Run) float64 { return r.Latency.P999 }, true, -1},
	{"max", "ms", func(r *measure.Run) float64 { return r.Latency.Max }, true, -1},
	{"sent", "", func(r *measure.Run) float64 { return float64(r.Sent) }, false, 0},
	{"answered", "", func(r *measure.Run) float64 { return float64(r.OK) }, false, 0},
	{"failed", "", func(r *measure.Run) float64 { return float64(r.Failed) }, false, -1},
	{"unknown", "", func(r *measure.Run) float64 { return float64(r.Unknown) }, false, -1},
}

// WriteComparison writes two runs side by side, with the changes from a to b.
// If they were not asked to do the same, or that is unknown, it says so first
// and calls neither better. If their outcomes differ, it says so and judges no
// times, because refusing a request is faster than storing it.
func WriteComparison(w io.Writer, nameA, nameB string, a, b *Result, s Style) error {
	t := newSheet(s)
	like := t.sameTask(nameA, nameB, a.Run, b.Run)
	equal := t.sameOutcomes(a, b)
	if !like || !equal {
		fmt.Fprintln(t)
	}
	const longest = 14 // of a file's name
	rows := [][]string{
		{"", fit(nameA, longest), fit(nameB, longest), t.Tr("difference"), ""},
		{t.Tr("verdict"), t.words.headline(a.Verdict).Name, t.words.headline(b.Verdict).Name, "", ""},
	}
	for _, f := range figures {
		if !like || !equal && f.unit != "" {
			f.better = 0
		}
		x, y := f.of(a.Run), f.of(b.Run)
		percent, judgement := f.change(x, y)
		rows = append(rows, []string{t.Tr(f.name), f.show(x, t.Lang), f.show(y, t.Lang), t.Point(percent), t.Tr(judgement)})
	}
	t.table(rows)
	return t.writeTo(w, s)
}

// differences writes a heading and what differs below it, if anything does.
func (t *sheet) differences(heading string, list []string) {
	if len(list) > 0 {
		t.paragraph("", heading)
	}
	for _, difference := range list {
		t.paragraph("  ", difference)
	}
}

func (l words) difference(what, x, y string) string { return l.Say("%s: %s and %s", what, x, y) }

// sameTask reports whether the runs did the same, and writes why they cannot be
// compared if not.
func (t *sheet) sameTask(nameA, nameB string, a, b *measure.Run) bool {
	var list []string
	taskA, taskB := t.settings(a), t.settings(b)
	for i := range min(len(taskA), len(taskB)) {
		if taskA[i] != taskB[i] {
			list = append(list, t.difference(taskA[i].name, taskA[i].value, taskB[i].value))
		}
	}
	t.differences(t.Tr("They were not asked to do the same, so neither is better:"), list)
	same := len(list) == 0
	check := func(name string, r *measure.Run) {
		if r.Interrupted {
			same = false
			t.paragraph("", t.Say("%s was interrupted: it did not do all that it was asked to, so neither is better.", name))
		}
		if !recordsTask(r) {
			same = false
			t.paragraph("", t.Say("%s is of an older client, which recorded only a part of what was asked: "+
				"whether they were asked to do the same cannot be known, so neither is called better.", name))
		}
	}
	check(nameA, a)
	check(nameB, b)
	return same
}

// sameOutcomes reports whether the times of the runs can be compared, and writes
// how their outcomes differ if not.
func (t *sheet) sameOutcomes(a, b *Result) bool {
	var list []string
	bad := func(r *Result) bool { return r.Verdict != nil && r.Verdict.Status != verify.Verified }
	violated := func(r *Result) bool { return bad(r) && r.Verdict.Status == verify.Violated }
	if violated(a) || violated(b) || bad(a) != bad(b) {
		list = append(list, t.difference(t.Tr("verdict"), t.words.headline(a.Verdict).Name, t.words.headline(b.Verdict).Name))
	}
	const noise = 0.001 // of the requests; leaving out more of them would move a p99.9
	compare := func(what string, x, y int64) {
		share := float64(x)/float64(max(1, a.Run.Sent)) - float64(y)/float64(max(1, b.Run.Sent))
		if math.Abs(share) > noise {
			list = append(list, t.difference(what, lang.Count(x), lang.Count(y)))
		}
	}
	compare(t.Tr("failed"), a.Run.Failed, b.Run.Failed)
	compare(t.Tr("unknown"), a.Run.Unknown, b.Run.Unknown)
	t.differences(t.Tr("They did not come to the same, so no times are called better:"), list)
	return len(list) == 0
}

func (f *figure) show(x float64, l lang.Lang) string {
	switch {
	case f.absent && x == 0:
		return "–"
	case f.unit == "":
		return lang.Count(int64(x))
	case f.unit == "s":
		return l.Seconds(x) + " " + l.Tr(f.unit)
	}
	return l.Decimal(x) + " " + l.Tr(f.unit)
}

// change returns the change in percent and whether it is for the better, unless
// equal runs differ by as much.
func (f *figure) change(x, y float64) (percent, judgement string) {
	if x == y || f.absent && (x == 0 || y == 0) {
		return "", ""
	}
	change := (y/x - 1) * 100
	if x != 0 {
		percent = fmt.Sprintf("%+.1f %%", change)
	}
	const noise = 3
	switch {
	case f.better == 0 || change < noise && change > -noise:
		return percent, ""
	case (change > 0) == (f.better > 0):
		return percent, "better"
	}
	return percent, "worse"
}

// A setting is one thing that a run was asked to do, in words.
type setting struct{ name, value string }

// recordsTask reports whether r holds all that it was asked to do.
func recordsTask(r *measure.Run) bool { return r.Timeout > 0 }

// settings lists what r was asked to do, always in the same order, and only the
// beginning if r does not record the rest.
func (l words) settings(r *measure.Run) (all []setting) {
	add := func(name, value string) { all = append(all, setting{l.Tr(name), cmp.Or(value, "–")}) }
	number := func(n float64) string {
		if n == 0 {
			return ""
		}
		return l.Point(strconv.FormatFloat(n, 'f', -1, 64))
	}
	seconds := func(n float64) string {
		if n == 0 {
			return ""
		}
		return number(n) + " " + l.Tr("s")
	}
	flag := func(set bool) string {
		if set {
			return l.Tr("yes")
		}
		return l.Tr("no")
	}
	add("workers", number(float64(r.Workers)))
	add("requests", number(float64(r.Planned)))
	add("rate", number(r.Rate))
	add("retries", number(float64(r.Retries)))
	add("warm-up", seconds(r.Warmup))
	add("replicas", number(float64(len(r.Replicas))))
	add("processors", number(float64(r.Generator.CPUs)))
	if !recordsTask(r) {
		return all
	}
	secure := 0
	var senders []string
	for _, replica := range r.Replicas {
		if strings.HasPrefix(strings.ToLower(replica.URL), "https:") {
			secure++
		}
	}
	for _, s := range r.Senders {
		senders = append(senders, s.Name)
	}
	add("duration", seconds(r.Duration))
	add("timeout", seconds(r.Timeout))
	add("idempotency keys", flag(r.Keys))
	add("answered requests for each replay", number(float64(r.Replays)))
	add("answers verified", flag(!r.Unverified))
	add("bounded memory (--stream)", flag(r.Stream))
	add("clock allowance", seconds(r.ClockAllowance))
	add("wire shape", r.Profile)
	add("texts", r.Texts)
	add("longest text", number(float64(r.MaxText)))
	add("bearer token", flag(r.Token))
	add("replicas over TLS", number(float64(secure)))
	add("senders", namesOrPrint(senders))
	add("recorded as well", strings.Join(r.Recorded, ", "))
	return all
}

// namesOrPrint lists a few names; of many it is their number and a fingerprint.
func namesOrPrint(names []string) string {
	const few = 10
	var quoted []string
	for _, name := range names {
		if strings.ContainsAny(name, `,"`) { // so that two lists are never one text
			name = strconv.Quote(name)
		}
		quoted = append(quoted, name)
	}
	all := strings.Join(quoted, ", ")
	if len(names) > few {
		return fmt.Sprintf("%d (%08x)", len(names), crc32.ChecksumIEEE([]byte(all)))
	}
	return all
}

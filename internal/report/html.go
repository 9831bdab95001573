package report

import (
	"cmp"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"io"
	"slices"
	"strings"

	"dummymessenger/internal/measure"
	"dummymessenger/internal/report/lang"
	"dummymessenger/internal/verify"
)

// A Page is all that the HTML report shows.
type Page struct {
	Result      *Result        // with a Run
	Trace       *measure.Trace // of that run
	Annotations []Annotation
	Environment []Fact
	Lang        lang.Lang
}

// A Fact is a line of the report's last table: a setting, a version.
type Fact struct{ Name, Value string }

var (
	//go:embed page/report.html
	pageHTML string
	//go:embed page/report.css
	pageCSS string
	//go:embed page/report.js
	pageJS string
	//go:embed page/uPlot.iife.min.js
	uplotJS string
	//go:embed page/uPlot.min.css
	uplotCSS string
	//go:embed page/uPlot-LICENSE
	uplotLicense string
)

// policy allows the page its own two scripts, by their hashes, and no network:
// even a mistake in escaping could neither run a script nor send anything.
func policy() string {
	hash := func(script string) string {
		sum := sha256.Sum256([]byte(script))
		return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	return "default-src 'none'; style-src 'unsafe-inline'; script-src " + hash(uplotJS) + " " + hash(pageJS)
}

// WriteHTML writes p as one file that needs no other and no network.
func WriteHTML(w io.Writer, p *Page) error {
	l := words{p.Lang}
	t, err := template.New("report").Funcs(template.FuncMap{
		"tr": p.Lang.Tr, "say": p.Lang.Say, "sentence": p.Lang.Sentence, "reason": p.Lang.Reason,
		"count": lang.Count, "decimal": p.Lang.Decimal, "percentile": p.Lang.Percentile, "elapsed": l.elapsed,
		"quantity": p.Lang.Plural, "short": shortURL,
		"describe": func(c verify.CheckResult) checkRow { return l.checkRow(&c) },
		"witness":  func(w verify.Witness) string { return l.witness(&w) },
		"served":   func(w verify.Witness) string { return l.replica(&w) },
		"unknowns": func(n verify.Counts) string { return l.unknowns(&n) },
	}).Parse(pageHTML)
	if err != nil {
		return err
	}
	run := p.Result.Run
	view := struct {
		*Page
		Run         *measure.Run
		Verdict     *verify.Verdict
		Status      string
		StatusName  string
		Headline    string
		Numbers     []bigNumber
		Exhibits    []exhibit
		Matrix      matrix
		Plots       *plots
		Sampled     string
		ClientLimit string
		Policy      string
		CSS         template.CSS
		UplotCSS    template.CSS
		UplotJS     template.JS
		JS          template.JS
		License     string
		HasSeq      bool
		Alt         alternatives
	}{
		Page: p, Run: run, Verdict: p.Result.Verdict, Numbers: l.bigNumbers(run), Plots: newPlots(p), Matrix: newMatrix(p.Trace, run),
		Sampled: l.sampled(p.Trace), ClientLimit: l.clientLimit(run, true),
		Policy: policy(), CSS: template.CSS(pageCSS), UplotCSS: template.CSS(uplotCSS), UplotJS: template.JS(uplotJS),
		JS: template.JS(pageJS), License: uplotLicense,
	}
	view.Status, view.StatusName, view.Headline = l.headline(view.Verdict)
	view.Plots.Words = l.plotWords()
	view.Alt = l.alternatives(p.Result, view.Plots)
	view.HasSeq = slices.ContainsFunc(view.Plots.Ops.Seq, func(seq int64) bool { return seq > 0 })
	if view.Verdict != nil {
		view.Exhibits = l.exhibits(view.Verdict)
	}
	return t.Execute(w, view)
}

// shortURL returns the name of a replica on the page.
func shortURL(url string) string { return strings.TrimPrefix(url, "http://") }

// A bigNumber is one of the three main figures.
type bigNumber struct{ Name, Value, Unit, Remark, Second, SecondRemark string }

func (l words) bigNumbers(r *measure.Run) []bigNumber {
	one := bigNumber{Name: l.Tr("time of one request"), Value: "–", Remark: l.Tr("nothing was answered")}
	if r.Sent > 0 && r.Latency.Count > 0 {
		one.Value, one.Unit, one.Remark = l.Decimal(r.PerRequest()), l.Tr("ms"), l.Tr("total time ÷ requests")
		one.Second, one.SecondRemark = l.Decimal(r.Latency.Mean), l.Say("mean a caller waits, %d at once", r.Workers)
		if r.Rate > 0 {
			one.SecondRemark = l.Tr("mean a caller waits, from when it was due")
		}
	}
	return []bigNumber{
		{Name: l.Tr("total time"), Value: l.Seconds(r.Total), Unit: l.Tr("s"), Remark: l.Tr("first request sent to last answer")},
		one,
		{Name: l.Tr("total throughput"), Value: l.Decimal(r.Throughput), Unit: l.Tr("/s"),
			Remark: l.Tr("answered requests, all replicas together")},
	}
}

// A matrix counts the answered requests of each sender at each replica.
type matrix struct {
	Replicas []string
	Rows     []matrixRow
	Total    matrixRow
}

type matrixRow struct {
	Sender string
	Cells  []matrixCell
	Sum    int64
}

type matrixCell struct {
	Count int64
	Share int // in percent of the largest cell: how dark it is
}

func newMatrix(t *measure.Trace, r *measure.Run) matrix {
	var m matrix
	for _, replica := range r.Replicas {
		m.Replicas = append(m.Replicas, replica.URL)
	}
	m.Total.Cells = make([]matrixCell, len(m.Replicas))
	most := int64(1)
	for sender, counts := range t.Senders {
		row := matrixRow{Sender: sender, Cells: make([]matrixCell, len(m.Replicas))}
		for i := range min(len(counts), len(row.Cells)) {
			n := counts[i]
			row.Cells[i].Count = n
			m.Total.Cells[i].Count += n
			row.Sum += n
			most = max(most, n)
		}
		m.Total.Sum += row.Sum
		m.Rows = append(m.Rows, row)
	}
	slices.SortFunc(m.Rows, func(a, b matrixRow) int {
		return cmp.Or(cmp.Compare(b.Sum, a.Sum), cmp.Compare(a.Sender, b.Sender))
	})
	for _, row := range m.Rows {
		for i := range row.Cells {
			row.Cells[i].Share = int(100 * row.Cells[i].Count / most)
		}
	}
	const maxRows = 100 // a run may have thousands of senders
	m.Rows = m.Rows[:min(len(m.Rows), maxRows)]
	return m
}

// sampled says what the plots of a long run leave out.
func (l words) sampled(t *measure.Trace) string {
	s := ""
	if t.Every > 1 {
		s = l.Say("One in %s answered requests is drawn, and the slowest of each %s ms.", lang.Count(t.Every), lang.Amount(ms(t.Width)))
	}
	if t.UnansweredSeen > int64(len(t.Unanswered)) {
		s += " " + l.Say("Of %s requests that were not answered, the first %s are drawn.", lang.Count(t.UnansweredSeen),
			lang.Count(int64(len(t.Unanswered))))
	}
	return s
}

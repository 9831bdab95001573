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

	"dummymessenger/internal/verify"
)

// A Page is all that the HTML report shows.
type Page struct {
	Result      *Result // with a Run
	Trace       *Trace  // of that run
	Annotations []Annotation
	Environment []Fact
	Lang        Lang
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

// policy allows the page its own two scripts, by their hashes, and nothing from
// anywhere: even a hole in the escaping would run no script and tell nobody.
func policy() string {
	hash := func(script string) string {
		sum := sha256.Sum256([]byte(script))
		return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	return "default-src 'none'; style-src 'unsafe-inline'; script-src " + hash(uplotJS) + " " + hash(pageJS)
}

// WriteHTML writes p as one file that needs no other and no network.
func WriteHTML(w io.Writer, p *Page) error {
	t, err := template.New("report").Funcs(template.FuncMap{
		"tr": p.Lang.tr, "say": p.Lang.Say, "sentence": p.Lang.sentence, "reason": p.Lang.Reason,
		"count": Count, "decimal": p.Lang.decimal, "percentile": p.Lang.percentile, "elapsed": p.Lang.elapsed,
		"quantity": p.Lang.plural, "short": shortURL,
		"describe": func(c verify.CheckResult) checkRow { return p.Lang.checkRow(&c) },
		"witness":  func(w verify.Witness) string { return p.Lang.witness(&w) },
		"served":   func(w verify.Witness) string { return p.Lang.replica(&w) },
		"unknowns": func(n verify.Counts) string { return p.Lang.unknowns(&n) },
	}).Parse(pageHTML)
	if err != nil {
		return err
	}
	run := p.Result.Run
	view := struct {
		*Page
		Run        *Run
		Verdict    *verify.Verdict
		Status     string
		StatusName string
		Headline   string
		Numbers    []bigNumber
		Exhibits   []exhibit
		Matrix     matrix
		Plots      *plots
		Sampled    string
		Honesty    string
		Policy     string
		CSS        template.CSS
		UplotCSS   template.CSS
		UplotJS    template.JS
		JS         template.JS
		License    string
		HasSeq     bool
		Alt        alternatives
	}{
		Page: p, Run: run, Verdict: p.Result.Verdict, Numbers: p.Lang.bigNumbers(run), Plots: p.Trace.plots(p), Matrix: p.Trace.matrix(run),
		Sampled: p.Trace.sampled(p.Lang), Honesty: p.Lang.honesty(run, true),
		Policy: policy(), CSS: template.CSS(pageCSS), UplotCSS: template.CSS(uplotCSS), UplotJS: template.JS(uplotJS), JS: template.JS(pageJS), License: uplotLicense,
	}
	view.Status, view.StatusName, view.Headline = p.Lang.headline(view.Verdict)
	view.Plots.Words = p.Lang.plotWords()
	view.Alt = p.Lang.alternatives(p.Result, view.Plots)
	view.HasSeq = slices.ContainsFunc(view.Plots.Ops.Seq, func(seq int64) bool { return seq > 0 })
	if view.Verdict != nil {
		view.Exhibits = p.Lang.exhibits(view.Verdict)
	}
	return t.Execute(w, view)
}

// shortURL is how a page calls a replica.
func shortURL(url string) string { return strings.TrimPrefix(url, "http://") }

// A bigNumber is one of the three figures that the task asks for.
type bigNumber struct{ Name, Value, Unit, Remark, Second, SecondRemark string }

func (l Lang) bigNumbers(r *Run) []bigNumber {
	one := bigNumber{Name: l.tr("time of one request"), Value: "–", Remark: l.tr("nothing was answered")}
	if r.Sent > 0 && r.Latency.Count > 0 {
		one.Value, one.Unit, one.Remark = l.decimal(r.perRequest()), l.tr("ms"), l.tr("total time ÷ requests")
		one.Second, one.SecondRemark = l.decimal(r.Latency.Mean), l.Say("mean a caller waits, %d at once", r.Workers)
		if r.Rate > 0 {
			one.SecondRemark = l.tr("mean a caller waits, from when it was due")
		}
	}
	return []bigNumber{
		{Name: l.tr("total time"), Value: l.seconds(r.Total), Unit: l.tr("s"), Remark: l.tr("first request sent to last answer")},
		one,
		{Name: l.tr("total throughput"), Value: l.decimal(r.Throughput), Unit: l.tr("/s"), Remark: l.tr("answered requests, all replicas together")},
	}
}

// A matrix is the answered requests of each sender at each replica.
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
	Share int // of the largest cell, in percent: how dark it is
}

func (t *Trace) matrix(r *Run) matrix {
	t.mu.Lock()
	defer t.mu.Unlock()
	var m matrix
	for _, replica := range r.Replicas {
		m.Replicas = append(m.Replicas, replica.URL)
	}
	m.Total.Cells = make([]matrixCell, len(m.Replicas))
	most := int64(1)
	for sender, counts := range t.senders {
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

// sampled says what of a long run the plots leave out.
func (t *Trace) sampled(l Lang) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := ""
	if t.every > 1 {
		s = l.Say("One in %s answered requests is drawn, and the slowest of each %s ms.", Count(t.every), amount(ms(t.width)))
	}
	if t.badSeen > int64(len(t.bad)) {
		s += " " + l.Say("Of %s requests that were not answered, the first %s are drawn.", Count(t.badSeen), Count(int64(len(t.bad))))
	}
	return s
}

package report

import (
	"cmp"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"io"
	"regexp"
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

// A view is what the template shows: a page, and what its methods make of it.
type view struct {
	*Page
	Run      *measure.Run
	Verdict  *verify.Verdict
	Headline headline
	Exhibits []exhibit
	Plots    *plots
	HasSeq   bool // an operation of the plots has one
	Alt      alternatives
	words    words
}

func (v *view) Policy() string         { return policy() }
func (v *view) CSS() template.CSS      { return template.CSS(pageCSS) }
func (v *view) UplotCSS() template.CSS { return template.CSS(uplotCSS) }
func (v *view) UplotJS() template.JS   { return template.JS(uplotJS) }
func (v *view) JS() template.JS        { return template.JS(pageJS) }
func (v *view) License() string        { return uplotLicense }
func (v *view) Numbers() []bigNumber   { return v.words.bigNumbers(v.Run) }
func (v *view) Matrix() matrix         { return newMatrix(v.Trace, v.Run) }
func (v *view) Sampled() string        { return v.words.sampled(v.Trace) }
func (v *view) ClientLimit() string    { return v.words.clientLimit(v.Run, true) }

// WriteHTML writes p as one file that needs no other and no network.
func WriteHTML(w io.Writer, p *Page) error {
	l := words{p.Lang}
	t, err := template.New("report").Funcs(template.FuncMap{
		"tr": l.Tr, "say": l.Say, "sentence": l.Sentence, "reason": l.Reason, "count": lang.Count, "decimal": l.Decimal,
		"percentile": l.Percentile, "elapsed": l.elapsed, "quantity": l.Plural, "short": shortURL,
		"describe": l.checkRow, "witness": l.witness, "served": l.replica, "unknowns": l.unknowns,
		"colour": func(replica int) int { return replica % colours }, "breakable": breakableURL, "nonce": keepNonce,
	}).Parse(pageHTML)
	if err != nil {
		return err
	}
	v := &view{Page: p, Run: p.Result.Run, Verdict: p.Result.Verdict, Plots: newPlots(p), words: l}
	v.Headline, v.Exhibits, v.Alt = l.headline(v.Verdict), l.exhibits(v.Verdict), l.alternatives(p.Result, v.Plots)
	v.HasSeq = slices.ContainsFunc(v.Plots.Ops.Seq, func(seq int64) bool { return seq > 0 })
	return t.Execute(w, v)
}

// colours is how many the style sheet has for replicas.
const colours = 6

// shortURL returns the name of a replica on the page.
func shortURL(url string) string { return strings.TrimPrefix(url, "http://") }

// breakableURL returns the short name of a replica, which breaks between its parts only.
func breakableURL(url string) template.HTML {
	parts := strings.NewReplacer(".", ".<wbr>", ":", "<wbr>:", "/", "/<wbr>")
	return template.HTML(parts.Replace(template.HTMLEscapeString(shortURL(url))))
}

var nonce = regexp.MustCompile(`(^(?:&#34;)?\[dm:\w+:)(\d+:\d+\])`)

// keepNonce returns a text whose nonce, if it begins with one, breaks after the run only.
func keepNonce(text string) template.HTML {
	return template.HTML(nonce.ReplaceAllString(template.HTMLEscapeString(text),
		`<span class="nobr">$1</span><wbr><span class="nobr">$2</span>`))
}

// A bigNumber is one of the three main figures.
type bigNumber struct{ Name, Value, Unit, Remark, Second, SecondRemark string }

func (l words) bigNumbers(r *measure.Run) []bigNumber {
	one := bigNumber{Name: l.Tr("time of one request"), Value: "–", Remark: l.Tr("nothing was answered")}
	if r.Sent > 0 && r.Latency.Count > 0 {
		one.Value, one.Unit, one.Remark = l.Decimal(r.PerRequest()), l.Tr("ms"), l.Tr("total time ÷ answered requests")
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
		for i, n := range counts[:min(len(counts), len(row.Cells))] {
			row.Cells[i].Count = n
			m.Total.Cells[i].Count += n
			row.Sum += n
			m.Total.Sum += n
			most = max(most, n)
		}
		m.Rows = append(m.Rows, row)
	}
	slices.SortFunc(m.Rows, func(a, b matrixRow) int {
		return cmp.Or(cmp.Compare(b.Sum, a.Sum), cmp.Compare(a.Sender, b.Sender))
	})
	const maxRows = 100 // a run may have thousands of senders
	m.Rows = m.Rows[:min(len(m.Rows), maxRows)]
	for _, row := range m.Rows {
		for i := range row.Cells {
			row.Cells[i].Share = int(100 * row.Cells[i].Count / most)
		}
	}
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

// alternatives say in words what the plots show, for people who cannot see them.
type alternatives struct{ Frontier, Spectrum, Scatter, Throughput string }

func (l words) alternatives(r *Result, d *plots) alternatives {
	run := r.Run
	violations := int64(0)
	if r.Verdict != nil {
		for _, c := range r.Verdict.Checks {
			violations += c.Violations
		}
	}
	requests := verify.Quantity{N: int64(len(d.Ops.Call)), Noun: "request"}
	a := alternatives{
		Spectrum: l.Say("Percentiles of all replicas: %s.", l.percentiles(&run.Latency)),
		Scatter: l.Say("%s; the slowest took %s ms; not answered: %s.",
			requests, lang.Amount(run.Latency.Max), lang.Count(run.Failed+run.Unknown)),
	}
	if len(d.Ops.Seq) > 0 {
		a.Frontier = l.Say("%s in %s s, from seq %d to %d; %s.", requests, l.Seconds(run.Total),
			slices.Min(d.Ops.Seq), slices.Max(d.Ops.Seq), verify.Quantity{N: violations, Noun: "violation"})
	}
	if len(d.Throughput[0]) > 0 {
		sums := make([]float64, len(d.Throughput[0]))
		for _, column := range d.Throughput[1:] {
			for i := range column {
				sums[i] += column[i]
			}
		}
		a.Throughput = l.Say("From %s to %s per second, on average %s.", lang.Amount(slices.Min(sums)),
			lang.Amount(slices.Max(sums)), lang.Amount(run.Throughput))
	}
	return a
}

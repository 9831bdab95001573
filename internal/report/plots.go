package report

import (
	"cmp"
	"math"
	"slices"
	"time"

	"dummymessenger/internal/measure"
	"dummymessenger/internal/verify"
)

// plots is the data that the page's script draws. Times are milliseconds from
// the first call.
type plots struct {
	Replicas []string `json:"replicas"`
	Senders  []string `json:"senders"`
	Reasons  []string `json:"reasons"`
	Ops      opPlot   `json:"ops"`

	Spectrum   [][]*float64 `json:"spectrum"`   // 1/(1-p), then what all waited, then those at each replica
	Throughput [][]float64  `json:"throughput"` // begin of each bucket, then requests per second at each replica
	Width      float64      `json:"width"`      // of a bucket

	Violations []violationPlot   `json:"violations"`
	Shades     []shade           `json:"shades"`
	Words      map[string]string `json:"words"`
}

// opPlot has one element in each slice for each operation shown.
type opPlot struct {
	Call    []float64 `json:"call"`
	Wait    []float64 `json:"wait"`
	Seq     []int64   `json:"seq"`     // of one not answered: the highest answered when it was called
	Outcome []int     `json:"outcome"` // 0 unknown, 1 ok, 2 failed
	Replica []int     `json:"replica"`
	Sender  []int     `json:"sender"`
	Reason  []int     `json:"reason"`
	Worker  []int     `json:"worker"`
	Number  []int     `json:"number"`
}

type violationPlot struct {
	Seq int64        `json:"seq"`
	Ops [][3]float64 `json:"ops"` // call, return, seq of each witness
}

type shade struct {
	From  float64 `json:"from"`
	To    float64 `json:"to"`
	Label string  `json:"label"`
}

// newPlots computes all that the page draws.
func newPlots(p *Page) *plots {
	t := p.Trace
	d := &plots{Width: ms(t.Width), Violations: []violationPlot{}, Shades: []shade{}, Words: words{p.Lang}.plotWords()}
	for _, r := range p.Result.Run.Replicas {
		d.Replicas = append(d.Replicas, r.URL)
	}
	d.Ops = d.operations(t)
	for i, reason := range d.Reasons {
		d.Reasons[i] = p.Lang.Reason(reason)
	}
	d.Spectrum = spectrum(t)
	d.Throughput = throughput(t, len(d.Replicas))
	if warmup := p.Result.Run.Warmup; warmup > 0 {
		d.Shades = append(d.Shades, shade{0, warmup * 1000, p.Lang.Tr("warm-up")})
	}
	for _, a := range p.Annotations {
		from, to := a.span(p.Result.Run.Started)
		d.Shades = append(d.Shades, shade{from, to, a.Label})
	}
	if v := p.Result.Verdict; v != nil {
		for _, c := range v.Checks {
			for i := range c.Worst {
				d.Violations = append(d.Violations, newViolationPlot(&c.Worst[i], t.Begin))
			}
		}
	}
	return d
}

func ms(d time.Duration) float64 { return math.Round(float64(d)/1e3) / 1e3 }

func newViolationPlot(v *verify.Violation, begin time.Duration) violationPlot {
	p := violationPlot{Seq: v.Seq, Ops: [][3]float64{}} // an array, even if nothing is left to draw
	for _, w := range v.Witnesses {
		if w.Forgotten || w.Outcome == "never sent" {
			continue
		}
		seq := cmp.Or(w.Seq, v.Seq)
		p.Ops = append(p.Ops, [3]float64{ms(time.Duration(w.Call) - begin), ms(time.Duration(w.Return) - begin), float64(seq)})
	}
	return p
}

// operations merges the sample, the slowest of each bucket, and what was not
// answered. It lists the senders and reasons that the plot refers to.
func (d *plots) operations(t *measure.Trace) opPlot {
	all := slices.Clone(t.Answered)
	for _, b := range t.Buckets {
		all = append(all, b.Slowest)
	}
	all = append(all, t.Unanswered...)
	type key struct{ worker, number int }
	seen := map[key]bool{}
	all = slices.DeleteFunc(all, func(m measure.Mark) bool {
		k := key{m.Worker, m.Number}
		known := seen[k] || m.Return <= 0
		seen[k] = seen[k] || !known
		return known
	})
	placeUnanswered(all)
	slices.SortFunc(all, func(a, b measure.Mark) int { return cmp.Compare(a.Call, b.Call) })

	// indexIn returns the place of a name in names, to which it adds a new one.
	indexIn := func(names *[]string) func(string) int {
		places := map[string]int{}
		return func(name string) int {
			if _, ok := places[name]; !ok {
				places[name] = len(*names)
				*names = append(*names, name)
			}
			return places[name]
		}
	}
	sender, reason := indexIn(&d.Senders), indexIn(&d.Reasons)
	var o opPlot
	for _, m := range all {
		o.Call = append(o.Call, ms(m.Call-t.Begin))
		o.Wait = append(o.Wait, ms(m.Service()))
		o.Seq = append(o.Seq, m.Seq)
		o.Outcome = append(o.Outcome, int(m.Outcome))
		o.Replica = append(o.Replica, m.Replica)
		o.Sender = append(o.Sender, sender(m.Sender))
		o.Reason = append(o.Reason, reason(m.Reason))
		o.Worker = append(o.Worker, m.Worker)
		o.Number = append(o.Number, m.Number)
	}
	return o
}

// placeUnanswered gives operations without a seq the head of the log at the time
// of their call.
func placeUnanswered(all []measure.Mark) {
	slices.SortFunc(all, func(a, b measure.Mark) int { return cmp.Compare(a.Return, b.Return) })
	var acknowledged []measure.Mark // those that raised the head, in order
	for _, m := range all {
		if m.Outcome == verify.OK && (len(acknowledged) == 0 || m.Seq > acknowledged[len(acknowledged)-1].Seq) {
			acknowledged = append(acknowledged, m)
		}
	}
	for i := range all {
		m := &all[i]
		if m.Outcome == verify.OK || len(acknowledged) == 0 {
			continue
		}
		byReturn := func(a measure.Mark, call time.Duration) int { return cmp.Compare(a.Return, call) }
		at, _ := slices.BinarySearchFunc(acknowledged, m.Call, byReturn)
		m.Seq = acknowledged[max(at-1, 0)].Seq
	}
}

// spectrum is a percentile distribution as HdrHistogram plots it, eight points
// to each doubling of 1/(1-p).
func spectrum(t *measure.Trace) [][]*float64 {
	columns := make([][]*float64, 2+len(t.WaitsAt))
	if t.Waits == nil {
		return columns
	}
	n := t.Waits.TotalCount()
	for i := 0; ; i++ {
		x := min(math.Pow(2, float64(i)/8), float64(n))
		columns[0] = append(columns[0], &x)
		percent := 100 * (1 - 1/x)
		value := float64(t.Waits.ValueAtQuantile(percent)) / 1000
		if x == float64(n) {
			value = float64(t.Waits.Max()) / 1000
		}
		columns[1] = append(columns[1], &value)
		for r, h := range t.WaitsAt {
			var at *float64
			if h != nil && x <= float64(h.TotalCount()) {
				v := float64(h.ValueAtQuantile(percent)) / 1000
				at = &v
			}
			columns[2+r] = append(columns[2+r], at)
		}
		if x == float64(n) {
			return columns
		}
	}
}

// throughput starts with the bucket in which the run began.
func throughput(t *measure.Trace, replicas int) [][]float64 {
	columns := make([][]float64, 1+replicas)
	for i, b := range t.Buckets {
		if time.Duration(i+1)*t.Width <= t.Begin {
			continue
		}
		columns[0] = append(columns[0], ms(time.Duration(i)*t.Width-t.Begin))
		for r := range replicas {
			perSecond := 0.0
			if r < len(b.OK) {
				perSecond = float64(b.OK[r]) / t.Width.Seconds()
			}
			columns[1+r] = append(columns[1+r], perSecond)
		}
	}
	return columns
}

package report

import (
	"cmp"
	"math"
	"slices"
	"time"

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

// plots computes all that the page draws.
func (t *Trace) plots(p *Page) *plots {
	t.mu.Lock()
	defer t.mu.Unlock()
	d := &plots{Width: ms(t.width), Violations: []violationPlot{}, Shades: []shade{}}
	for _, r := range p.Result.Run.Replicas {
		d.Replicas = append(d.Replicas, r.URL)
	}
	d.Ops = t.opPlot(d)
	for i, reason := range d.Reasons {
		d.Reasons[i] = p.Lang.Reason(reason)
	}
	d.Spectrum = t.spectrum()
	d.Throughput = t.throughput(len(d.Replicas))
	if t.warmup > 0 {
		d.Shades = append(d.Shades, shade{0, ms(t.warmup), p.Lang.tr("warm-up")})
	}
	for _, a := range p.Annotations {
		from, to := a.span(p.Result.Run.Started)
		d.Shades = append(d.Shades, shade{from, to, a.Label})
	}
	if v := p.Result.Verdict; v != nil {
		for _, c := range v.Checks {
			for i := range c.Worst {
				d.Violations = append(d.Violations, t.violationPlot(&c.Worst[i]))
			}
		}
	}
	return d
}

func ms(d time.Duration) float64 { return math.Round(float64(d)/1e3) / 1e3 }

func (t *Trace) violationPlot(v *verify.Violation) violationPlot {
	p := violationPlot{Seq: v.Seq, Ops: [][3]float64{}} // an array, even if nothing is left to draw
	for _, w := range v.Witnesses {
		if w.Forgotten || w.Outcome == "never sent" {
			continue
		}
		seq := cmp.Or(w.Seq, v.Seq)
		p.Ops = append(p.Ops, [3]float64{ms(time.Duration(w.Call) - t.begin), ms(time.Duration(w.Return) - t.begin), float64(seq)})
	}
	return p
}

// opPlot merges the sample, the slowest of each bucket, and what was not answered.
func (t *Trace) opPlot(d *plots) opPlot {
	type key struct{ worker, number int }
	seen := map[key]bool{}
	var all []mark
	add := func(m mark) {
		if k := (key{m.worker, m.number}); m.ret > 0 && !seen[k] {
			seen[k] = true
			all = append(all, m)
		}
	}
	for _, m := range t.marks {
		add(m)
	}
	for _, b := range t.buckets {
		add(b.slow)
	}
	for _, m := range t.bad {
		add(m)
	}
	placeUnanswered(all)
	slices.SortFunc(all, func(a, b mark) int { return cmp.Compare(a.call, b.call) })

	index := func(names *[]string) func(string) int {
		places := map[string]int{}
		return func(name string) int {
			i, ok := places[name]
			if !ok {
				i = len(*names)
				places[name] = i
				*names = append(*names, name)
			}
			return i
		}
	}
	sender, reason := index(&d.Senders), index(&d.Reasons)
	var o opPlot
	for _, m := range all {
		o.Call = append(o.Call, ms(m.call-t.begin))
		o.Wait = append(o.Wait, ms(m.wait()))
		o.Seq = append(o.Seq, m.seq)
		o.Outcome = append(o.Outcome, int(m.outcome))
		o.Replica = append(o.Replica, m.replica)
		o.Sender = append(o.Sender, sender(m.sender))
		o.Reason = append(o.Reason, reason(m.reason))
		o.Worker = append(o.Worker, m.worker)
		o.Number = append(o.Number, m.number)
	}
	return o
}

// placeUnanswered gives operations without a seq the height that the log had
// when they were called.
func placeUnanswered(all []mark) {
	slices.SortFunc(all, func(a, b mark) int { return cmp.Compare(a.ret, b.ret) })
	var acknowledged []mark // those that raised the head, in order
	for _, m := range all {
		if m.outcome == verify.OK && (len(acknowledged) == 0 || m.seq > acknowledged[len(acknowledged)-1].seq) {
			acknowledged = append(acknowledged, m)
		}
	}
	for i := range all {
		m := &all[i]
		if m.outcome == verify.OK || len(acknowledged) == 0 {
			continue
		}
		at, _ := slices.BinarySearchFunc(acknowledged, m.call, func(a mark, call time.Duration) int { return cmp.Compare(a.ret, call) })
		m.seq = acknowledged[max(at-1, 0)].seq
	}
}

// spectrum is a percentile distribution as HdrHistogram plots it, eight points
// to each doubling of 1/(1-p).
func (t *Trace) spectrum() [][]*float64 {
	columns := make([][]*float64, 2+len(t.waitsOf))
	n := t.waits.TotalCount()
	for i := 0; n > 0; i++ {
		x := min(math.Pow(2, float64(i)/8), float64(n))
		columns[0] = append(columns[0], &x)
		percent := 100 * (1 - 1/x)
		value := float64(t.waits.ValueAtQuantile(percent)) / 1000
		if x == float64(n) {
			value = float64(t.waits.Max()) / 1000
		}
		columns[1] = append(columns[1], &value)
		for r, h := range t.waitsOf {
			var at *float64
			if h != nil && x <= float64(h.TotalCount()) {
				v := float64(h.ValueAtQuantile(percent)) / 1000
				at = &v
			}
			columns[2+r] = append(columns[2+r], at)
		}
		if x == float64(n) {
			break
		}
	}
	return columns
}

// throughput starts with the bucket in which the run began.
func (t *Trace) throughput(replicas int) [][]float64 {
	columns := make([][]float64, 1+replicas)
	for i, b := range t.buckets {
		if time.Duration(i+1)*t.width <= t.begin {
			continue
		}
		columns[0] = append(columns[0], ms(time.Duration(i)*t.width-t.begin))
		for r := range replicas {
			perSecond := 0.0
			if r < len(b.ok) {
				perSecond = float64(b.ok[r]) / t.width.Seconds()
			}
			columns[1+r] = append(columns[1+r], perSecond)
		}
	}
	return columns
}

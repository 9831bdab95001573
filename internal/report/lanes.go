package report

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"dummymessenger/internal/measure"
	"dummymessenger/internal/verify"
)

// maxLanes is how many operations are drawn in lanes. More of them could not be told
// apart.
const maxLanes = 40

// lanes are the operations of a short run, each replica's in a lane of its own.
type lanes struct {
	Height int
	Lanes  []lane
}

type lane struct {
	Name      string
	Y, Height int
	Bars      []bar
}

// A bar is an operation from call to return. Its unit is a pixel of a drawing of
// laneWidth.
type bar struct {
	X, Y, Width  int
	LabelX       int
	Anchor       string // of the label: start or end
	Label, Title string
	Class        string
}

const (
	laneWidth = 1040
	rowHeight = 34
	barLeast  = 6
)

// lanes draws the operations of t, nil if there are too many.
func (l words) lanes(t *measure.Trace, r *measure.Run, v *verify.Verdict) *lanes {
	if t == nil {
		return nil
	}
	all := slices.Concat(t.Answered, t.Unanswered)
	if len(all) == 0 || len(all) > maxLanes {
		return nil
	}
	slices.SortFunc(all, func(a, b measure.Mark) int { return cmp.Compare(a.Call, b.Call) })
	first, last := all[0].Call, all[0].Return
	for _, m := range all {
		last = max(last, m.Return)
	}
	scale := float64(laneWidth-2) / float64(max(last-first, 1))
	at := func(d time.Duration) int { return int(float64(d-first)*scale) + 1 }
	isWitness := func(m measure.Mark) bool {
		return v != nil && v.CounterExample != nil && slices.ContainsFunc(v.CounterExample.Witnesses, func(w verify.Witness) bool {
			return w.Worker == m.Worker && w.Number == m.Number
		})
	}
	drawing := &lanes{}
	for i, replica := range r.Replicas {
		in := lane{Name: shortURL(replica.URL), Y: drawing.Height}
		var ends []int // of the last label in each row
		for _, m := range all {
			if m.Replica != i {
				continue
			}
			b := bar{X: at(m.Call), Class: m.Outcome.String(), Label: l.Say("worker %d, request %d", m.Worker, m.Number)}
			b.Width = max(at(m.Return)-b.X, barLeast)
			if m.Seq > 0 {
				b.Label = fmt.Sprintf("seq %d · %s", m.Seq, m.Sender)
			}
			if isWitness(m) {
				b.Class += " witness"
			}
			b.Title = l.Say("%s: %s, sent at %s, ended at %s", l.Say("worker %d, request %d", m.Worker, m.Number), l.Tr(m.Outcome.String()),
				l.elapsed(verify.Elapsed(m.Call)), l.elapsed(verify.Elapsed(m.Return)))
			const character = 7
			end := max(b.X+b.Width, b.X+character*runeCount(b.Label)) + 2*character
			row := slices.IndexFunc(ends, func(end int) bool { return end <= b.X })
			if row < 0 {
				row, ends = len(ends), append(ends, 0)
			}
			ends[row] = end
			b.Y = drawing.Height + 24 + row*rowHeight
			if b.LabelX, b.Anchor = b.X, "start"; b.X+character*runeCount(b.Label) > laneWidth {
				b.LabelX, b.Anchor = b.X+b.Width, "end"
			}
			in.Bars = append(in.Bars, b)
		}
		in.Height = 24 + max(len(ends), 1)*rowHeight
		drawing.Height += in.Height
		drawing.Lanes = append(drawing.Lanes, in)
	}
	return drawing
}

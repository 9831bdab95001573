package report

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"dummymessenger/internal/verify"
)

// An exhibit is one violation with the windows of its witnesses side by side.
type exhibit struct {
	Index     int // among plots.Violations
	Title     string
	Why       string
	Session   string
	Cause     string // what usually brings it about …
	Remedy    string // … and what usually mends it
	Inferred  bool   // places are, since the server shows no seq
	Witnesses []verify.Witness
	Rows      []exhibitRow
}

// An exhibitRow is one seq, as each witness shows it.
type exhibitRow struct {
	Seq   int64 // 0: places between, which no witness shows, are left out
	Here  bool  // the place in the log where the violation shows
	Cells []exhibitCell
}

// An exhibitCell is what one window shows at a seq.
type exhibitCell struct {
	Shown, Own, Gap    bool
	Sender, Text, Date string
	Count              int64
	Contradicted       map[string]bool // fields that cannot be true beside those of other cells

	text string // whole
}

// excerptWidth is how much of a text is shown, in characters.
const excerptWidth = 44

// maxHole is how many places between windows are shown empty.
const maxHole = 6

func (l words) exhibit(index int, v *verify.Violation) exhibit {
	x := exhibit{Index: index, Title: l.anomaly(v), Why: l.Sentence(v.Why), Inferred: v.Inferred, Witnesses: v.Witnesses}
	if len(v.Session) > 0 {
		x.Session = l.broken(v.Session)
	}
	_, cause, mend := v.Advice()
	x.Cause, x.Remedy = l.Sentence(cause), l.Sentence(mend)
	places := map[int64]bool{}
	for _, w := range v.Witnesses {
		for _, e := range w.Window {
			places[e.Seq] = true
		}
	}
	if len(places) == 0 {
		return x
	}
	if v.Seq > 0 {
		places[v.Seq] = true
	}
	before := int64(0)
	for _, seq := range slices.Sorted(maps.Keys(places)) {
		switch {
		case before == 0:
		case seq-before-1 > maxHole:
			x.Rows = append(x.Rows, exhibitRow{Cells: make([]exhibitCell, len(v.Witnesses))})
		default:
			for s := before + 1; s < seq; s++ {
				x.Rows = append(x.Rows, l.exhibitRow(v, s))
			}
		}
		x.Rows = append(x.Rows, l.exhibitRow(v, seq))
		before = seq
	}
	if v.Check == verify.Counters {
		x.markCounts()
	} else {
		x.markConflicts()
	}
	x.markPlace()
	return x
}

// markCounts marks the count at the violation's place and the one that its sender had
// before. Others may be as wrong, but are not what is told.
func (x *exhibit) markCounts() {
	before := map[string][]*exhibitCell{} // by sender, in the row where it was shown last
	for _, row := range x.Rows {
		shown := map[string][]*exhibitCell{}
		for i := range row.Cells {
			if c := &row.Cells[i]; c.Shown {
				shown[c.Sender] = append(shown[c.Sender], c)
			}
		}
		for sender, cells := range shown {
			if row.Here {
				for _, c := range slices.Concat(cells, before[sender]) {
					c.Contradicted["count"] = true
				}
			}
			before[sender] = cells
		}
	}
}

func (l words) exhibitRow(v *verify.Violation, seq int64) exhibitRow {
	row := exhibitRow{Seq: seq, Here: seq == v.Seq}
	for _, w := range v.Witnesses {
		var c exhibitCell
		for _, e := range w.Window {
			if e.Seq == seq {
				c = exhibitCell{
					Shown: true, Own: seq == w.Seq, Sender: e.Sender, Count: e.SenderCount, Date: clockTime(e.SentAt),
					Text: l.text(e.Text, excerptWidth), text: e.Text, Contradicted: map[string]bool{},
				}
			}
		}
		if n := len(w.Window); !c.Shown && n > 0 {
			c.Gap = w.Window[0].Seq < seq && seq < w.Window[n-1].Seq
		}
		row.Cells = append(row.Cells, c)
	}
	return row
}

// markConflicts marks what cannot be true together: two contents of one seq,
// one text or one sender's count at two, a date before an older one's.
func (x *exhibit) markConflicts() {
	type content struct{ field, value string }
	type place struct {
		seq  int64
		cell *exhibitCell
	}
	places := map[content]place{} // where it was shown last
	var latest *exhibitCell
	for _, row := range x.Rows {
		var first *exhibitCell
		for i := range row.Cells {
			c := &row.Cells[i]
			if !c.Shown {
				continue
			}
			first = cmp.Or(first, c)
			markIf(c.Sender != first.Sender, "sender", c, first)
			markIf(c.Count != first.Count, "count", c, first)
			markIf(c.Date != first.Date, "date", c, first)
			if !sameText(c.text, first.text) {
				markIf(true, "text", c, first)
				c.Text, first.Text = excerptsWhereDifferent(c.text, first.text)
			}
			once := []content{{"text", c.text}}
			if c.Count > 0 {
				once = append(once, content{"count", fmt.Sprint(c.Count, " ", c.Sender)})
			}
			for _, o := range once {
				p, ok := places[o]
				markIf(ok && p.seq != row.Seq, o.field, c, p.cell)
				places[o] = place{row.Seq, c}
			}
		}
		if first != nil && latest != nil {
			markIf(first.Date < latest.Date, "date", first, latest)
		}
		latest = cmp.Or(first, latest)
	}
}

// markIf marks the field of two cells that contradict each other.
func markIf(contradictory bool, field string, a, b *exhibitCell) {
	if contradictory {
		a.Contradicted[field], b.Contradicted[field] = true, true
	}
}

// sameText reports whether two answers show one text, of which the verifier may
// remember the nonce only.
func sameText(a, b string) bool {
	if a == b {
		return true
	}
	x, okX := verify.FindNonce(a)
	y, okY := verify.FindNonce(b)
	return okX && okY && x == y && (a == x.String() || b == y.String())
}

// excerptsWhereDifferent begin shortly before the first difference.
func excerptsWhereDifferent(a, b string) (string, string) {
	x, y := []rune(a), []rune(b)
	same := 0
	for same < len(x) && same < len(y) && x[same] == y[same] {
		same++
	}
	from := max(same-excerptWidth/3, 0)
	cut := func(r []rune) string {
		text := excerpt(string(r[min(from, len(r)):]), excerptWidth)
		if from > 0 {
			text = "…" + text
		}
		return text
	}
	return cut(x), cut(y)
}

// markPlace marks the message at the violation's place if nothing else is
// marked. Then the answers contradict what was sent, or when it was sent, but
// not each other.
func (x *exhibit) markPlace() {
	marked := func(c exhibitCell) bool { return c.Gap || len(c.Contradicted) > 0 }
	if slices.ContainsFunc(x.Rows, func(row exhibitRow) bool { return slices.ContainsFunc(row.Cells, marked) }) {
		return
	}
	for _, row := range x.Rows {
		for _, c := range row.Cells {
			if row.Here && c.Shown {
				c.Contradicted["text"] = true
			}
		}
	}
}

// exhibits are the counter-example and the worst two cases of each check.
func (l words) exhibits(v *verify.Verdict) []exhibit {
	if v == nil {
		return nil
	}
	var all []exhibit
	index := 0
	for _, c := range v.Checks {
		for i := range c.Worst {
			switch x := &c.Worst[i]; {
			case sameCase(x, v.CounterExample):
				all = slices.Insert(all, 0, l.exhibit(index, x))
			case i < 2:
				all = append(all, l.exhibit(index, x))
			}
			index++
		}
	}
	if v.CounterExample != nil && (len(all) == 0 || all[0].Why != l.Sentence(v.CounterExample.Why)) {
		all = slices.Insert(all, 0, l.exhibit(-1, v.CounterExample))
	}
	return all
}

func sameCase(a, b *verify.Violation) bool {
	return b != nil && a.Check == b.Check && a.Seq == b.Seq && a.Why.String() == b.Why.String()
}

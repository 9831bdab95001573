package report

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"dummymessenger/internal/verify"
)

// An exhibit is one violation with the windows of its witnesses side by side.
type exhibit struct {
	Index     int // among plots.Violations
	Title     string
	Why       string
	Session   string
	Inferred  bool // places are, since the server shows no seq
	Witnesses []verify.Witness
	Rows      []exhibitRow
}

// An exhibitRow is one seq, as each witness shows it.
type exhibitRow struct {
	Seq   int64 // 0: places between, which no witness shows, are left out
	Here  bool  // the place in the log where the violation shows
	Cells []exhibitCell
}

// An exhibitCell is what one window shows at a seq. A field that cannot be
// true beside the others is marked odd.
type exhibitCell struct {
	Shown, Own, Gap                       bool
	Sender, Text, Date                    string
	Count                                 int64
	OddSender, OddCount, OddText, OddDate bool

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
		if before > 0 && seq-before-1 > maxHole {
			x.Rows = append(x.Rows, exhibitRow{Cells: make([]exhibitCell, len(v.Witnesses))})
		} else if before > 0 {
			for s := before + 1; s < seq; s++ {
				x.Rows = append(x.Rows, newExhibitRow(v, s))
			}
		}
		x.Rows = append(x.Rows, newExhibitRow(v, seq))
		before = seq
	}
	x.markConflicts()
	x.markPlace()
	return x
}

func newExhibitRow(v *verify.Violation, seq int64) exhibitRow {
	row := exhibitRow{Seq: seq, Here: seq == v.Seq}
	for _, w := range v.Witnesses {
		var c exhibitCell
		for _, e := range w.Window {
			if e.Seq == seq {
				c = exhibitCell{
					Shown: true, Own: seq == w.Seq, Sender: e.Sender, Count: e.SenderCount,
					Text: excerpt(e.Text, excerptWidth), text: e.Text,
				}
				if e.SentAt != 0 {
					c.Date = time.UnixMicro(e.SentAt).UTC().Format("15:04:05.000000")
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
	type place struct {
		seq  int64
		cell *exhibitCell
	}
	texts, counts := map[string]place{}, map[string]place{}
	var latest *exhibitCell
	for _, row := range x.Rows {
		var first *exhibitCell
		for i := range row.Cells {
			c := &row.Cells[i]
			if !c.Shown {
				continue
			}
			if first == nil {
				first = c
			}
			differ(&c.OddSender, &first.OddSender, c.Sender != first.Sender)
			differ(&c.OddCount, &first.OddCount, c.Count != first.Count)
			if !sameText(c.text, first.text) {
				differ(&c.OddText, &first.OddText, true)
				c.Text, first.Text = excerptsWhereDifferent(c.text, first.text)
			}
			differ(&c.OddDate, &first.OddDate, c.Date != first.Date)
			if p, ok := texts[c.text]; ok && p.seq != row.Seq {
				differ(&c.OddText, &p.cell.OddText, true)
			}
			texts[c.text] = place{row.Seq, c}
			count := fmt.Sprint(c.Count, " ", c.Sender)
			if p, ok := counts[count]; ok && p.seq != row.Seq && c.Count > 0 {
				differ(&c.OddCount, &p.cell.OddCount, true)
			}
			counts[count] = place{row.Seq, c}
		}
		if first != nil && latest != nil && first.Date < latest.Date {
			differ(&first.OddDate, &latest.OddDate, true)
		}
		latest = cmp.Or(first, latest)
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
	for _, row := range x.Rows {
		for i := range row.Cells {
			if c := &row.Cells[i]; c.Gap || c.OddSender || c.OddCount || c.OddText || c.OddDate {
				return
			}
		}
	}
	for _, row := range x.Rows {
		for i := range row.Cells {
			c := &row.Cells[i]
			c.OddText = c.OddText || row.Here && c.Shown
		}
	}
}

func differ(a, b *bool, different bool) {
	*a = *a || different
	*b = *b || different
}

// exhibits are the counter-example and the worst two cases of each check.
func (l words) exhibits(v *verify.Verdict) []exhibit {
	var all []exhibit
	index := 0
	for _, c := range v.Checks {
		for i := range c.Worst {
			if i < 2 || sameCase(&c.Worst[i], v.CounterExample) {
				x := l.exhibit(index, &c.Worst[i])
				if sameCase(&c.Worst[i], v.CounterExample) {
					all = slices.Insert(all, 0, x)
				} else {
					all = append(all, x)
				}
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

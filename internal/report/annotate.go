package report

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// An Annotation is a stretch of time in which something was done to the
// servers, such as an injected fault.
type Annotation struct {
	From, To Moment
	Label    string
}

// A Moment is a time of day, or else seconds from the run's first request.
type Moment struct {
	Date    time.Time // zero: Seconds counts
	Seconds float64
}

// UnmarshalJSONFrom takes an RFC 3339 date or a number of seconds.
func (m *Moment) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	if d.PeekKind() == '0' {
		return json.UnmarshalDecode(d, &m.Seconds)
	}
	return json.UnmarshalDecode(d, &m.Date)
}

// ReadAnnotations reads JSON lines of the form {"from":0.5,"to":1.2,"label":"disk full"}.
// The times are seconds from the first request, or RFC 3339 dates.
func ReadAnnotations(r io.Reader) ([]Annotation, error) {
	var all []Annotation
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		if strings.TrimSpace(lines.Text()) == "" {
			continue
		}
		var l struct {
			From  *Moment `json:"from"`
			To    *Moment `json:"to"`
			Label string  `json:"label"`
		}
		err := json.Unmarshal(lines.Bytes(), &l, json.RejectUnknownMembers(true))
		if err == nil && (l.From == nil || l.To == nil || l.Label == "") {
			err = errors.New("from, to and label are needed")
		}
		if err != nil {
			return nil, fmt.Errorf("annotation in line %d: %w", n, err)
		}
		all = append(all, Annotation{From: *l.From, To: *l.To, Label: l.Label})
	}
	return all, lines.Err()
}

// span is in milliseconds from start, which is when the first request was sent.
func (a *Annotation) span(start time.Time) (from, to float64) {
	at := func(m Moment) float64 {
		if m.Date.IsZero() {
			return m.Seconds * 1000
		}
		return ms(m.Date.Sub(start))
	}
	from, to = at(a.From), at(a.To)
	return min(from, to), max(from, to)
}

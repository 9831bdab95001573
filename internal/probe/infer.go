package probe

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"dummymessenger/internal/verify"
)

// A shape is that of the answers.
type shape struct {
	messages string // path of the container
	keyed    bool
	order    string
	fields   map[string]string // seq, sender … to the path in a message
	ownCount string
	date     string
	offset   string

	maxText int
	plain   bool

	notes []verify.Sentence
}

// A path leads to a value in JSON: keys, and indexes of arrays.
type path []string

func (p path) String() string { return strings.Join(p, ".") }

// find returns where text stands in v.
func find(v any, text string) (paths []path) {
	each(v, nil, func(p path, scalar any) {
		if scalar == text {
			paths = append(paths, slices.Clone(p))
		}
	})
	return paths
}

// each calls f with every scalar in v, in the order of arrays and the keys' order.
func each(v any, p path, f func(path, any)) {
	switch v := v.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			each(v[key], append(p, key), f)
		}
	case []any:
		for i, element := range v {
			each(element, append(p, strconv.Itoa(i)), f)
		}
	default:
		f(p, v)
	}
}

func at(v any, p path) any {
	for _, key := range p {
		switch in := v.(type) {
		case map[string]any:
			v = in[key]
		case []any:
			i, err := strconv.Atoi(key)
			if err != nil || i >= len(in) {
				return nil
			}
			v = in[i]
		default:
			return nil
		}
	}
	return v
}

// infer finds the shape of the answers to messages of two senders, by turns.
func infer(sent []exchange, now time.Time) (*shape, error) {
	s := &shape{fields: map[string]string{}}
	container, element, err := s.container(sent)
	if err != nil {
		return nil, err
	}
	// A message as an answer shows it: by path, its scalars.
	shown := make([]map[string]any, len(sent))
	for i, e := range sent {
		for _, p := range find(e.root, e.text) {
			if len(p) > len(container) && slices.Equal(p[:len(container)], container) {
				shown[i] = map[string]any{}
				each(at(e.root, p[:len(container)+1]), nil, func(p path, v any) { shown[i][p.String()] = v })
			}
		}
		if shown[i] == nil {
			return nil, fmt.Errorf("the answers show their messages at different places: %s", excerpt(e.body))
		}
	}
	s.fields["text"] = element
	s.name("sender", shown, func(values []any) bool {
		return slices.EqualFunc(values, sent, func(v any, e exchange) bool { return v == e.sender })
	})
	s.dates(shown, now)
	s.numbers(sent, shown, now)
	s.windows(sent, container)
	for _, field := range []string{"sender", "seq", "sender_count", "sent_at"} {
		if s.fields[field] == "" && !(field == "sender_count" && s.ownCount != "") {
			s.notes = append(s.notes, say("no field of the answers is the %s: what needs it cannot be checked", field))
		}
	}
	return s, nil
}

// container finds where the messages are: below it, the texts of several messages stand
// in different elements.
func (s *shape) container(sent []exchange) (container path, element string, err error) {
	newest := sent[len(sent)-1]
	own := find(newest.root, newest.text)
	deepest := -1
	for _, p := range own {
		for _, e := range sent[:len(sent)-1] {
			for _, q := range find(newest.root, e.text) {
				n := 0
				for n < min(len(p), len(q)) && p[n] == q[n] {
					n++
				}
				if n < len(p) && n > deepest {
					deepest, container, element = n, p[:n], p[n+1:].String()
				}
			}
		}
	}
	if deepest < 0 { // no answer shows more than its own message: take the array around it
		p := own[0]
		for n := len(p) - 1; n >= 0; n-- {
			if _, ok := at(newest.root, p[:n]).([]any); ok {
				container, element, deepest = p[:n], p[n+1:].String(), n
				s.notes = append(s.notes, say("no answer shows any message but its own"))
				break
			}
		}
	}
	if deepest < 0 {
		return nil, "", fmt.Errorf("the answer shows the message, and no list of messages: %s", excerpt(newest.body))
	}
	for i, key := range container {
		if _, ok := at(newest.root, container[:i]).([]any); ok {
			return nil, "", fmt.Errorf("the messages are within an array (at %s), which no profile can tell", path(container[:i+1]))
		}
		if strings.Contains(key, ".") {
			return nil, "", errors.New("a key with a dot leads to the messages, which no profile can tell")
		}
	}
	s.messages = container.String()
	_, s.keyed = at(newest.root, container).(map[string]any)
	if element == "" {
		return nil, "", errors.New("the messages are texts alone, which no profile can tell")
	}
	return container, element, nil
}

// name finds the field whose values in the messages are right.
func (s *shape) name(field string, shown []map[string]any, right func([]any) bool) bool {
	var candidates []string
	for p := range shown[0] {
		values := make([]any, len(shown))
		for i := range shown {
			values[i] = shown[i][p]
		}
		if !slices.Contains(slices.Collect(maps.Values(s.fields)), p) && right(values) {
			candidates = append(candidates, p)
		}
	}
	if candidates == nil {
		return false
	}
	s.fields[field] = slices.MinFunc(candidates, func(a, b string) int {
		return cmp.Or(cmp.Compare(unlikely(field, a), unlikely(field, b)), cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
	})
	return true
}

// unlikely is 0 if a field's name suits what it is.
func unlikely(field, name string) int {
	for _, word := range map[string][]string{"seq": {"id", "seq", "num", "order"}, "sender_count": {"count", "num"}}[field] {
		if strings.Contains(strings.ToLower(name), word) {
			return 0
		}
	}
	return 1
}

// numbers finds the number of a message in the log, and among its sender's.
func (s *shape) numbers(sent []exchange, shown []map[string]any, now time.Time) {
	if len(sent) < 4 {
		return
	}
	counted := func(values []any) bool {
		n := integers(values)
		return n != nil && n[0] == n[1] && n[2] == n[3] && n[2] == n[0]+1 && (n[0] == 0 || n[0] == 1)
	}
	if s.name("sender_count", shown, counted) {
		if n := integers([]any{shown[0][s.fields["sender_count"]]}); n[0] == 0 {
			s.notes = append(s.notes, say("a sender's messages are counted from 0"))
		}
	}
	s.name("seq", shown, func(values []any) bool {
		n := integers(values)
		if n == nil || !slices.IsSorted(n) || len(slices.Compact(slices.Clone(n))) < len(n) {
			return false
		}
		for _, form := range []float64{1, 1e3, 1e6} { // no date
			if math.Abs(float64(n[0])/form-float64(now.Unix())) < 86400 {
				return false
			}
		}
		return true
	})
	if s.fields["sender_count"] != "" {
		return
	}
	// It may stand beside the messages.
	each(sent[0].root, nil, func(p path, _ any) {
		values := make([]any, len(sent))
		for i, e := range sent {
			values[i] = at(e.root, p)
		}
		inside := s.messages == "" && !s.keyed || len(p) > 0 && strings.HasPrefix(p.String()+".", s.messages+".") && s.messages != ""
		if !inside && s.ownCount == "" && counted(values) {
			s.ownCount = p.String()
			s.notes = append(s.notes, say("the sender's count stands beside the messages: %s", s.ownCount))
		}
	})
}

// integers returns whole numbers, also those in quotes; nil if one is none.
func integers(values []any) []int64 {
	all := make([]int64, len(values))
	for i, v := range values {
		text := ""
		switch v := v.(type) {
		case json.Number:
			text = v.String()
		case string:
			text = v
		}
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil
		}
		all[i] = n
	}
	return all
}

// dates finds the date, and its form.
func (s *shape) dates(shown []map[string]any, now time.Time) {
	s.name("sent_at", shown, func(values []any) bool {
		for _, v := range values {
			form, offset := dateForm(v, now)
			if form == "" {
				return false
			}
			s.date, s.offset = form, offset
		}
		return true
	})
	if s.fields["sent_at"] == "" {
		s.date, s.offset = "", ""
	}
	if s.offset != "" {
		s.notes = append(s.notes,
			say("dates without a zone are %s ahead of UTC; if the server does not mean local time, that is a fault", s.offset))
	}
}

// dateForm returns the form of a date near now, and how far one without a zone is from
// UTC; "" if v is none.
func dateForm(v any, now time.Time) (form, offset string) {
	switch v := v.(type) {
	case json.Number:
		n, err := v.Float64()
		if err != nil {
			return "", ""
		}
		for form, unit := range map[string]float64{"unix": 1, "unix_ms": 1e3, "unix_us": 1e6} {
			if math.Abs(n/unit-float64(now.Unix())) < 86400 {
				return form, ""
			}
		}
	case string:
		if t, err := time.Parse(time.RFC3339, v); err == nil && t.Sub(now).Abs() < 24*time.Hour {
			return "rfc3339", ""
		}
		for _, layout := range []string{"2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05Z07"} {
			t, err := time.Parse(layout, v) // a fraction of a second is taken as well
			if err != nil || t.Sub(now).Abs() > 24*time.Hour {
				continue
			}
			const quarter = 15 * time.Minute
			ahead := t.Sub(now).Round(quarter)
			if ahead == 0 || strings.Contains(layout, "Z07") {
				return "isoformat", ""
			}
			sign := "+"
			if ahead < 0 {
				sign, ahead = "-", -ahead
			}
			return "isoformat", fmt.Sprintf("%s%02d:%02d", sign, int(ahead.Hours()), int(ahead.Minutes())%60)
		}
		if n, err := strconv.ParseFloat(v, 64); err == nil {
			return dateForm(json.Number(strconv.FormatFloat(n, 'f', -1, 64)), now)
		}
	}
	return "", ""
}

// windows finds the order of the messages, and whose they are.
func (s *shape) windows(sent []exchange, container path) {
	newest := sent[len(sent)-1]
	var places []int // of those that the answer shows, in the order in which they were sent
	ofOther, ofOwn := false, false
	for i, e := range sent {
		for _, p := range find(newest.root, e.text) {
			if len(p) <= len(container) || !slices.Equal(p[:len(container)], container) {
				continue
			}
			if n, err := strconv.Atoi(p[len(container)]); err == nil {
				places = append(places, n)
			}
			if i < len(sent)-1 {
				ofOther = ofOther || e.sender != newest.sender
				ofOwn = ofOwn || e.sender == newest.sender
			}
		}
	}
	falling := slices.Clone(places)
	slices.Reverse(falling)
	switch {
	case slices.IsSorted(places):
	case slices.IsSorted(falling):
		s.order = "desc"
	default:
		s.notes = append(s.notes, say("the messages are in no order that could be told: the client will say what it finds"))
	}
	if ofOwn && !ofOther && len(sent) == 4 {
		s.notes = append(s.notes, say("an answer holds messages of its own sender only, which the client will call a fault; "+
			`if it is meant so, add "window": "sender" to "answer" in the profile`))
	}
}

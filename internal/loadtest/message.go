package loadtest

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"dummymessenger/internal/verify"
)

// A field is one that the messages of an answer show.
type field struct {
	which       verify.Fields
	name        string // in the profile
	path        string // in the message, keys joined by dots
	first, rest string // of path
}

// fields returns the fields that have a name.
func (p *AnswerProfile) fields() (named []field) {
	for _, f := range []field{
		{which: verify.Seq, name: "seq", path: p.Seq},
		{which: verify.Sender, name: "sender", path: p.Sender},
		{which: verify.SenderCount, name: "sender_count", path: p.SenderCount},
		{which: verify.Text, name: "text", path: p.Text},
		{which: verify.SentAt, name: "sent_at", path: p.SentAt},
	} {
		if f.first, f.rest, _ = strings.Cut(f.path, "."); f.path != "" {
			named = append(named, f)
		}
	}
	return named
}

// missing returns the fields that answers do not show.
func (p *AnswerProfile) missing() verify.Fields {
	missing := verify.Seq | verify.Sender | verify.SenderCount | verify.Text | verify.SentAt
	for _, f := range p.fields() {
		missing &^= f.which
	}
	if p.OwnCount != "" {
		missing &^= verify.SenderCount
	}
	return missing
}

// parse reads the message at the start of data.
func (d *decoder) parse(r *jsonReader, data []byte) (*knownMessage, error) {
	r.reset(data)
	if err := r.begin(); err != nil {
		return nil, err
	}
	var values [5]span // at the first keys of d.fields
	for {
		key, ok, err := r.next()
		if err != nil {
			return nil, err
		}
		if !ok {
			break
		}
		value, err := r.readSpan()
		if err != nil {
			return nil, err
		}
		for i := range d.fields {
			if d.fields[i].first == string(key) {
				values[i] = value
			}
		}
	}
	m := &knownMessage{raw: string(data[:r.json.InputOffset()])}
	for i := range d.fields {
		f := &d.fields[i]
		s, err := r.scalar(f, m.raw, data, values[i])
		if err != nil {
			return nil, fmt.Errorf("answer.%s: %w in the message", f.name, err)
		}
		if err := d.profile.Answer.set(&m.entry, f, s); err != nil {
			return nil, fmt.Errorf("answer.%s: %q should be %w, and is %q", f.name, f.path, err, s)
		}
	}
	return m, nil
}

// scalar returns the string or number that f is, without quotes. The message is
// in raw and in data, and value is where in them f's first key leads. Where
// nothing is escaped, the string is a part of raw.
func (r *jsonReader) scalar(f *field, raw string, data []byte, value span) (string, error) {
	if value == (span{}) {
		return "", fmt.Errorf("no %q", f.path)
	}
	if f.rest != "" {
		r.reset(data[value.start:value.end])
		if err := r.enter(f.rest); err != nil {
			return "", err
		}
		inner, err := r.readSpan()
		if err != nil {
			return "", err
		}
		value = span{value.start + inner.start, value.start + inner.end}
	}
	literal := raw[value.start:value.end]
	switch jsontext.Value(data[value.start:value.end]).Kind() {
	case '0':
		return literal, nil
	case '"':
		if !strings.Contains(literal, `\`) {
			return literal[1 : len(literal)-1], nil
		}
		var err error
		r.buffer, err = jsontext.AppendUnquote(r.buffer[:0], literal)
		return string(r.buffer), err
	}
	return "", fmt.Errorf("%q should be a string or a number, and is %s,", f.path, excerpt([]byte(literal)))
}

// set sets the field of e that f describes to s. Its error says what s should be.
func (p *AnswerProfile) set(e *verify.Entry, f *field, s string) (err error) {
	switch f.which {
	case verify.Sender:
		e.Sender = s
	case verify.Text:
		e.Text = s
	case verify.SentAt:
		if e.SentAt, err = dateForms[p.Date](s, cmp.Or(p.zone, time.UTC)); err != nil {
			return fmt.Errorf("a date of the form %q", p.Date)
		}
	default:
		number := &e.Seq
		if f.which == verify.SenderCount {
			number = &e.SenderCount
		}
		if *number, err = strconv.ParseInt(s, 10, 64); err != nil {
			return errors.New("a whole number")
		}
	}
	return nil
}

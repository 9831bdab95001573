package loadtest

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"dummymessenger/internal/verify"
)

// decodeAny reads an answer of the profile's shape, in whatever form of JSON it
// is written.
func (d *decoder) decodeAny(body []byte) ([]*verify.Entry, error) {
	a := answers.Get().(*answerReader)
	defer answers.Put(a)
	answer := &d.profile.Answer
	window := make([]*verify.Entry, 0, 10)
	err := a.read(body, answer.Messages, func(message jsontext.Value) error {
		slot := d.recent.slotOf(message)
		k := slot.Load()
		if k == nil || k.raw != string(message) {
			k = &known{raw: string(message)}
			if err := answer.decodeMessage(&k.entry, message); err != nil {
				return err
			}
			slot.Store(k)
		}
		window = append(window, &k.entry)
		return nil
	})
	if err != nil {
		return nil, err
	}
	if answer.Order == "desc" {
		slices.Reverse(window)
	}
	return window, nil
}

// checkOrder returns an error if the profile has the order of the window wrong:
// the answer ends in the oldest message and begins with its own. Once one answer
// was in the right order, another that is not is the server's fault.
func (d *decoder) checkOrder(window []*verify.Entry, text string) error {
	if d.native || len(window) < 2 || d.ordered.Load() {
		return nil
	}
	first, last := window[0], window[len(window)-1]
	if last.Text == text {
		d.ordered.Store(true)
		return nil
	}
	falling := d.profile.Answer.Seq == "" || slices.IsSortedFunc(window, func(a, b *verify.Entry) int { return cmp.Compare(b.Seq, a.Seq) })
	if first.Text != text || !falling {
		return nil
	}
	if d.profile.Answer.Order == "desc" {
		return errors.New(`answer.order: "desc" means that the own message comes first, and it comes last; write "asc"`)
	}
	return errors.New(`answer.order: "asc" means that the own message comes last, and it comes first; write "desc"`)
}

var answers = sync.Pool{New: func() any { return &answerReader{json: jsontext.NewDecoder(new(bytes.Buffer))} }}

// An answerReader goes through the JSON of an answer.
type answerReader struct {
	json *jsontext.Decoder
}

// read calls each with every element of the array at path, keys joined by dots;
// it checks that the whole body is one JSON value.
func (a *answerReader) read(body []byte, path string, each func(jsontext.Value) error) error {
	a.json.Reset(bytes.NewBuffer(body))
	depth := 0
	for key := range strings.SplitSeq(path, ".") {
		if path == "" {
			break // the root is the array
		}
		if err := a.enter(key); err != nil {
			return fmt.Errorf("answer.messages: %w", err)
		}
		depth++
	}
	if a.json.PeekKind() != '[' {
		if path == "" {
			return errors.New("answer.messages: the whole answer should be an array")
		}
		return fmt.Errorf("answer.messages: %q should be an array", path)
	}
	if _, err := a.json.ReadToken(); err != nil {
		return err
	}
	for a.json.PeekKind() != ']' {
		element, err := a.json.ReadValue()
		if err == nil {
			err = each(element)
		}
		if err != nil {
			return err
		}
	}
	if _, err := a.json.ReadToken(); err != nil {
		return err
	}
	for range depth {
		if err := a.leave(); err != nil {
			return err
		}
	}
	if _, err := a.json.ReadToken(); err != io.EOF {
		return errors.New("something follows the JSON value")
	}
	return nil
}

// enter begins an object and goes to the value of key.
func (a *answerReader) enter(key string) error {
	if a.json.PeekKind() != '{' {
		return errors.New("no object where one should be")
	}
	for _, err := a.json.ReadToken(); ; err = a.json.SkipValue() {
		if err != nil {
			return err
		}
		name, err := a.json.ReadToken()
		switch {
		case err != nil:
			return err
		case name.Kind() == '}':
			return fmt.Errorf("no %q", key)
		case name.String() == key:
			return nil
		}
	}
}

// leave skips the rest of an object.
func (a *answerReader) leave() error {
	for {
		name, err := a.json.ReadToken()
		if err != nil || name.Kind() == '}' {
			return err
		}
		if err := a.json.SkipValue(); err != nil {
			return err
		}
	}
}

// An objectValue is a JSON object, its values not decoded yet.
type objectValue map[string]jsontext.Value

func object(v jsontext.Value) (objectValue, error) {
	if v.Kind() != '{' {
		return nil, errors.New("no object where one should be")
	}
	var o objectValue
	return o, json.Unmarshal(v, &o)
}

func (o objectValue) member(path string) (jsontext.Value, error) {
	key, rest, _ := strings.Cut(path, ".")
	v, ok := o[key]
	if !ok {
		return nil, fmt.Errorf("no %q", path)
	}
	if rest == "" {
		return v, nil
	}
	inner, err := object(v)
	if err != nil {
		return nil, err
	}
	return inner.member(rest)
}

// decodeMessage reads one message into e.
func (p *AnswerProfile) decodeMessage(e *verify.Entry, v jsontext.Value) error {
	o, err := object(v)
	if err != nil {
		return err
	}
	var date string
	for _, field := range []struct {
		key, name string
		number    *int64
		text      *string
	}{
		{"seq", p.Seq, &e.Seq, nil}, {"sender", p.Sender, nil, &e.Sender}, {"sender_count", p.SenderCount, &e.SenderCount, nil},
		{"text", p.Text, nil, &e.Text}, {"sent_at", p.SentAt, nil, &date},
	} {
		if field.name == "" {
			continue
		}
		s, err := o.scalar(field.name)
		if err != nil {
			return fmt.Errorf("answer.%s: %w in the message", field.key, err)
		}
		if field.number == nil {
			*field.text = s
		} else if *field.number, err = strconv.ParseInt(s, 10, 64); err != nil {
			return fmt.Errorf("answer.%s: %q should be a whole number, and is %q", field.key, field.name, s)
		}
	}
	if p.SentAt != "" {
		if e.SentAt, err = dateForms[p.Date](date, cmp.Or(p.zone, time.UTC)); err != nil {
			return fmt.Errorf("answer.sent_at: %q should be a date of the form %q, and is %q", p.SentAt, p.Date, date)
		}
	}
	return nil
}

// scalar is the string or number at path, without quotes.
func (o objectValue) scalar(path string) (string, error) {
	v, err := o.member(path)
	if err != nil {
		return "", err
	}
	switch v.Kind() {
	case '"':
		s, err := jsontext.AppendUnquote(nil, v)
		return string(s), err
	case '0':
		return string(v), nil
	}
	return "", fmt.Errorf("%q should be a string or a number, and is %s,", path, excerpt(v))
}

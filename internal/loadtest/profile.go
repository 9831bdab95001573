package loadtest

import (
	"cmp"
	"errors"
	"fmt"
	"hash/crc32"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"dummymessenger/internal/verify"
)

// A Profile is the wire shape of a server, so that servers other than ours can
// be tested. docs/PROFILES.md describes it for users.
type Profile struct {
	Method  string         `json:"method"` // POST if empty
	Path    string         `json:"path"`   // appended to each URL
	Request RequestProfile `json:"request"`
	Answer  AnswerProfile  `json:"answer"`

	// IdempotencyKey tells that the server honours the header of that name.
	// Without it a request whose outcome is unknown is never sent again.
	IdempotencyKey bool `json:"idempotency_key"`
}

// A RequestProfile tells how a message is sent.
type RequestProfile struct {
	As     string `json:"as"`     // "json" (the default) or "query"
	Sender string `json:"sender"` // name of the field; "sender" if empty
	Text   string `json:"text"`   // name of the field; "text" if empty
}

// An AnswerProfile tells where in the answer the window is, and its form.
type AnswerProfile struct {
	Messages string `json:"messages"` // keys joined by dots; empty if the root is the array
	Order    string `json:"order"`    // "asc" (oldest first, the default) or "desc"
	Date     string `json:"date"`     // one of dateForms; "rfc3339" if empty

	// UTCOffset is the zone of dates that name none, as in "+03:00"; UTC if empty.
	UTCOffset string `json:"utc_offset"`
	zone      *time.Location

	// Names of the five fields, keys joined by dots. An empty name says that
	// the server does not tell.
	Seq         string `json:"seq"`
	Sender      string `json:"sender"`
	SenderCount string `json:"sender_count"`
	Text        string `json:"text"`
	SentAt      string `json:"sent_at"`
}

// Native is the profile of this project's own server.
func Native() *Profile {
	return &Profile{
		Method:  "POST",
		Path:    "/messages",
		Request: RequestProfile{As: "json", Sender: "sender", Text: "text"},
		Answer: AnswerProfile{Messages: "messages", Order: "asc", Date: "rfc3339",
			Seq: "seq", Sender: "sender", SenderCount: "sender_count", Text: "text", SentAt: "sent_at"},
		IdempotencyKey: true,
	}
}

// ParseProfile reads a profile from JSON.
func ParseProfile(data []byte) (*Profile, error) {
	var p Profile
	if err := json.Unmarshal(data, &p, json.RejectUnknownMembers(true)); err != nil {
		return nil, mistake(err)
	}
	setDefault := func(s *string, value string) {
		if *s == "" {
			*s = value
		}
	}
	setDefault(&p.Method, "POST")
	setDefault(&p.Request.As, "json")
	setDefault(&p.Request.Sender, "sender")
	setDefault(&p.Request.Text, "text")
	setDefault(&p.Answer.Order, "asc")
	setDefault(&p.Answer.Date, "rfc3339")
	if p.Answer.UTCOffset != "" {
		var err error
		if p.Answer.zone, err = utcOffset(p.Answer.UTCOffset); err != nil {
			return nil, err
		}
	}
	switch {
	case !strings.HasPrefix(p.Path, "/"):
		return nil, errors.New(`"path" must start with a slash`)
	case strings.IndexFunc(p.Method+p.Path, func(r rune) bool { return r <= ' ' || r > '~' }) >= 0:
		return nil, errors.New(`"method" and "path" hold visible ASCII characters only; write others as in %20`)
	case strings.Contains(p.Path, "#"):
		return nil, errors.New(`"path" holds a #, behind which nothing is sent; write %23`)
	case p.Request.As != "json" && p.Request.As != "query":
		return nil, fmt.Errorf(`"request.as" is %q; it must be "json" or "query"`, p.Request.As)
	case p.Answer.Order != "asc" && p.Answer.Order != "desc":
		return nil, fmt.Errorf(`"answer.order" is %q; it must be "asc" or "desc"`, p.Answer.Order)
	case dateForms[p.Answer.Date] == nil:
		return nil, fmt.Errorf(`"answer.date" is %q; it must be one of %s`, p.Answer.Date, strings.Join(dateFormNames(), ", "))
	case p.Request.As == "query" && (p.query().Has(p.Request.Sender) || p.query().Has(p.Request.Text)):
		return nil, fmt.Errorf(`"path" has a parameter that "request" puts there too: %q or %q`, p.Request.Sender, p.Request.Text)
	case p.Answer.Text == "":
		return nil, errors.New(`"answer.text" must be named: without it no message can be recognised`)
	}
	return &p, nil
}

// print names p so that two that differ have different names; "" is Native.
func (p *Profile) print() string {
	plain := *p
	plain.Answer.zone = nil // as UTCOffset says
	if plain == *Native() {
		return ""
	}
	return fmt.Sprintf("%s %s (%08x)", p.Method, p.Path, crc32.ChecksumIEEE(fmt.Appendf(nil, "%#v", plain)))
}

// mistake says in a profile's words what is wrong with its JSON.
func mistake(err error) error {
	e, ok := errors.AsType[*json.SemanticError](err)
	if !ok {
		return fmt.Errorf("not JSON: %w", err)
	}
	key := strings.ReplaceAll(strings.Trim(string(e.JSONPointer), "/"), "/", ".")
	switch {
	case errors.Is(err, json.ErrUnknownName):
		return fmt.Errorf("there is no key %q", key)
	case key == "":
		return errors.New("a profile is a JSON object")
	}
	return fmt.Errorf("%q is a JSON %v, which it must not be", key, e.JSONKind)
}

// query is what stands in the path.
func (p *Profile) query() url.Values {
	_, query, _ := strings.Cut(p.Path, "?")
	values, _ := url.ParseQuery(query) // what is no parameter is sent as it stands
	return values
}

// missing are the fields that answers do not show.
func (p *Profile) missing() verify.Fields {
	var missing verify.Fields
	for _, f := range []struct {
		name  string
		field verify.Fields
	}{
		{p.Answer.Seq, verify.Seq}, {p.Answer.Sender, verify.Sender}, {p.Answer.SenderCount, verify.SenderCount},
		{p.Answer.Text, verify.Text}, {p.Answer.SentAt, verify.SentAt},
	} {
		if f.name == "" {
			missing |= f.field
		}
	}
	return missing
}

// appendRequest appends a whole HTTP request.
func (p *Profile) appendRequest(dst []byte, t *target, sender, text, key string) []byte {
	var body []byte
	dst = append(dst, p.Method...)
	dst = append(dst, ' ')
	dst = append(dst, t.path...)
	if p.Request.As == "query" {
		switch {
		case !strings.Contains(p.Path, "?"):
			dst = append(dst, '?')
		case !strings.HasSuffix(p.Path, "?") && !strings.HasSuffix(p.Path, "&"):
			dst = append(dst, '&')
		}
		dst = append(dst, url.Values{p.Request.Sender: {sender}, p.Request.Text: {text}}.Encode()...)
	} else {
		var scratch [512]byte
		body = p.appendJSON(scratch[:0], sender, text)
	}
	dst = append(dst, " HTTP/1.1\r\nHost: "...)
	dst = append(dst, t.host...)
	dst = append(dst, "\r\nUser-Agent: dummymessenger-client\r\n"...)
	if t.token != "" {
		dst = append(dst, "Authorization: Bearer "...)
		dst = append(dst, t.token...)
		dst = append(dst, "\r\n"...)
	}
	if key != "" {
		dst = append(dst, "Idempotency-Key: "...)
		dst = append(dst, key...)
		dst = append(dst, "\r\n"...)
	}
	if body != nil {
		dst = append(dst, "Content-Type: application/json\r\n"...)
	}
	dst = append(dst, "Content-Length: "...)
	dst = strconv.AppendInt(dst, int64(len(body)), 10)
	dst = append(dst, "\r\n\r\n"...)
	return append(dst, body...)
}

func (p *Profile) appendJSON(dst []byte, sender, text string) []byte {
	dst = append(dst, '{')
	dst = appendQuoted(dst, p.Request.Sender)
	dst = append(dst, ':')
	dst = appendQuoted(dst, sender)
	dst = append(dst, ',')
	dst = appendQuoted(dst, p.Request.Text)
	dst = append(dst, ':')
	dst = appendQuoted(dst, text)
	return append(dst, '}')
}

func appendQuoted(dst []byte, s string) []byte {
	dst, err := jsontext.AppendQuote(dst, s)
	if err != nil { // only for invalid UTF-8, which ParseProfile and normalise have refused
		panic(err)
	}
	return dst
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

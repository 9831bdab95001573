package loadtest

import (
	"errors"
	"fmt"
	"hash/crc32"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
)

// A Profile is the wire shape of a server, so that servers other than ours can
// be tested. docs/PROFILES.md describes it for users.
type Profile struct {
	Method  string         `json:"method"` // POST if empty
	Path    string         `json:"path"`   // appended to each URL
	Request RequestProfile `json:"request"`
	Answer  AnswerProfile  `json:"answer"`

	// IdempotencyKey says that the server honours the header of that name.
	// Without it, a request whose outcome is unknown is never sent again.
	IdempotencyKey bool `json:"idempotency_key"`

	// NotStored are statuses besides 4xx with which the server says that the message is
	// certainly not stored.
	NotStored []int `json:"not_stored"`
}

// A RequestProfile says how a message is sent.
type RequestProfile struct {
	As     string `json:"as"`     // "json" (the default) or "query"
	Sender string `json:"sender"` // name of the field; "sender" if empty
	Text   string `json:"text"`   // name of the field; "text" if empty

	Texts   string `json:"texts"`    // "any" (the default), or "plain": words of a to z
	MaxText int    `json:"max_text"` // the longest text in characters; 0: messenger.MaxText
}

// An AnswerProfile says where in the answer the window is, and its form.
type AnswerProfile struct {
	Messages string `json:"messages"` // keys joined by dots; empty if the root is the array
	Keyed    bool   `json:"keyed"`    // it is an object, whose values in their order are the messages
	Window   string `json:"window"`   // "all" (the default), or "sender": the last messages of the own sender only
	Gapless  bool   `json:"gapless"`  // seqs are promised to have no holes
	Order    string `json:"order"`    // "asc" (oldest first, the default) or "desc"
	Date     string `json:"date"`     // one of dateForms; "rfc3339" if empty

	// UTCOffset is the zone of dates that name none, as in "+03:00"; UTC if empty.
	UTCOffset string `json:"utc_offset"`
	zone      *time.Location

	// OwnCount is where the own message's sender_count is if it stands beside the
	// messages: keys joined by dots, from the root.
	OwnCount string `json:"own_count"`

	// Names of the five fields, keys joined by dots; of a message that is an array,
	// indexes. The server does not show a field without a name.
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
		Request: RequestProfile{As: "json", Sender: "sender", Text: "text", Texts: "any"},
		Answer: AnswerProfile{Messages: "messages", Order: "asc", Date: "rfc3339", Window: "all",
			Seq: "seq", Sender: "sender", SenderCount: "sender_count", Text: "text", SentAt: "sent_at"},
		IdempotencyKey: true,
	}
}

// native reports whether p is our own server's, whatever texts it is sent.
func (p *Profile) native() bool {
	own := Native()
	own.Request.Texts, own.Request.MaxText = p.Request.Texts, p.Request.MaxText
	return reflect.DeepEqual(p, own)
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
	setDefault(&p.Request.Texts, "any")
	setDefault(&p.Answer.Window, "all")
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
	case p.Request.Texts != "any" && p.Request.Texts != "plain":
		return nil, fmt.Errorf(`"request.texts" is %q; it must be "any" or "plain"`, p.Request.Texts)
	case p.Request.MaxText != 0 && p.Request.MaxText < leastText:
		return nil, fmt.Errorf(`"request.max_text" is %d; it must be at least %d, which the mark takes by which a message is recognised`,
			p.Request.MaxText, leastText)
	case p.Answer.Window != "all" && p.Answer.Window != "sender":
		return nil, fmt.Errorf(`"answer.window" is %q; it must be "all" or "sender"`, p.Answer.Window)
	case p.Answer.OwnCount != "" && p.Answer.SenderCount != "":
		return nil, errors.New(`"answer.own_count" and "answer.sender_count" say two things; name one`)
	case slices.ContainsFunc(p.NotStored, func(status int) bool { return status < 300 || status > 599 }):
		return nil, errors.New(`"not_stored" lists statuses from 300 to 599`)
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

// print returns a name of p that differs from that of other profiles; "" for Native.
func (p *Profile) print() string {
	plain := *p
	plain.Answer.zone = nil // as UTCOffset says
	if plain.native() {
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

// query returns the parameters in the path.
func (p *Profile) query() url.Values {
	_, query, _ := strings.Cut(p.Path, "?")
	values, _ := url.ParseQuery(query) // what is no parameter is sent as it stands
	return values
}

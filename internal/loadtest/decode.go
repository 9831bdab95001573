package loadtest

import (
	"bytes"
	"hash/maphash"
	"strings"
	"sync/atomic"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"dummymessenger/internal/verify"
)

// A decoder turns answers into windows; any number of workers share one.
//
// Each message appears in up to ten answers. The decoder recognises one that it
// has met by its bytes, so that it is parsed once, and answers that show the
// same bytes share one Entry.
type decoder struct {
	profile *Profile
	native  bool // the profile is our own, whose usual form scan knows
	recent  recent

	ordered atomic.Bool // an answer was in the order that the profile says
}

func newDecoder(p *Profile) *decoder {
	return &decoder{profile: p, native: *p == *Native()}
}

// decode reads the body of an answer.
func (d *decoder) decode(body []byte) ([]*verify.Entry, error) {
	if d.native {
		if window := d.scan(body); window != nil {
			return window, nil
		}
	}
	return d.decodeAny(body)
}

// plausible reports whether body begins as answers of the profile do, and a
// log-in page does not. It costs next to nothing.
func (d *decoder) plausible(body []byte) bool {
	body = bytes.TrimLeft(body, " \t\r\n")
	if d.profile.Answer.Messages == "" {
		return bytes.HasPrefix(body, []byte("["))
	}
	return bytes.HasPrefix(body, []byte("{")) && (!d.native || bytes.Contains(body, []byte(`"messages"`)))
}

// scan reads an answer written just like our own server's: no spaces, keys in
// their order. It returns nil if that is not so, or anything else is odd.
func (d *decoder) scan(body []byte) []*verify.Entry {
	rest, ok := bytes.CutPrefix(body, []byte(`{"messages":[`))
	if !ok {
		return nil
	}
	window := make([]*verify.Entry, 0, 10)
	for {
		afterKey, ok := bytes.CutPrefix(rest, []byte(`{"seq":`))
		if !ok {
			return nil
		}
		seq, _, ok := scanInt(afterKey)
		if !ok {
			return nil
		}
		// A JSON object is never a proper prefix of another value, so a known
		// message's bytes at this place are this message.
		k := d.recent.slot(seq).Load()
		if k == nil || len(rest) < len(k.raw) || string(rest[:len(k.raw)]) != k.raw {
			if k = scanMessage(rest); k == nil {
				return nil
			}
			d.recent.slot(seq).Store(k)
		}
		window = append(window, &k.entry)
		rest = rest[len(k.raw):]
		if len(rest) == 0 {
			return nil
		}
		switch rest[0] {
		case ',':
			rest = rest[1:]
		case ']':
			if string(bytes.TrimSuffix(rest, []byte("\n"))) != "]}" {
				return nil
			}
			return window
		default:
			return nil
		}
	}
}

// scanMessage reads the message at the start of data, nil if its form is not
// the usual one.
func scanMessage(data []byte) *known {
	length := messageLength(data)
	if length == 0 {
		return nil
	}
	k := &known{raw: string(data[:length])}
	e := &k.entry
	s := scanner{rest: k.raw, ok: true}
	s.literal(`{"seq":`)
	e.Seq = s.int()
	s.literal(`,"sender":`)
	e.Sender = s.string()
	s.literal(`,"sender_count":`)
	e.SenderCount = s.int()
	s.literal(`,"text":`)
	e.Text = s.string()
	s.literal(`,"sent_at":`)
	date := s.string()
	s.literal(`}`)
	if !s.ok || s.rest != "" {
		return nil
	}
	var err error
	if e.SentAt, err = rfc3339(date); err != nil {
		return nil
	}
	return k
}

// messageLength returns the length of the object at the start of data, which
// must contain no other object. It returns 0 if the object does not end.
func messageLength(data []byte) int {
	quoted := false
	for i := 0; i < len(data); i++ {
		switch data[i] {
		case '"':
			quoted = !quoted
		case '\\':
			i++
		case '}':
			if !quoted {
				return i + 1
			}
		}
	}
	return 0
}

// A scanner reads JSON of a form known beforehand. Once something is not as
// expected, ok is false and stays so. The strings that it yields are parts of
// what it reads, wherever that is possible.
type scanner struct {
	rest string
	ok   bool
}

func (s *scanner) literal(text string) {
	if rest, ok := strings.CutPrefix(s.rest, text); ok {
		s.rest = rest
	} else {
		s.ok = false
	}
}

func (s *scanner) int() int64 {
	n, length, ok := scanInt(s.rest)
	if !ok {
		s.ok = false
		return 0
	}
	s.rest = s.rest[length:]
	return n
}

func (s *scanner) string() string {
	if !s.ok || len(s.rest) == 0 || s.rest[0] != '"' {
		s.ok = false
		return ""
	}
	end, escaped := 1, false // end: of the closing quote
	for ; end < len(s.rest) && s.rest[end] != '"'; end++ {
		switch c := s.rest[end]; {
		case c == '\\':
			escaped = true
			end++
		case c < ' ':
			s.ok = false
			return ""
		}
	}
	if end >= len(s.rest) {
		s.ok = false
		return ""
	}
	quoted := s.rest[:end+1]
	s.rest = s.rest[end+1:]
	if text := quoted[1:end]; !escaped && utf8.ValidString(text) {
		return text
	}
	var scratch [256]byte
	text, err := jsontext.AppendUnquote(scratch[:0], quoted) // or it is no JSON string
	if err != nil {
		s.ok = false
		return ""
	}
	return string(text)
}

// scanInt reads a positive number of at most 18 digits at the start of data.
func scanInt[T []byte | string](data T) (n int64, length int, ok bool) {
	for length < len(data) && length < 18 && '0' <= data[length] && data[length] <= '9' {
		n = n*10 + int64(data[length]-'0')
		length++
	}
	if length == 0 || data[0] == '0' || length == len(data) || '0' <= data[length] && data[length] <= '9' {
		return 0, 0, false
	}
	return n, length, true
}

// recent caches the latest messages: one for each seq modulo its size or, if an
// answer must be parsed to learn the seq, one for each hash of the JSON. It
// needs no lock: a message lost in a race is parsed again, and then two Entries
// show it.
type recent struct {
	slots [4096]atomic.Pointer[known]
}

// A known is a message that an answer has shown.
type known struct {
	raw   string // its JSON
	entry verify.Entry
}

func (r *recent) slot(seq int64) *atomic.Pointer[known] {
	return &r.slots[uint64(seq)%uint64(len(r.slots))]
}

// slotOf is the slot of a message whose seq is not known yet.
func (r *recent) slotOf(raw []byte) *atomic.Pointer[known] {
	return &r.slots[maphash.Bytes(rawSeed, raw)%uint64(len(r.slots))]
}

var rawSeed = maphash.MakeSeed()

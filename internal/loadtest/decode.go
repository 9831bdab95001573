package loadtest

import (
	"bytes"
	"errors"
	"fmt"
	"hash/maphash"
	"slices"
	"sync/atomic"

	"dummymessenger/internal/verify"
)

// A decoder turns answers into windows; any number of workers share one.
//
// Each message appears in up to ten answers. The decoder recognises one by its
// bytes, so that it is parsed once, and answers that show the same bytes share
// one Entry. It recognises what surrounds the messages in the same way. So of
// most answers only the newest message is parsed.
type decoder struct {
	profile *Profile
	native  bool // the profile is our own
	fields  []field

	// known caches the latest messages, each in its slot. It needs no lock: a
	// message lost in a race is parsed again, and then two Entries show it.
	known    [4096]atomic.Pointer[knownMessage]
	envelope atomic.Pointer[envelope] // of the latest answer; nil before the first

	ordered atomic.Bool // an answer was in the order that the profile says
}

// A knownMessage is a message that an answer has shown.
type knownMessage struct {
	raw   string // its JSON
	entry verify.Entry
}

// An envelope is an answer without its messages: valid JSON, with an empty array
// where the profile says.
type envelope struct {
	head []byte // up to the array's bracket
	tail []byte // from the closing bracket
}

func newDecoder(p *Profile) *decoder {
	return &decoder{profile: p, native: p.native(), fields: p.Answer.fields()}
}

// decode reads the body of an answer, in whatever form of JSON it is written.
func (d *decoder) decode(body []byte) ([]*verify.Entry, error) {
	r := readers.Get().(*jsonReader)
	defer readers.Put(r)
	around := d.envelope.Load()
	if around == nil || !bytes.HasPrefix(body, around.head) {
		r.reset(body)
		if err := r.enterMessages(d.profile.Answer.Messages, d.profile.Answer.Keyed); err != nil {
			return nil, err
		}
		around = &envelope{head: bytes.Clone(body[:r.json.InputOffset()])}
	}
	window, tail, err := d.messages(r, body[len(around.head):])
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(tail, around.tail) {
		if err := r.check(slices.Concat(around.head, tail)); err != nil {
			return nil, err
		}
		d.envelope.Store(&envelope{around.head, bytes.Clone(tail)})
	}
	if d.profile.Answer.Order == "desc" {
		slices.Reverse(window)
	}
	return window, nil
}

// ownCount returns the sender_count that stands beside the messages.
func (d *decoder) ownCount(body []byte) (int64, error) {
	r := readers.Get().(*jsonReader)
	defer readers.Put(r)
	n, err := r.number(body, d.profile.Answer.OwnCount)
	if err != nil {
		err = fmt.Errorf("answer.own_count: %w", err)
	}
	return n, err
}

// messages reads the elements of an array, or the members of an object. It returns the
// rest of the answer from the closing bracket.
func (d *decoder) messages(r *jsonReader, rest []byte) (window []*verify.Entry, tail []byte, err error) {
	window = make([]*verify.Entry, 0, 10)
	rest = trimSpace(rest)
	closing := []byte("]")
	if d.profile.Answer.Keyed {
		closing = []byte("}")
	}
	for more := !bytes.HasPrefix(rest, closing); more; {
		if d.profile.Answer.Keyed {
			if rest, err = r.skipKey(rest); err != nil {
				return nil, nil, err
			}
		}
		m, err := d.message(r, rest)
		if err != nil {
			return nil, nil, err
		}
		window = append(window, &m.entry)
		rest = trimSpace(rest[len(m.raw):])
		if rest, more = bytes.CutPrefix(rest, []byte(",")); more {
			rest = trimSpace(rest)
		} else if !bytes.HasPrefix(rest, closing) {
			return nil, nil, errors.New("no comma and no bracket behind a message")
		}
	}
	return window, rest, nil
}

func trimSpace(data []byte) []byte { return bytes.TrimLeft(data, " \t\r\n") }

// message returns the message at the start of rest.
func (d *decoder) message(r *jsonReader, rest []byte) (*knownMessage, error) {
	slot := d.slot(rest)
	// A JSON object or array is never a proper prefix of another value, so a known
	// message's bytes at this place are this message.
	if m := slot.Load(); m != nil && len(rest) >= len(m.raw) && string(rest[:len(m.raw)]) == m.raw {
		return m, nil
	}
	m, err := d.parse(r, rest)
	if err != nil {
		return nil, err
	}
	slot.Store(m)
	return m, nil
}

// slot returns where the message at the start of rest is kept. That depends on
// the first bytes of the message, and on none behind it.
func (d *decoder) slot(rest []byte) *atomic.Pointer[knownMessage] {
	start := rest[:min(96, len(rest))]
	if end := bytes.IndexAny(start, "}]"); end >= 0 {
		start = start[:end]
	}
	return &d.known[maphash.Bytes(slotSeed, start)%uint64(len(d.known))]
}

var slotSeed = maphash.MakeSeed()

// plausible reports whether body begins as answers of the profile do, and a
// log-in page does not. It costs next to nothing.
func (d *decoder) plausible(body []byte) bool {
	body = trimSpace(body)
	if d.profile.Answer.Messages == "" && !d.profile.Answer.Keyed {
		return bytes.HasPrefix(body, []byte("["))
	}
	return bytes.HasPrefix(body, []byte("{")) && (!d.native || bytes.Contains(body, []byte(`"messages"`)))
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
	for i, e := range window[1:] {
		if d.profile.Answer.Seq != "" && e.Seq >= window[i].Seq {
			return nil // equal ones are the server's fault, too
		}
	}
	if first.Text != text {
		return nil
	}
	if d.profile.Answer.Order == "desc" {
		return errors.New(`answer.order: "desc" means that the own message comes first, and it comes last; write "asc", or the server keeps to no order`)
	}
	return errors.New(`answer.order: "asc" means that the own message comes last, and it comes first; write "desc", or the server keeps to no order`)
}

// Decode reads one answer of a server as p describes it, oldest message first.
func Decode(p *Profile, body []byte) ([]*verify.Entry, error) {
	d := newDecoder(p)
	window, err := d.decode(body)
	if err == nil && p.Answer.OwnCount != "" {
		_, err = d.ownCount(body)
	}
	return window, err
}

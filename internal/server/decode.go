package server

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"dummymessenger/internal/messenger"
)

const (
	maxBody = 64 << 10

	bodyExample = `{"sender": "Anna", "text": "hello"}`
)

// decodeDraft returns the message that r asks to store.
func decodeDraft(w *response, r *http.Request) (messenger.Draft, error) {
	if err := checkContent(w, r); err != nil {
		return messenger.Draft{}, err
	}
	key, err := idempotencyKey(r)
	if err != nil {
		return messenger.Draft{}, err
	}
	draft, err := decodeBody(w, r)
	if err != nil {
		return messenger.Draft{}, err
	}
	if key != "" {
		draft.ID, draft.MayExist = messenger.KeyID(key), true
	} else {
		draft.ID = messenger.ID(uuid.Must(uuid.NewV7()))
	}
	return draft, nil
}

// checkContent refuses a body that does not claim to be plain JSON. Requiring
// that also keeps forms on other sites from posting (they cannot claim it).
func checkContent(w *response, r *http.Request) error {
	if !isJSON(r.Header["Content-Type"]) {
		w.Header().Set("Accept-Post", "application/json")
		return &refusal{problem: unsupportedType, detail: "send one header Content-Type: application/json; the only charset is utf-8"}
	}
	for _, coding := range r.Header["Content-Encoding"] {
		if !strings.EqualFold(coding, "identity") {
			w.Header().Set("Accept-Encoding", "identity")
			return &refusal{problem: unsupportedType, detail: "send the body as it is, without Content-Encoding"}
		}
	}
	return nil
}

func isJSON(contentType []string) bool {
	if len(contentType) != 1 {
		return false
	}
	if contentType[0] == "application/json" {
		return true // what nearly everybody sends
	}
	media, params, err := mime.ParseMediaType(contentType[0])
	if err != nil || media != "application/json" {
		return false
	}
	charset, ok := params["charset"]
	return !ok || strings.EqualFold(charset, "utf-8")
}

// A decoder turns a body into a draft.
type decoder struct {
	body    bytes.Buffer
	limited io.LimitedReader
	json    jsontext.Decoder
}

var decoders = sync.Pool{New: func() any { return new(decoder) }}

// decodeBody reads the message in r's body.
func decodeBody(w *response, r *http.Request) (messenger.Draft, error) {
	d := decoders.Get().(*decoder)
	defer decoders.Put(d)

	if err := d.read(r); err != nil {
		w.Header().Set("Connection", "close") // the rest of the body is still to come
		return messenger.Draft{}, err
	}
	return d.decode()
}

// read fills d.body. It trusts a Content-Length only if that is too large.
func (d *decoder) read(r *http.Request) error {
	if r.ContentLength > maxBody {
		return &refusal{problem: bodyTooLarge}
	}
	d.body.Reset()
	d.limited = io.LimitedReader{R: r.Body, N: maxBody + 1}
	_, err := d.body.ReadFrom(&d.limited)
	d.limited.R = nil
	switch {
	case err == nil && d.body.Len() > maxBody:
		return &refusal{problem: bodyTooLarge}
	case errors.Is(err, os.ErrDeadlineExceeded):
		return &refusal{problem: bodyTimeout, cause: err}
	case err != nil:
		return &messenger.Error{Kind: messenger.Malformed, Err: err,
			Detail: "the body could not be read to its end; it is shorter than announced, or its chunks are malformed"}
	}
	return nil
}

// decode returns the draft that d.body describes, which must be one JSON object
// with the strings sender and text and nothing else. What is not of this shape
// is Malformed, and is reported before values that are Invalid.
//
// jsontext itself refuses duplicate names, invalid UTF-8 and unpaired
// surrogates.
func (d *decoder) decode() (messenger.Draft, error) {
	var none messenger.Draft
	if len(bytes.TrimLeft(d.body.Bytes(), " \t\r\n")) == 0 {
		return none, malformed("the body is empty; send %s", bodyExample)
	}
	dec := &d.json
	dec.Reset(&d.body)

	open, err := dec.ReadToken()
	if err != nil {
		return none, notJSON(err)
	}
	if open.Kind() != '{' {
		return none, malformed("the body is %s; send one JSON object, as in %s", describe(open.Kind()), bodyExample)
	}

	var sender, text struct {
		value string
		seen  bool
	}
	for dec.PeekKind() != '}' {
		name, err := dec.ReadToken()
		if err != nil {
			return none, notJSON(err)
		}
		field, known := &text, "text"
		switch name.String() {
		case "text":
		case "sender":
			field, known = &sender, "sender"
		default:
			return none, malformed("unknown field %s; the fields are sender and text", excerpt(name.String()))
		}
		value, err := dec.ReadToken()
		if err != nil {
			return none, notJSON(err)
		}
		if value.Kind() != '"' {
			return none, malformed("%s is %s; send a string", known, describe(value.Kind()))
		}
		field.value, field.seen = value.String(), true
	}
	if _, err := dec.ReadToken(); err != nil {
		return none, notJSON(err)
	}
	if _, err := dec.ReadToken(); err != io.EOF {
		return none, malformed("something follows the JSON object; send one object and nothing else")
	}

	switch {
	case !sender.seen:
		return none, &messenger.Error{Kind: messenger.Invalid, Detail: "sender is missing; send it as in " + bodyExample}
	case !text.seen:
		return none, &messenger.Error{Kind: messenger.Invalid, Detail: "text is missing; send it as in " + bodyExample}
	}
	return messenger.NewDraft(sender.value, text.value)
}

// notJSON is the error for what jsontext refused with err.
func notJSON(err error) error {
	if err == io.ErrUnexpectedEOF || err == io.EOF {
		return malformed("the JSON breaks off; send all of the object")
	}
	syntax, ok := errors.AsType[*jsontext.SyntacticError](err)
	switch {
	case !ok:
		return malformed("the body is not valid JSON; send %s", bodyExample)
	case syntax.Err == jsontext.ErrDuplicateName:
		return malformed("the field %s is there twice; send it once", excerpt(syntax.JSONPointer.LastToken()))
	case syntax.Err == io.ErrUnexpectedEOF:
		return malformed("the JSON breaks off after %d bytes; send all of the object", syntax.ByteOffset)
	}
	return malformed("the body is not valid JSON: %s, at byte %d", syntax.Err, syntax.ByteOffset)
}

func describe(k jsontext.Kind) string {
	switch k {
	case 'n':
		return "null"
	case 't', 'f':
		return "a boolean"
	case '"':
		return "a string"
	case '0':
		return "a number"
	case '{':
		return "an object"
	case '[':
		return "an array"
	}
	return "something else"
}

// excerpt quotes s, which a caller sent, so that it can be shown anywhere.
func excerpt(s string) string {
	const max = 40
	if len(s) <= max {
		return strconv.Quote(s)
	}
	end := max
	for !utf8.RuneStart(s[end]) {
		end--
	}
	return strconv.Quote(s[:end]) + "…"
}

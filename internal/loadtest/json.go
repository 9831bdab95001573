package loadtest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"

	"github.com/go-json-experiment/json/jsontext"
)

var readers = sync.Pool{New: func() any { return &jsonReader{json: jsontext.NewDecoder(new(bytes.Buffer))} }}

// A jsonReader finds values in JSON. It refuses what jsontext refuses: among
// others duplicate keys and invalid UTF-8.
type jsonReader struct {
	json   *jsontext.Decoder
	input  bytes.Buffer
	buffer []byte
	index  int // of the next value, if an array is read as an object; below 0: an object is
}

var errNoObject = errors.New("no object where one should be")

func (r *jsonReader) reset(data []byte) {
	r.input = *bytes.NewBuffer(data)
	r.json.Reset(&r.input)
}

// begin begins an object, or an array, whose keys are its indexes.
func (r *jsonReader) begin() error {
	switch r.json.PeekKind() {
	case '{':
		r.index = -1
	case '[':
		r.index = 0
	default:
		return errNoObject
	}
	_, err := r.json.ReadToken()
	return err
}

// next goes to the next value of an object and returns its key, which is valid
// until the next call. It returns false at the end of the object.
func (r *jsonReader) next() (key []byte, ok bool, err error) {
	if kind := r.json.PeekKind(); kind == '}' || kind == ']' {
		_, err := r.json.ReadToken()
		return nil, false, err
	}
	if r.index >= 0 {
		r.buffer = strconv.AppendInt(r.buffer[:0], int64(r.index), 10)
		r.index++
		return r.buffer, true, nil
	}
	quoted, err := r.json.ReadValue()
	if err != nil {
		return nil, false, err
	}
	r.buffer, err = jsontext.AppendUnquote(r.buffer[:0], quoted)
	return r.buffer, true, err
}

// A span is where in the input a value is.
type span struct{ start, end int }

// readSpan reads the value that comes next.
func (r *jsonReader) readSpan() (span, error) {
	value, err := r.json.ReadValue()
	end := int(r.json.InputOffset())
	return span{end - len(value), end}, err
}

// enter goes to the value at path, keys joined by dots, in the value that comes
// next: that value itself if path is empty.
func (r *jsonReader) enter(path string) error {
	for path != "" {
		want, rest, _ := strings.Cut(path, ".")
		for err := r.begin(); ; err = r.json.SkipValue() {
			if err != nil {
				return err
			}
			key, ok, err := r.next()
			if err != nil {
				return err
			}
			if !ok {
				return fmt.Errorf("no %q", path)
			}
			if string(key) == want {
				break
			}
		}
		path = rest
	}
	return nil
}

// enterMessages begins the array or, if keyed, the object at path.
func (r *jsonReader) enterMessages(path string, keyed bool) error {
	if err := r.enter(path); err != nil {
		return fmt.Errorf("answer.messages: %w", err)
	}
	kind, name := jsontext.Kind('['), "an array"
	if keyed {
		kind, name = '{', "an object"
	}
	if r.json.PeekKind() != kind {
		if path == "" {
			return fmt.Errorf("answer.messages: the whole answer should be %s", name)
		}
		return fmt.Errorf("answer.messages: %q should be %s", path, name)
	}
	_, err := r.json.ReadToken()
	return err
}

// skipKey returns what follows the key of an object's member at the start of data.
func (r *jsonReader) skipKey(data []byte) ([]byte, error) {
	r.reset(data)
	key, err := r.json.ReadValue()
	if err != nil {
		return nil, err
	}
	rest, ok := bytes.CutPrefix(trimSpace(data[r.json.InputOffset():]), []byte(":"))
	if key.Kind() != '"' || !ok {
		return nil, errors.New("no key before a message")
	}
	return trimSpace(rest), nil
}

// number returns the whole number at path.
func (r *jsonReader) number(data []byte, path string) (int64, error) {
	r.reset(data)
	if err := r.enter(path); err != nil {
		return 0, err
	}
	value, err := r.json.ReadValue()
	if err != nil {
		return 0, err
	}
	n, err := strconv.ParseInt(strings.Trim(string(value), `"`), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%q should be a whole number, and is %s", path, excerpt(value))
	}
	return n, nil
}

// check returns an error unless data is one JSON value.
func (r *jsonReader) check(data []byte) error {
	r.reset(data)
	if err := r.json.SkipValue(); err != nil {
		return err
	}
	if _, err := r.json.ReadToken(); err != io.EOF {
		return errors.New("something follows the JSON value")
	}
	return nil
}

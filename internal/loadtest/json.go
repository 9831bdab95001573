package loadtest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
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
}

var errNoObject = errors.New("no object where one should be")

func (r *jsonReader) reset(data []byte) {
	r.input = *bytes.NewBuffer(data)
	r.json.Reset(&r.input)
}

// begin begins an object.
func (r *jsonReader) begin() error {
	if r.json.PeekKind() != '{' {
		return errNoObject
	}
	_, err := r.json.ReadToken()
	return err
}

// next goes to the next value of an object and returns its key, which is valid
// until the next call. It returns false at the end of the object.
func (r *jsonReader) next() (key []byte, ok bool, err error) {
	if r.json.PeekKind() == '}' {
		_, err := r.json.ReadToken()
		return nil, false, err
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

// enterArray begins the array at path.
func (r *jsonReader) enterArray(path string) error {
	if err := r.enter(path); err != nil {
		return fmt.Errorf("answer.messages: %w", err)
	}
	if r.json.PeekKind() != '[' {
		if path == "" {
			return errors.New("answer.messages: the whole answer should be an array")
		}
		return fmt.Errorf("answer.messages: %q should be an array", path)
	}
	_, err := r.json.ReadToken()
	return err
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

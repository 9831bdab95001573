package verify

import (
	"fmt"
	"strings"
)

// A Sentence is what is said for people, in the form that fmt.Sprintf takes: Form is
// what it says and Args are what it says it of, kept apart so that it
// can be shown in another language. Args are strings, numbers, Sentences and
// Quantities. As JSON it is the English sentence, and has no Args when read back.
type Sentence struct {
	Form string
	Args []any
}

func say(form string, args ...any) Sentence { return Sentence{form, args} }

// String is the sentence in English.
func (s Sentence) String() string {
	if len(s.Args) == 0 {
		return s.Form
	}
	return fmt.Sprintf(s.Form, s.Args...)
}

// MarshalText writes the English sentence.
func (s Sentence) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads it.
func (s *Sentence) UnmarshalText(english []byte) error {
	*s = Sentence{Form: string(english)}
	return nil
}

// list joins sentences by semicolons.
func list(sentences []Sentence) Sentence {
	switch len(sentences) {
	case 0:
		return Sentence{}
	case 1:
		return sentences[0]
	}
	args := make([]any, len(sentences))
	for i, t := range sentences {
		args[i] = t
	}
	return Sentence{strings.TrimSuffix(strings.Repeat("%s; ", len(sentences)), "; "), args}
}

// The two forms in which a Sentence names a place in the log: as the server shows
// it, and as it was inferred.
const (
	StatedPlace   = "seq %d"
	InferredPlace = "inferred place %d"
)

// inferred is s where the server shows no seq.
func (s Sentence) inferred() Sentence {
	s.Form = strings.ReplaceAll(s.Form, StatedPlace, InferredPlace)
	args := make([]any, len(s.Args))
	for i, arg := range s.Args {
		if nested, ok := arg.(Sentence); ok {
			arg = nested.inferred()
		}
		args[i] = arg
	}
	s.Args = args
	return s
}

// A Quantity is so many things of a kind, whose name is in the singular.
type Quantity struct {
	N    int64
	Noun string
}

// String is "1 window", "2 windows".
func (q Quantity) String() string {
	if q.N == 1 {
		return "1 " + q.Noun
	}
	return fmt.Sprintf("%d %s", q.N, Plural(q.Noun))
}

var irregularPlurals = map[string]string{
	"entry":                                 "entries",
	"entry cross-checked":                   "entries cross-checked",
	"message compared with what was sent":   "messages compared with what was sent",
	"operation in order":                    "operations in order",
	"place of an older message in a window": "places of older messages in windows",
	"request sent again":                    "requests sent again",
}

// Plural is the plural of an English noun.
func Plural(noun string) string {
	if p, ok := irregularPlurals[noun]; ok {
		return p
	}
	return noun + "s"
}

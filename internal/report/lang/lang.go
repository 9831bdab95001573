// Package lang says in English and in Russian what is said in sentences,
// quantities and numbers.
package lang

import (
	"cmp"
	_ "embed"
	"fmt"
	"strings"
	"sync"

	"github.com/go-json-experiment/json"
	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"

	"dummymessenger/internal/verify"
)

// A Lang is a language: English, or Russian if it is "ru". English texts are
// written where they are said, and are the keys of the other language's catalogue.
type Lang string

// Of returns the language that a flag names, or else that of a POSIX locale's name, such
// as ru_RU.UTF-8.
func Of(flag, locale string) Lang {
	if flag != "" {
		return Lang(flag)
	}
	if locale == "ru" || strings.HasPrefix(locale, "ru_") || strings.HasPrefix(locale, "ru.") {
		return "ru"
	}
	return "en"
}

// A catalogue holds a language's texts by the English ones.
type catalogue struct {
	// Texts are forms for fmt.Sprintf. "seq %d" stands where nothing is inflected,
	// so that an inferred place can take its place.
	Texts map[string]string `json:"texts"`

	Nouns     map[string][3]string `json:"nouns"`     // by the singular: the forms of 1, 2 and 5
	Anomalies map[string]string    `json:"anomalies"` // checks of the same names say what should be
}

//go:embed russian.json
var russianJSON []byte

var russian = sync.OnceValue(func() (c catalogue) {
	if err := json.Unmarshal(russianJSON, &c); err != nil {
		panic(err) // a test reads it
	}
	return c
})

// catalogue returns that of l, which is empty for English.
func (l Lang) catalogue() (c catalogue) {
	if l == "ru" {
		c = russian()
	}
	return c
}

// Tr returns a text that holds nothing variable.
func (l Lang) Tr(english string) string { return cmp.Or(l.catalogue().Texts[english], english) }

// An Amount is a number of which about three digits are said.
type Amount float64

func (a Amount) String() string { return Lang("en").Decimal(float64(a)) }

// A Reason is why a request was not answered, as one of measure.Failure.
type Reason string

// Say is fmt.Sprintf in the language; quantities are inflected.
func (l Lang) Say(form string, args ...any) string {
	return l.Sentence(verify.Sentence{Form: form, Args: args})
}

// Sentence returns s in the language.
func (l Lang) Sentence(s verify.Sentence) string {
	if len(s.Args) == 0 {
		return l.Tr(s.Form)
	}
	args := make([]any, len(s.Args))
	for i, arg := range s.Args {
		switch a := arg.(type) {
		case verify.Sentence:
			arg = l.Sentence(a)
		case verify.Quantity:
			arg = l.Plural(a.N, a.Noun)
		case Amount:
			arg = l.Decimal(float64(a))
		case Reason:
			arg = l.Reason(string(a))
		}
		args[i] = arg
	}
	form := l.Tr(s.Form)
	if l == "ru" && strings.Contains(form, verify.InferredPlace) { // not in the catalogue, since so many texts may hold it
		form = l.Tr(strings.ReplaceAll(form, verify.InferredPlace, verify.StatedPlace))
		form = strings.ReplaceAll(form, verify.StatedPlace, "№ ~%d")
	}
	return fmt.Sprintf(form, args...)
}

// Plural returns n and the noun, which is named by its English singular.
func (l Lang) Plural(n int64, noun string) string { return Count(n) + " " + l.Inflect(n, noun) }

// Inflect returns the noun in the form that n asks for (CLDR, "Language Plural Rules").
func (l Lang) Inflect(n int64, noun string) string {
	if forms, ok := l.catalogue().Nouns[noun]; ok {
		switch plural.Cardinal.MatchPlural(language.Russian, int(n%100), 0, 0, 0, 0) {
		case plural.One:
			return forms[0]
		case plural.Few:
			return forms[1]
		}
		return forms[2]
	}
	if n == 1 || noun == "failed" || noun == "unknown" { // adjectives
		return noun
	}
	return verify.Plural(noun)
}

// Point returns a number with the language's decimal mark.
func (l Lang) Point(number string) string {
	if l == "ru" {
		return strings.Replace(number, ".", ",", 1)
	}
	return number
}

// Reason returns why a request was not answered. A reason consists of texts of
// the catalogue, numbers, and the system's name of an error.
func (l Lang) Reason(english string) string {
	if status, ok := strings.CutPrefix(english, "status "); ok {
		number, rest, _ := strings.Cut(status, ", ")
		if rest != "" {
			rest = ", " + l.Tr(rest)
		}
		return l.Tr("status") + " " + number + rest
	}
	if cause, detail, ok := strings.Cut(english, ": "); ok {
		return l.Tr(cause) + ": " + detail
	}
	return l.Tr(english)
}

// Anomaly names what is wrong.
func (l Lang) Anomaly(english string) string {
	return cmp.Or(l.catalogue().Anomalies[english], english)
}

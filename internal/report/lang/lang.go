// Package lang says in English and in Russian what is said in sentences,
// quantities and numbers.
package lang

import (
	"fmt"
	"strings"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"

	"dummymessenger/internal/verify"
)

// A Lang is a language of what people read: English, or Russian where it is
// "ru". An English text is its own name in the tables of the other language.
type Lang string

// Of returns the language of a POSIX locale name such as ru_RU.UTF-8.
func Of(locale string) Lang {
	if locale == "ru" || strings.HasPrefix(locale, "ru_") || strings.HasPrefix(locale, "ru.") {
		return "ru"
	}
	return "en"
}

// Tr is a text that holds nothing variable.
func (l Lang) Tr(english string) string {
	if l == "ru" {
		if s, ok := russian[english]; ok {
			return s
		}
		if s, ok := russianVerdict[english]; ok {
			return s
		}
	}
	return english
}

// An Amount is a number of which about three digits are said.
type Amount float64

func (a Amount) String() string { return decimal(float64(a)) }

// Say is fmt.Sprintf in the language, in which quantities are inflected.
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
		}
		args[i] = arg
	}
	form := l.Tr(s.Form)
	if l == "ru" && strings.Contains(form, verify.InferredPlace) { // in no table, as it is in so many sentences
		form = l.Tr(strings.ReplaceAll(form, verify.InferredPlace, verify.StatedPlace))
		form = strings.ReplaceAll(form, verify.StatedPlace, "№ ~%d")
	}
	return fmt.Sprintf(form, args...)
}

// Plural writes n and the noun, which is named by its English singular.
func (l Lang) Plural(n int64, noun string) string { return Count(n) + " " + l.Inflect(n, noun) }

// Inflect is the noun in the form that n asks for (CLDR, "Language Plural Rules").
func (l Lang) Inflect(n int64, noun string) string {
	forms, ok := russianNouns[noun]
	switch {
	case l == "ru" && ok:
		switch plural.Cardinal.MatchPlural(language.Russian, int(n%100), 0, 0, 0, 0) {
		case plural.One:
			return forms[0]
		case plural.Few:
			return forms[1]
		}
		return forms[2]
	case n == 1 || noun == failedOnes || noun == unknownOnes:
		return noun
	}
	return verify.Plural(noun)
}

// Decimal writes x to about three significant digits.
func (l Lang) Decimal(x float64) string { return l.Point(decimal(x)) }

// Percentile is Decimal for a value that is absent if 0.
func (l Lang) Percentile(ms float64) string {
	if ms == 0 {
		return "–"
	}
	return l.Decimal(ms)
}

// Seconds writes s to the millisecond.
func (l Lang) Seconds(s float64) string { return l.Point(fmt.Sprintf("%.3f", s)) }

// Point puts the language's decimal mark into a number.
func (l Lang) Point(number string) string {
	if l == "ru" {
		return strings.Replace(number, ".", ",", 1)
	}
	return number
}

// Reason tells why a request was not answered. Reasons are short, and put
// together from parts that are in the table, numbers, and what a system calls
// its error.
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

// Anomaly names what is wrong. Checks of the same English name are called by
// what should be.
func (l Lang) Anomaly(english string) string {
	if s, ok := russianAnomalies[english]; ok && l == "ru" {
		return s
	}
	return english
}

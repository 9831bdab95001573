package report

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

// LangOf is the language of a POSIX locale name such as ru_RU.UTF-8.
func LangOf(locale string) Lang {
	if locale == "ru" || strings.HasPrefix(locale, "ru_") || strings.HasPrefix(locale, "ru.") {
		return "ru"
	}
	return "en"
}

// tr is a text that holds nothing variable.
func (l Lang) tr(english string) string {
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

// An amount is a number that is told to three digits.
type amount float64

func (a amount) String() string { return decimal(float64(a)) }

// Say is fmt.Sprintf in the language, in which quantities are inflected.
func (l Lang) Say(form string, args ...any) string {
	return l.sentence(verify.Sentence{Form: form, Args: args})
}

// Sentence is s in the language.
func (l Lang) Sentence(s verify.Sentence) string { return l.sentence(s) }

func (l Lang) sentence(s verify.Sentence) string {
	if len(s.Args) == 0 {
		return l.tr(s.Form)
	}
	args := make([]any, len(s.Args))
	for i, arg := range s.Args {
		switch a := arg.(type) {
		case verify.Sentence:
			arg = l.sentence(a)
		case verify.Quantity:
			arg = l.plural(a.N, a.Noun)
		case amount:
			arg = l.decimal(float64(a))
		}
		args[i] = arg
	}
	form := l.tr(s.Form)
	if l == "ru" && strings.Contains(form, verify.InferredPlace) { // in no table, as it is in so many sentences
		form = l.tr(strings.ReplaceAll(form, verify.InferredPlace, verify.StatedPlace))
		form = strings.ReplaceAll(form, verify.StatedPlace, "№ ~%d")
	}
	return fmt.Sprintf(form, args...)
}

// plural writes n and the noun, which is named by its English singular.
func (l Lang) plural(n int64, noun string) string { return Count(n) + " " + l.inflect(n, noun) }

// inflect is the noun in the form that n asks for (CLDR, "Language Plural Rules").
func (l Lang) inflect(n int64, noun string) string {
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

// decimal writes x to about three significant digits.
func (l Lang) decimal(x float64) string { return l.point(decimal(x)) }

// percentile is decimal for a value that is absent if 0.
func (l Lang) percentile(ms float64) string {
	if ms == 0 {
		return "–"
	}
	return l.decimal(ms)
}

func (l Lang) seconds(s float64) string { return l.point(fmt.Sprintf("%.3f", s)) }

// point puts the language's decimal mark into a number.
func (l Lang) point(number string) string {
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
			rest = ", " + l.tr(rest)
		}
		return l.tr("status") + " " + number + rest
	}
	if cause, detail, ok := strings.Cut(english, ": "); ok {
		return l.tr(cause) + ": " + detail
	}
	return l.tr(english)
}

// headline is a status, for the style, its name, and what it means.
func (l Lang) headline(v *verify.Verdict) (status, name, words string) {
	if v == nil {
		return "unverified", l.tr("not verified"), l.tr("the answers were only counted (--no-verify)")
	}
	status = v.Status.String()
	switch v.Status {
	case verify.Verified:
		words = l.tr("all answers can be true together")
	case verify.Violated:
		words = l.tr("the answers cannot all be true")
	default:
		words = l.tr("nothing is wrong, but this run could not have shown it")
	}
	return status, l.tr(status), words
}

// A checkRow is one check in words.
type checkRow struct{ Mark, Class, Result, Name, Means, Saw, Limit string }

// meanings say of each check what must be.
var meanings = map[verify.Check]string{
	verify.InternalConsistency: "an answer ends in the caller's own message, as it was sent",
	verify.Contiguous:          "no seq is missing, in a window or in the log",
	verify.Agreement:           "all answers show the same at one seq",
	verify.Duplicate:           "one message has one seq, and one seq one message",
	verify.LostWrite:           "what was acknowledged is in every later window that must hold it",
	verify.FutureRead:          "no window shows what came after its own message",
	verify.RealTimeOrder:       "what was answered before another was sent has the lower seq",
	verify.Counters:            "each sender's messages are counted 1, 2, 3 … along seq",
	verify.Dates:               "dates never decrease along seq, and are of the request's time",
	verify.AbortedRead:         "what certainly failed is not in the log",
	verify.GarbageRead:         "only what was sent is shown, as it was sent",
	verify.ExactlyOnce:         "a request sent again is stored once, and answered alike",
}

func (l Lang) checkRow(c *verify.CheckResult) checkRow {
	row := checkRow{Mark: "✓", Class: "good", Result: l.tr("holds"), Name: l.tr(c.Check.String()), Means: l.tr(meanings[c.Check]), Saw: l.plural(c.Saw, c.Check.Unit()), Limit: l.sentence(c.Limit)}
	switch {
	case c.Violations > 0:
		row.Mark, row.Class, row.Result = "✗", "bad", l.tr("broken")
		row.Saw = l.Say("%s; seen: %s", verify.Quantity{N: c.Violations, Noun: "violation"}, row.Saw)
	case c.NotCheckable.Form != "":
		row.Mark, row.Class, row.Result = "–", "none", l.tr("not checkable")
		row.Saw = l.Say("not checkable: %s", c.NotCheckable)
	case c.Saw == 0:
		row.Mark, row.Class, row.Result = "–", "none", l.tr("not checked")
		row.Saw = l.Say("nothing to check: %s", l.none(c.Check.Unit()))
	}
	return row
}

// none says that there is nothing of a unit.
func (l Lang) none(unit string) string {
	return l.Say("no %s", l.inflect(0, unit))
}

// witness names an operation.
func (l Lang) witness(w *verify.Witness) string {
	if w.Sentinel {
		return l.Say("sentinel %d", w.Number)
	}
	return l.Say("worker %d, request %d", w.Worker, w.Number)
}

// replica names the one that served an operation.
func (l Lang) replica(w *verify.Witness) string {
	if w.Name != "" {
		return w.Name
	}
	return l.Say("replica %d", w.Replica+1)
}

// elapsed is a moment of the run.
func (l Lang) elapsed(e verify.Elapsed) string {
	return l.point(fmt.Sprintf("%.6f", float64(e)/1e9)) + " " + l.tr("s")
}

// plotWords are those that the page's script writes.
func (l Lang) plotWords() map[string]string {
	words := map[string]string{"point": "."}
	for _, w := range []string{
		"time, s", "waited, ms", "seq", "all replicas", "per second", "answered", "failed", "unknown", "percentile", "slowest",
		"worker", "request", "sender", "sent", "answered after", "closer", "farther", "earlier", "later", "all", "call", "return",
		"violation", "total", "max", "ms", "/s", "s", "stored or not: unknown",
	} {
		words[w] = l.tr(w)
	}
	words["point"] = l.point(".")
	return words
}

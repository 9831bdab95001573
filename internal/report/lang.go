package report

import (
	"fmt"
	"strings"

	"dummymessenger/internal/verify"
)

// A Lang is a language of summary and report: English, or Russian where it is
// "ru". What a check found out is told in English in both.
type Lang string

// LangOf is the language of a POSIX locale name such as ru_RU.UTF-8.
func LangOf(locale string) Lang {
	if locale == "ru" || strings.HasPrefix(locale, "ru_") || strings.HasPrefix(locale, "ru.") {
		return "ru"
	}
	return "en"
}

// tr is the sentence in the language; the English one is its name.
func (l Lang) tr(english string) string {
	if l == "ru" {
		if s, ok := russian[english]; ok {
			return s
		}
	}
	return english
}

// plural writes n and the noun in the form that n asks for.
func (l Lang) plural(n int64, noun string) string {
	forms, ok := russianNouns[noun]
	if l != "ru" || !ok {
		return Plural(n, noun)
	}
	form := forms[2]
	switch {
	case n%100/10 == 1:
	case n%10 == 1:
		form = forms[0]
	case n%10 >= 2 && n%10 <= 4:
		form = forms[1]
	}
	return Count(n) + " " + form
}

// headline is a status, for the style, and what it means.
func (l Lang) headline(v *verify.Verdict) (status, words string) {
	if v == nil {
		return "unverified", l.tr("the answers were only counted (--no-verify)")
	}
	switch v.Status {
	case verify.Verified:
		return "verified", l.tr("all answers can be true together")
	case verify.Violated:
		return "violated", l.tr("the answers cannot all be true")
	}
	return "inconclusive", l.tr("nothing is wrong, but this run could not have shown it")
}

// A checkRow is one check in words.
type checkRow struct{ Mark, Class, Name, Saw, Limit string }

func (l Lang) checkRow(c *verify.CheckResult) checkRow {
	row := checkRow{Mark: "✓", Class: "good", Name: l.tr(c.Check.String()), Saw: Count(c.Saw) + " " + l.tr(c.Unit), Limit: c.Limit}
	switch {
	case c.Violations > 0:
		row.Mark, row.Class = "✗", "bad"
		row.Saw = l.plural(c.Violations, "violation") + " " + l.tr("in") + " " + row.Saw
	case c.NotCheckable != "":
		row.Mark, row.Class, row.Saw = "–", "none", l.tr("not checkable")+": "+c.NotCheckable
	case c.Saw == 0:
		row.Mark, row.Class, row.Saw = "–", "none", l.tr("nothing to check")+fmt.Sprintf(l.tr(": no %s"), l.tr(c.Unit))
	}
	return row
}

// plotWords are those that the page's script writes.
func (l Lang) plotWords() map[string]string {
	words := map[string]string{}
	for _, w := range []string{
		"time, s", "waited, ms", "seq", "all replicas", "per second", "answered", "failed", "unknown", "percentile",
		"worker", "request", "sender", "sent", "answered after", "closer", "farther", "earlier", "later", "all", "call", "return", "violation", "total", "ms", "/s", "s", "stored or not: unknown",
	} {
		words[w] = l.tr(w)
	}
	return words
}

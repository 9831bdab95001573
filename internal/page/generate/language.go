package main

import (
	"errors"
	"fmt"
	"html/template"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// A language is what a page is written in. Texts are looked up by the English ones.
type language struct {
	Code  string
	texts map[string]string // nil for English
	asked map[string]bool   // texts that were looked up
}

// russian reads the translations: a mapping from English to Russian.
func russian(source []byte) (*language, error) {
	l := &language{Code: "ru", texts: map[string]string{}, asked: map[string]bool{}}
	if err := yaml.Unmarshal(source, &l.texts); err != nil {
		return nil, fmt.Errorf("translations: %w", err)
	}
	return l, nil
}

// say returns text in the language, with each white space as one space.
func (l *language) say(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if l.texts == nil || text == "" {
		return text
	}
	l.asked[text] = true
	return l.texts[text]
}

// complete returns an error if a text has no translation, or a translation no text.
func (l *language) complete() error {
	if l.texts == nil {
		return nil
	}
	var all []error
	for _, text := range slices.Sorted(maps.Keys(l.asked)) {
		if l.texts[text] == "" {
			all = append(all, fmt.Errorf("no translation of %q", text))
		}
	}
	for _, text := range slices.Sorted(maps.Keys(l.texts)) {
		if !l.asked[text] {
			all = append(all, fmt.Errorf("nothing says %q", text))
		}
	}
	return errors.Join(all...)
}

// prose returns a description as HTML. Of Markdown it knows what the document uses:
// paragraphs and code.
func (l *language) prose(text string) template.HTML {
	var b strings.Builder
	for paragraph := range strings.SplitSeq(strings.TrimSpace(text), "\n\n") {
		b.WriteString("<p>")
		for i, part := range strings.Split(l.say(paragraph), "`") {
			if i%2 == 1 {
				part = "<code>" + template.HTMLEscapeString(part) + "</code>"
			} else {
				part = template.HTMLEscapeString(part)
			}
			b.WriteString(part)
		}
		b.WriteString("</p>")
	}
	return template.HTML(b.String())
}

// kind returns the type and its bounds, as in "string, 1–64 characters".
func (l *language) kind(s schema) string {
	name := s.Format
	if name == "" {
		name = s.Type.Value
	}
	switch {
	case s.MaxLength > 0:
		return fmt.Sprintf(l.say("%s, %d–%d characters"), name, s.MinLength, s.MaxLength)
	case s.MaxItems > 0:
		return fmt.Sprintf(l.say("%s of %d–%d"), name, s.MinItems, s.MaxItems)
	case s.Minimum != nil:
		return fmt.Sprintf("%s ≥ %d", name, *s.Minimum)
	}
	return name
}

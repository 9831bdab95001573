package main

import (
	"bytes"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"dummymessenger/internal/page"
)

func translations(t *testing.T) []byte {
	t.Helper()
	source, err := os.ReadFile("../openapi.ru.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return source
}

// The pages that are embedded are the ones that the document and its translations make.
func TestPagesAreUpToDate(t *testing.T) {
	pages, err := render(page.Document, translations(t))
	if err != nil {
		t.Fatal(err)
	}
	if len(pages) != 2 {
		t.Errorf("%d pages were made, want 2", len(pages))
	}
	for name, html := range pages {
		if !bytes.Equal(html, page.Files[name].Content) {
			t.Errorf("%s is stale: run go generate ./internal/page", name)
		}
	}
}

// A wrong document is an error and no page.
func TestRenderFails(t *testing.T) {
	for name, source := range map[string]string{
		"not YAML":          "a: [",
		"empty":             "",
		"a dangling $ref":   "paths: {/x: {get: {$ref: '#/components/nothing'}}}",
		"a foreign $ref":    "paths: {/x: {get: {$ref: 'other.yaml#/x'}}}",
		"a list for a map":  "paths: []",
		"a map for a title": "info: {title: {}}",
	} {
		if pages, err := render([]byte(source), translations(t)); err == nil || len(pages) > 0 {
			t.Errorf("%s: the error is %v, and there are %d pages", name, err, len(pages))
		}
	}
}

// A text without a translation, and a translation without a text, are errors that name it.
func TestTranslationsAreComplete(t *testing.T) {
	source := string(translations(t))
	for name, tt := range map[string]struct{ source, want string }{
		"not YAML":    {"a: [", "translations"},
		"missing":     {strings.Replace(source, "\nAnswer: Ответ\n", "\n", 1), `no translation of "Answer"`},
		"empty":       {strings.Replace(source, "\nAnswer: Ответ\n", "\nAnswer: ''\n", 1), `no translation of "Answer"`},
		"unused":      {source + "Something else: Что-то ещё\n", `nothing says "Something else"`},
		"there twice": {source + "Answer: Ответ\n", "translations"},
	} {
		if _, err := render(page.Document, []byte(tt.source)); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: the error is %v, want one with %s", name, err, tt.want)
		}
	}
}

// A translation is Russian, and has the code and the verbs of its text.
func TestTranslations(t *testing.T) {
	ru, err := russian(translations(t))
	if err != nil {
		t.Fatal(err)
	}
	for text, translated := range ru.texts {
		if complaint := faultOf(text, translated); complaint != "" {
			t.Errorf("%q is translated as %q: %s", text, translated, complaint)
		}
	}
	for translated, want := range map[string]string{"After `a`": "not Russian", "После a": "other code", "После %d `a`": "other code"} {
		if got := faultOf("After `a`", translated); got != want {
			t.Errorf("the fault of %q is %q, want %q", translated, got, want)
		}
	}
}

func faultOf(text, translated string) string {
	if !regexp.MustCompile(`\p{Cyrillic}`).MatchString(translated) {
		return "not Russian"
	}
	code := func(s string) []string {
		return slices.Compact(slices.Sorted(slices.Values(regexp.MustCompile("`[^`]*`|%[a-z]").FindAllString(s, -1))))
	}
	if !slices.Equal(code(text), code(translated)) {
		return "other code"
	}
	return ""
}

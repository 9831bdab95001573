package main

import (
	"bytes"
	"testing"

	"dummymessenger/internal/page"
)

// The page that is embedded is the one that its document makes.
func TestPageIsUpToDate(t *testing.T) {
	html, err := render(page.Document)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(html, page.Docs) {
		t.Error("docs.html is stale: run go generate ./internal/page")
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
		if page, err := render([]byte(source)); err == nil {
			t.Errorf("%s: no error, and a page of %d bytes", name, len(page))
		}
	}
}

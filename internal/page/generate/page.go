package main

import (
	"bytes"
	"cmp"
	_ "embed"
	"fmt"
	"html/template"
	"net/url"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"go.yaml.in/yaml/v4"
)

//go:embed page.tmpl
var pageTemplate string

// render returns the OpenAPI document as HTML, one page for each language, by file name.
func render(document, translations []byte) (map[string][]byte, error) {
	doc, err := parse(document)
	if err != nil {
		return nil, err
	}
	ru, err := russian(translations)
	if err != nil {
		return nil, err
	}
	pages := map[string][]byte{}
	for name, l := range map[string]*language{"docs.html": {Code: "en"}, "docs.ru.html": ru} {
		if pages[name], err = renderIn(l, doc); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return pages, nil
}

func renderIn(l *language, doc *document) ([]byte, error) {
	t, err := template.New("page").Funcs(template.FuncMap{
		"say": l.say, "prose": l.prose, "kind": l.kind, "pretty": pretty, "quoted": quoted,
	}).Parse(pageTemplate)
	if err != nil {
		return nil, err
	}
	var page bytes.Buffer
	err = t.Execute(&page, struct {
		*document
		Language string
		Sections []section
	}{doc, l.Code, doc.sections()})
	return page.Bytes(), cmp.Or(err, l.complete())
}

// A section is the operations that have one tag.
type section struct {
	ID, Name, Description string
	Calls                 []call
}

type call struct {
	Method, Path string
	operation
}

func (d *document) sections() (sections []section) {
	for _, tag := range d.Tags {
		s := section{strings.ToLower(tag.Name), tag.Name, tag.Description, nil}
		for _, path := range d.Paths {
			for _, op := range path.Value {
				if slices.Contains(op.Value.Tags, tag.Name) {
					s.Calls = append(s.Calls, call{strings.ToUpper(op.Key), path.Key, op.Value})
				}
			}
		}
		sections = append(sections, s)
	}
	return sections
}

// Request returns the first example of a body sent, Answer of one answered.
func (c call) Request() *sample {
	if c.RequestBody == nil {
		return nil
	}
	return c.RequestBody.sample()
}

func (c call) Answer() *sample {
	return c.success().sample()
}

// success returns the answer 200.
func (c call) success() *content {
	for _, r := range c.Responses {
		if r.Key == "200" {
			return &r.Value
		}
	}
	return new(content)
}

// Curl reports whether curl is of use: not for the pages and what they consist of.
func (c call) Curl() bool {
	answer := c.success().Content
	return len(answer) > 0 && !strings.HasPrefix(answer[0].Key, "text/html") && !strings.Contains(c.Path, "{")
}

// Streams reports whether the answer goes on for ever.
func (c call) Streams() bool {
	answer := c.success().Content
	return len(answer) > 0 && answer[0].Key == "text/event-stream"
}

// Query returns the examples of parameters in the query, as in "?before=32&limit=10".
func (c call) Query() string {
	var query []string
	for _, p := range c.Parameters {
		if p.In == "query" {
			query = append(query, p.Name+"="+url.QueryEscape(p.Example))
		}
	}
	if query == nil {
		return ""
	}
	return "?" + strings.Join(query, "&")
}

// An input is a field of a request's body and its value in the example.
type input struct {
	Name, Value string
	Long        bool
}

// Inputs returns the fields of the body, if there is an example of one.
func (c call) Inputs() (inputs []input) {
	request := c.Request()
	if request == nil {
		return nil
	}
	for _, f := range c.RequestBody.Fields() {
		if value := child(&request.Body, f.Name); value != nil {
			inputs = append(inputs, input{f.Name, value.Value, f.Schema.MaxLength > 255})
		}
	}
	return inputs
}

// Headers returns the headers of all answers, each once.
func (c call) Headers() ordered[parameter] {
	var all ordered[parameter]
	for _, r := range c.Responses {
		for _, h := range r.Value.Headers {
			if !slices.ContainsFunc(all, func(e entry[parameter]) bool { return e.Key == h.Key }) {
				all = append(all, h)
			}
		}
	}
	return all
}

type sample struct {
	Type string
	Body yaml.Node
}

func (c *content) sample() *sample {
	for _, m := range c.Content {
		for _, e := range m.Value.Examples {
			return &sample{m.Key, e.Value.Value}
		}
	}
	return nil
}

// Problems returns the examples of problems.
func (c content) Problems() ordered[example] {
	for _, m := range c.Content {
		if m.Key == "application/problem+json" {
			return m.Value.Examples
		}
	}
	return nil
}

// Fields returns the fields of the JSON object.
func (c content) Fields() []field {
	for _, m := range c.Content {
		if m.Key == "application/json" {
			return m.Value.Schema.fields("")
		}
	}
	return nil
}

// A field is a member of a JSON object, also a nested one.
type field struct {
	Name   string
	Schema schema
}

func (s schema) fields(prefix string) (fields []field) {
	for _, p := range s.Properties {
		name := prefix + p.Key
		fields = append(fields, field{name, p.Value})
		fields = append(fields, p.Value.fields(name+".")...)
		if p.Value.Items != nil {
			fields = append(fields, p.Value.Items.fields(name+"[].")...)
		}
	}
	return fields
}

// Tokens reports whether the operation may need a token.
func (o operation) Tokens() bool { return len(o.Security) > 0 }

// quoted returns text as one word of a shell.
func quoted(text string) string {
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

// pretty returns an example as it is sent. What is on one line in the document stays
// on one line.
func pretty(node yaml.Node) (string, error) {
	if node.Kind == yaml.ScalarNode && node.ShortTag() == "!!str" {
		return node.Value, nil
	}
	var b strings.Builder
	err := writeJSON(&b, &node, "\n")
	return b.String(), err
}

// writeJSON appends node to b. newline begins another line at node's depth.
func writeJSON(b *strings.Builder, node *yaml.Node, newline string) error {
	if node.Kind == yaml.ScalarNode {
		var value any
		if err := node.Decode(&value); err != nil {
			return err
		}
		text, err := json.Marshal(value)
		b.Write(text)
		return err
	}

	open, shut := "{", newline+"}"
	if node.Kind == yaml.SequenceNode {
		open, shut = "[", newline+"]"
	}
	inner := newline + "  "
	between := "," + inner
	if node.Style&yaml.FlowStyle != 0 {
		inner, between, shut = "", ", ", shut[len(newline):]
	}
	b.WriteString(open + inner)
	for i, c := range node.Content {
		switch {
		case node.Kind == yaml.MappingNode && i%2 == 1:
			b.WriteString(": ")
		case i > 0:
			b.WriteString(between)
		}
		if err := writeJSON(b, c, inner); err != nil {
			return err
		}
	}
	b.WriteString(shut)
	return nil
}

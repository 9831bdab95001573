package main

import (
	"bytes"
	"cmp"
	_ "embed"
	"fmt"
	"html/template"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"go.yaml.in/yaml/v4"
)

var (
	//go:embed page.tmpl
	pageTemplate string
	//go:embed page.css
	pageStyle string
)

// render returns the OpenAPI document source as HTML.
func render(source []byte) ([]byte, error) {
	doc, err := parse(source)
	if err != nil {
		return nil, err
	}
	t, err := template.New("page").Funcs(template.FuncMap{"prose": prose, "pretty": pretty}).Parse(pageTemplate)
	if err != nil {
		return nil, err
	}
	var page bytes.Buffer
	err = t.Execute(&page, struct {
		*document
		Style    template.CSS
		Sections []section
	}{doc, template.CSS(pageStyle), doc.sections()})
	return page.Bytes(), err
}

// A section is the operations that have one tag.
type section struct {
	Name, Description string
	Calls             []call
}

type call struct {
	Method, Path string
	operation
}

func (d *document) sections() (sections []section) {
	for _, tag := range d.Tags {
		s := section{tag.Name, tag.Description, nil}
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
	for _, r := range c.Responses {
		if r.Key == "200" {
			return r.Value.sample()
		}
	}
	return nil
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
	Name, Kind, Description string
}

func (s schema) fields(prefix string) (fields []field) {
	for _, p := range s.Properties {
		name := prefix + p.Key
		fields = append(fields, field{name, p.Value.kind(), p.Value.Description})
		fields = append(fields, p.Value.fields(name+".")...)
		if p.Value.Items != nil {
			fields = append(fields, p.Value.Items.fields(name+"[].")...)
		}
	}
	return fields
}

// kind returns the type and its bounds, as in "string, 1–64 characters".
func (s schema) kind() string {
	bounds := ""
	switch {
	case s.MaxLength > 0:
		bounds = fmt.Sprintf(", %d–%d characters", s.MinLength, s.MaxLength)
	case s.MaxItems > 0:
		bounds = fmt.Sprintf(" of %d–%d", s.MinItems, s.MaxItems)
	case s.Minimum != nil:
		bounds = fmt.Sprintf(" ≥ %d", *s.Minimum)
	}
	return cmp.Or(s.Format, s.Type.Value) + bounds
}

// Tokens reports whether the operation may need a token.
func (o operation) Tokens() bool { return len(o.Security) > 0 }

// prose returns a description as HTML. Of Markdown it knows what the document uses:
// paragraphs and code.
func prose(text string) template.HTML {
	var b strings.Builder
	for paragraph := range strings.SplitSeq(strings.TrimSpace(text), "\n\n") {
		b.WriteString("<p>")
		for i, part := range strings.Split(paragraph, "`") {
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

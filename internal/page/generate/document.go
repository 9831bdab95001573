package main

import (
	"errors"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v4"
)

// What the page shows of a document. The fields are named and nested as in the
// specification (spec.openapis.org/oas/v3.1.1).
type (
	document struct {
		Info struct {
			Title, Version, Summary, Description string
		}
		Tags []struct {
			Name, Description string
		}
		Paths      ordered[ordered[operation]]
		Components struct {
			SecuritySchemes ordered[struct{ Description string }] `yaml:"securitySchemes"`
		}
	}
	operation struct {
		OperationID          string `yaml:"operationId"`
		Tags                 []string
		Summary, Description string
		Security             []map[string][]string
		Parameters           []parameter
		RequestBody          *content `yaml:"requestBody"`
		Responses            ordered[content]
	}
	parameter struct {
		Name, In, Description, Example string
		Schema                         schema
	}
	// A content is the body of a request or an answer, with its headers.
	content struct {
		Description string
		Headers     ordered[parameter]
		Content     ordered[media]
	}
	media struct {
		Schema   schema
		Examples ordered[example]
	}
	example struct {
		Summary string
		Value   yaml.Node
	}
	schema struct {
		Type                yaml.Node // one or several
		Format, Description string
		Properties          ordered[schema]
		Items               *schema
		Minimum             *int
		MinLength           int `yaml:"minLength"`
		MaxLength           int `yaml:"maxLength"`
		MinItems            int `yaml:"minItems"`
		MaxItems            int `yaml:"maxItems"`
	}
)

// ordered is a mapping in the order of the document.
type ordered[V any] []entry[V]

type entry[V any] struct {
	Key   string
	Value V
}

func (o *ordered[V]) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind != yaml.MappingNode {
		return fmt.Errorf("line %d: this is not a mapping", node.Line)
	}
	for i := 0; i < len(node.Content); i += 2 {
		e := entry[V]{Key: node.Content[i].Value}
		if err := node.Content[i+1].Decode(&e.Value); err != nil {
			return err
		}
		*o = append(*o, e)
	}
	return nil
}

// parse reads a document. Its references must point into it, and must not be cyclic.
func parse(source []byte) (*document, error) {
	var root yaml.Node
	if err := yaml.Unmarshal(source, &root); err != nil {
		return nil, err
	}
	if len(root.Content) != 1 {
		return nil, errors.New("the document is empty")
	}
	if err := resolve(root.Content[0], root.Content[0]); err != nil {
		return nil, err
	}
	doc := new(document)
	return doc, root.Decode(doc)
}

// resolve replaces the references below node by what they refer to.
func resolve(root, node *yaml.Node) error {
	if ref := child(node, "$ref"); ref != nil {
		path, ok := strings.CutPrefix(ref.Value, "#/")
		target := root
		for name := range strings.SplitSeq(path, "/") {
			if target = child(target, name); target == nil {
				break
			}
		}
		if !ok || target == nil {
			return fmt.Errorf("line %d: nothing is at %s", ref.Line, ref.Value)
		}
		*node = *target
	}
	for _, c := range node.Content {
		if err := resolve(root, c); err != nil {
			return err
		}
	}
	return nil
}

// child returns the value of name in the mapping node, nil if there is none.
func child(node *yaml.Node, name string) *yaml.Node {
	if node.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i < len(node.Content); i += 2 {
		if node.Content[i].Value == name {
			return node.Content[i+1]
		}
	}
	return nil
}

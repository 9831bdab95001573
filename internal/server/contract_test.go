// With the instrumentation of fuzzing, what validates documents takes minutes to compile.
//go:build !fuzzing

package server_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
	"github.com/pb33f/libopenapi-validator/config"
	"github.com/pb33f/libopenapi/datamodel/high/base"
	v3 "github.com/pb33f/libopenapi/datamodel/high/v3"

	"dummymessenger/internal/feed"
	"dummymessenger/internal/messenger"
	"dummymessenger/internal/page"
	"dummymessenger/internal/server"
)

// These tests compare the document with a server on a real database, in both
// directions: each must have everything that the other has.

// A contract is the document.
type contract struct {
	validator.Validator
	model *v3.Document
	seen  map[string]bool // by key
}

func openContract(t *testing.T) *contract {
	t.Helper()
	doc, err := libopenapi.NewDocument(page.Document)
	if err != nil {
		t.Fatal(err)
	}
	model, err := doc.BuildV3Model()
	if err != nil {
		t.Fatal(err)
	}
	v, errs := validator.NewValidator(doc, config.WithFormatAssertions(), config.WithStandardBodyDecoders(), config.WithStrictMode(),
		// Every answer has these.
		config.WithStrictIgnoredHeadersExtra("Cache-Control", "Content-Security-Policy", "X-Content-Type-Options", "Connection", "Date",
			messenger.ReplicaHeader,
			// These say nothing about the content.
			"Accept-Ranges", "Referrer-Policy", "X-Accel-Buffering"))
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	return &contract{v, &model.Model, map[string]bool{}}
}

// key names a kind of answer to an operation such as "POST /messages": by the
// problem's reason, or by the media type.
func key(operation string, status int, contentType string, body []byte) string {
	kind, _, _ := strings.Cut(contentType, ";")
	if kind == "application/problem+json" {
		kind = reason(body)
	}
	return fmt.Sprintf("%s: %d %s", operation, status, kind)
}

// reason returns the problem's name, or a name for its status if it has none.
func reason(problem []byte) string {
	var p struct{ Type, Title string }
	json.Unmarshal(problem, &p)
	if name, ok := strings.CutPrefix(p.Type, "urn:dummymessenger:problem:"); ok {
		return name
	}
	return strings.ReplaceAll(strings.ToLower(p.Title), " ", "-")
}

// promised are the keys of all that the document has.
func (c *contract) promised(t *testing.T) map[string]bool {
	t.Helper()
	promised := map[string]bool{}
	for path, item := range c.model.Paths.PathItems.FromOldest() {
		for method, operation := range item.GetOperations().FromOldest() {
			name := strings.ToUpper(method) + " " + path
			for status, response := range operation.Responses.Codes.FromOldest() {
				if response.Content == nil {
					promised[fmt.Sprintf("%s: %s ", name, status)] = true
				}
				for mediaType, media := range response.Content.FromOldest() {
					if mediaType != "application/problem+json" {
						promised[fmt.Sprintf("%s: %s %s", name, status, mediaType)] = true
						continue
					}
					for example := range media.Examples.KeysFromOldest() {
						promised[fmt.Sprintf("%s: %s %s", name, status, example)] = true
					}
				}
			}
		}
	}
	return promised
}

// check returns how the answer to an operation such as "POST /messages" differs from
// the document.
func (c *contract) check(operation string, resp *http.Response, body []byte) error {
	method, path, _ := strings.Cut(operation, " ")
	asked, err := http.NewRequest(method, "http://replica"+path, nil)
	if err != nil {
		return err
	}
	answer := *resp
	answer.Body = io.NopCloser(bytes.NewReader(body))
	_, differences := c.ValidateHttpResponse(asked, &answer)
	var all []error
	for _, d := range differences {
		all = append(all, d)
		for _, e := range d.SchemaValidationErrors {
			all = append(all, e)
		}
	}
	return errors.Join(all...)
}

// The document has the server's routes and no others.
func TestContractRoutes(t *testing.T) {
	c := openContract(t)
	var documented []string
	for path, item := range c.model.Paths.PathItems.FromOldest() {
		for method := range item.GetOperations().KeysFromOldest() {
			documented = append(documented, strings.ToUpper(method)+" "+path)
		}
	}
	var routes []string
	all := server.New(server.Config{Metrics: http.NotFoundHandler(), Status: http.NotFoundHandler(), Feed: feed.New(feed.Config{})})
	for _, route := range server.Routes(all) {
		route = strings.TrimSuffix(route, "{$}")
		if strings.HasSuffix(route, "/page/") {
			route += "{file}"
		}
		routes = append(routes, route)
	}
	slices.Sort(documented)
	slices.Sort(routes)
	if !slices.Equal(documented, routes) {
		t.Errorf("the document has %q, the server %q", documented, routes)
	}
}

// The document's examples of problems are the server's problems: each of them,
// with its type, title, status and outcome.
func TestContractProblems(t *testing.T) {
	type told struct {
		Type, Title, Outcome string
		Status               int
	}
	parse := func(body []byte) (p told) {
		t.Helper()
		if err := json.Unmarshal(body, &p); err != nil {
			t.Fatalf("%v: %s", err, body)
		}
		return p
	}
	documented := map[string]told{}
	for path, item := range openContract(t).model.Paths.PathItems.FromOldest() {
		for _, operation := range item.GetOperations().FromOldest() {
			for status, response := range operation.Responses.Codes.FromOldest() {
				if response.Content == nil {
					continue
				}
				media, ok := response.Content.Get("application/problem+json")
				if !ok {
					continue
				}
				for name, example := range media.Examples.FromOldest() {
					body := exampleJSON(t, example)
					p := parse(body)
					if documented[name] = p; reason(body) != name || fmt.Sprint(p.Status) != status {
						t.Errorf("%s: example %s, of status %s, is %+v", path, name, status, p)
					}
				}
			}
		}
	}
	real := map[string]told{}
	for _, p := range server.Problems() {
		real[p.Reason] = parse(p.Body)
		if (p.RetryAfter > 0) != (p.Status == 503) {
			t.Errorf("%s: status %d with Retry-After %d", p.Reason, p.Status, p.RetryAfter)
		}
	}
	if !maps.Equal(documented, real) {
		for name, p := range real {
			if documented[name] != p {
				t.Errorf("the server has %s as %+v, the document as %+v", name, p, documented[name])
			}
		}
		for name, p := range documented {
			if _, ok := real[name]; !ok {
				t.Errorf("the document has %s as %+v, the server does not", name, p)
			}
		}
	}
}

func exampleJSON(t *testing.T, example *base.Example) []byte {
	t.Helper()
	var value any
	if err := example.Value.Decode(&value); err != nil {
		t.Fatal(err)
	}
	body, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

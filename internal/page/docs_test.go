package page

import (
	"bytes"
	"encoding/json"
	"errors"
	"html"
	"os"
	"strings"
	"testing"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
	"github.com/pb33f/libopenapi-validator/config"
	"github.com/pb33f/libopenapi-validator/schema_validation"
	"github.com/pb33f/libopenapi/datamodel/high/base"
	v3 "github.com/pb33f/libopenapi/datamodel/high/v3"
	"go.yaml.in/yaml/v4"
)

func model(t *testing.T, source []byte) (libopenapi.Document, *v3.Document) {
	t.Helper()
	doc, err := libopenapi.NewDocument(source)
	if err != nil {
		t.Fatal(err)
	}
	m, err := doc.BuildV3Model()
	if err != nil {
		t.Fatal(err)
	}
	return doc, &m.Model
}

// The document is valid by the schema that the OpenAPI Initiative publishes.
func TestDocument(t *testing.T) {
	valid := func(source []byte) bool {
		doc, _ := model(t, source)
		v, errs := validator.NewValidator(doc)
		if len(errs) > 0 {
			t.Fatal(errs)
		}
		ok, differences := v.ValidateDocument()
		for _, d := range differences {
			t.Logf("%s: %s", d.Message, d.Reason)
			for _, e := range d.SchemaValidationErrors {
				t.Logf("    %v", e)
			}
		}
		return ok
	}
	if !valid(Document) {
		t.Error("the document is not valid")
	}
	if broken := bytes.Replace(Document, []byte("      required: true\n"), []byte("      required: perhaps\n"), 1); valid(broken) {
		t.Error("a document with a word for a truth value passed")
	}
}

// Every example in the document is valid by its schema.
func TestExamples(t *testing.T) {
	_, m := model(t, Document)
	check := func(where string, schema *base.SchemaProxy, example *base.Example) {
		t.Helper()
		var value any
		if err := example.Value.Decode(&value); err != nil {
			t.Fatalf("%s: %v", where, err)
		}
		if err := conforms(schema.Schema(), value); err != nil {
			t.Errorf("%s: %v", where, err)
		}
	}
	count := 0
	for path, item := range m.Paths.PathItems.FromOldest() {
		for _, operation := range item.GetOperations().FromOldest() {
			for _, p := range operation.Parameters {
				for name, e := range p.Examples.FromOldest() {
					check(path+" "+p.Name+" "+name, p.Schema, e)
					count++
				}
				if p.Example != nil {
					check(path+" "+p.Name, p.Schema, &base.Example{Value: p.Example})
					count++
				}
			}
			media := map[string]*v3.MediaType{}
			if operation.RequestBody != nil {
				for kind, mt := range operation.RequestBody.Content.FromOldest() {
					media["request "+kind] = mt
				}
			}
			for status, response := range operation.Responses.Codes.FromOldest() {
				for kind, mt := range response.Content.FromOldest() {
					media[status+" "+kind] = mt
				}
				for name, h := range response.Headers.FromOldest() {
					if h.Example != nil {
						check(path+" "+status+" "+name, h.Schema, &base.Example{Value: h.Example})
						count++
					}
				}
			}
			for where, mt := range media {
				for name, e := range mt.Examples.FromOldest() {
					check(path+" "+where+" "+name, mt.Schema, e)
					count++
				}
				if strings.Contains(where, "json") && mt.Examples.Len() == 0 {
					t.Errorf("%s %s has no example", path, where)
				}
			}
		}
	}
	if count < 30 {
		t.Errorf("only %d examples were found", count)
	}

	// The check itself can fail.
	window, ok := m.Components.Schemas.Get("Window")
	if !ok {
		t.Fatal("there is no schema Window")
	}
	if conforms(window.Schema(), map[string]any{"messages": []any{}}) == nil {
		t.Error("an empty window passed")
	}
}

func conforms(schema *base.Schema, value any) error {
	encoded, err := json.Marshal(value)
	if err != nil {
		return err
	}
	v := schema_validation.NewSchemaValidator(config.WithFormatAssertions())
	_, differences := v.ValidateSchemaBytesWithVersion(schema, encoded, 3.1)
	var all []error
	for _, d := range differences {
		all = append(all, d)
		for _, e := range d.SchemaValidationErrors {
			all = append(all, e)
		}
	}
	return errors.Join(all...)
}

// The pages show every operation, status, field, header and problem that the document has,
// and nothing that the Content-Security-Policy would forbid.
func TestDocs(t *testing.T) {
	_, m := model(t, Document)
	source, err := os.ReadFile("openapi.ru.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var russian map[string]string
	if err := yaml.Unmarshal(source, &russian); err != nil {
		t.Fatal(err)
	}
	for name, say := range map[string]func(string) string{
		"docs.html":    func(text string) string { return text },
		"docs.ru.html": func(text string) string { return russian[text] },
	} {
		page := string(Files[name].Content)
		for _, s := range shown(m, say) {
			if !strings.Contains(page, s) {
				t.Errorf("%s lacks %s", name, s)
			}
		}
		for _, s := range []string{"<script>", "<style", `="http`, `="/`, "style=", "url(", "@import", "ZgotmplZ", "`", "%!"} {
			if strings.Contains(page, s) {
				t.Errorf("%s has %s", name, s)
			}
		}
	}
}

// shown is what a page must show of m; say translates.
func shown(m *v3.Document, say func(string) string) (want []string) {
	for path, item := range m.Paths.PathItems.FromOldest() {
		for method, operation := range item.GetOperations().FromOldest() {
			heading := `<b class="method">` + strings.ToUpper(method) + `</b> <code>` + path + `</code>`
			want = append(want, `<a href="#`+operation.OperationId+`">`+heading+"</a>",
				heading+" <span>"+html.EscapeString(say(operation.Summary))+"</span>")
			for _, p := range operation.Parameters {
				want = append(want, "<dt><code>"+p.Name+"</code>")
			}
			for status, response := range operation.Responses.Codes.FromOldest() {
				want = append(want, ">"+status+"</p>")
				for name := range response.Headers.KeysFromOldest() {
					want = append(want, "<dt><code>"+name+"</code>")
				}
				for kind, mt := range response.Content.FromOldest() {
					if kind != "application/problem+json" {
						continue
					}
					for name, e := range mt.Examples.FromOldest() {
						want = append(want, "<summary><code>"+name+"</code> "+html.EscapeString(say(e.Summary))+"</summary>")
					}
				}
			}
		}
	}
	for _, field := range []string{"sender", "text", "messages[].seq", "messages[].sent_at"} {
		want = append(want, "<dt><code>"+field+"</code>")
	}
	for _, path := range []string{"/messages", "/status.json", "/livez", "/readyz", "/metrics", "/openapi.yaml"} {
		want = append(want, `>curl <span class="origin">http://127.0.0.1:8001</span>`+path)
	}
	return append(want, ">curl -N '<span", "</span>/events?after=0'", "</span>/history?before=32&amp;limit=10'")
}

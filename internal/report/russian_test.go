package report

import (
	"cmp"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"dummymessenger/internal/report/lang"
	"dummymessenger/internal/verify"
)

// literal returns what a string literal says, or several joined by +.
func literal(e ast.Expr) (string, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		text, err := strconv.Unquote(e.Value)
		return text, err == nil
	case *ast.BinaryExpr:
		x, okX := literal(e.X)
		y, okY := literal(e.Y)
		return x + y, e.Op == token.ADD && okX && okY
	}
	return "", false
}

// said are the texts that sources pass on to be said, as first arguments of the
// functions named, and those of the page.
func said(t *testing.T, pattern string, functions ...string) map[string]bool {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || files == nil {
		t.Fatalf("%s: %d files, %v", pattern, len(files), err)
	}
	texts := map[string]bool{}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) == 0 {
				return true
			}
			called := ""
			switch f := call.Fun.(type) {
			case *ast.Ident:
				called = f.Name
			case *ast.SelectorExpr:
				called = f.Sel.Name
			}
			if text, ok := literal(call.Args[0]); ok && slices.Contains(functions, called) {
				texts[text] = true
			}
			return true
		})
	}
	return texts
}

// Every text that is shown has a Russian translation with the same arguments.
func TestRussianIsComplete(t *testing.T) {
	texts := said(t, "*.go", "Tr", "Say", "add")
	maps.Copy(texts, said(t, "lang/*.go", "Tr", "Say"))
	maps.Copy(texts, said(t, "../verify/*.go", "say"))
	maps.Copy(texts, said(t, "../probe/*.go", "say"))
	maps.Copy(texts, said(t, "../../cmd/client/*.go", "Say"))
	maps.Copy(texts, said(t, "../../cmd/demo/*.go", "Say"))
	maps.Copy(texts, said(t, "terminal/*.go", "Say"))
	page, err := os.ReadFile("page/report.html")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`(?:tr|say) ("[^"]*")`).FindAllStringSubmatch(string(page), -1) {
		text, err := strconv.Unquote(m[1])
		if err != nil {
			t.Fatal(err)
		}
		texts[text] = true
	}
	for word := range (words{"en"}).plotWords() {
		texts[word] = true
	}
	for _, f := range figures {
		texts[f.name], texts[f.unit] = true, true
	}
	for _, c := range verify.Checks() {
		texts[c.String()], texts[meanings[c]] = true, true
	}
	if len(texts) < 150 {
		t.Fatalf("only %d texts found", len(texts))
	}
	verb := regexp.MustCompile(`%[sdq]`)
	for text := range texts {
		if !regexp.MustCompile(`[a-z]{2}`).MatchString(verb.ReplaceAllString(text, "")) ||
			slices.Contains([]string{"seq", "p50", "p90", "p99", "point"}, text) {
			continue // nothing to translate
		}
		russian := lang.Lang("ru").Tr(text)
		if russian == text && text != "seq %d" {
			t.Errorf("no Russian for %q", text)
		}
		if got, want := verb.FindAllString(russian, -1), verb.FindAllString(text, -1); !slices.Equal(got, want) {
			t.Errorf("%q has %v, want %v as in %q", russian, got, want, text)
		}
	}
}

// Whatever a check counts has a Russian noun.
func TestUnitsAreInflected(t *testing.T) {
	for _, c := range verify.Checks() {
		for _, noun := range []string{c.Unit(), cmp.Or(shortUnits[c], c.Unit())} {
			if lang.Lang("ru").Inflect(1, noun) == noun {
				t.Errorf("no Russian for %q", noun)
			}
		}
	}
}

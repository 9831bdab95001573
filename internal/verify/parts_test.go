package verify

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// parts are the files of this package in the order of the pipeline. A file
// knows only what those above declare, and nothing of those in its own line; a
// check's file changes nothing of what they own.
var parts = [][]string{
	{"config.go", "nonce.go", "sentence.go", "sparse.go"},
	{"identity.go"},
	{"operation.go"},

	// What was sent and came back, and the log that it shows.
	{"operations.go"},
	{"forget.go", "acks.go", "tally.go", "texts.go"},
	{"layout.go"},
	{"stretches.go"},
	{"positions.go"},
	{"log.go"},
	{"walk.go"},
	{"facts.go"},
	{"window.go", "settle.go"},

	// What is wrong with it.
	{"check.go"},
	{"evidence.go"},
	{"advice.go"},
	{"findings.go"},
	{"checker.go"},
	{
		"check_consistency.go", "check_order.go", "check_contiguous.go", "check_agreement.go", "check_duplicate.go", "check_lostwrite.go",
		"check_futureread.go",
		"check_realtime.go", "check_counters.go", "check_dates.go", "check_abortedread.go", "check_garbageread.go", "check_exactlyonce.go",
	},
	{"checks.go"},

	// What moves all that, and what comes out.
	{"verdict.go"},
	{"merge.go"},
	{"horizon.go"},
	{"summary.go"},
	{"verify.go"},
	{"history.go"},
	{"history_read.go", "shrink.go"},
}

func TestPartsPointOneWay(t *testing.T) {
	place := make(map[string]int)
	for i, line := range parts {
		for _, name := range line {
			place[name] = i
		}
	}
	fset := token.NewFileSet()
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var files []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		if _, ok := place[name]; !ok {
			t.Errorf("%s has no place in the order of parts: say here what it may know", name)
		}
		f, err := parser.ParseFile(fset, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	// Other packages are not loaded, and the type checker's errors about them
	// are ignored.
	info := &types.Info{Uses: make(map[*ast.Ident]types.Object)}
	cfg := types.Config{Importer: noImports{}, Error: func(error) {}}
	pkg, _ := cfg.Check("verify", fset, files, info)
	resolved := 0
	var problems []string
	for id, obj := range info.Uses {
		if obj.Pkg() != pkg || !obj.Pos().IsValid() {
			continue
		}
		user, owner := fset.Position(id.Pos()), fset.Position(obj.Pos())
		if user.Filename == owner.Filename {
			continue
		}
		resolved++
		if place[user.Filename] <= place[owner.Filename] {
			problems = append(problems, user.String()+" knows "+obj.Name()+" of "+owner.Filename+", which does not come before it")
		}
	}
	for _, f := range files {
		if name := fset.Position(f.Pos()).Filename; strings.HasPrefix(name, "check_") {
			problems = append(problems, foreignWrites(fset, info, f)...)
		}
	}
	slices.Sort(problems)
	for _, s := range problems {
		t.Error(s)
	}
	if resolved < 1000 {
		t.Errorf("only %d uses of one file by another were found", resolved)
	}
}

// foreignWrites are the assignments in a check's file to fields that another
// part owns. How much it saw a check counts in its base.
func foreignWrites(fset *token.FileSet, info *types.Info, f *ast.File) (problems []string) {
	check := func(target ast.Expr) {
		field, ok := ast.Unparen(target).(*ast.SelectorExpr)
		if !ok {
			return
		}
		switch owner := fset.Position(info.Uses[field.Sel].Pos()).Filename; owner {
		case fset.Position(f.Pos()).Filename, "checker.go":
		default:
			problems = append(problems, fset.Position(field.Pos()).String()+" changes "+field.Sel.Name+", which is "+owner+"'s")
		}
	}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			for _, target := range n.Lhs {
				check(target)
			}
		case *ast.IncDecStmt:
			check(n.X)
		}
		return true
	})
	return problems
}

type noImports struct{}

func (noImports) Import(string) (*types.Package, error) { return nil, errors.New("not loaded") }

package arch

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Every test and every file of ours that a document names is there.
func TestDocumentsNameWhatIsThere(t *testing.T) {
	t.Parallel()
	const root = "../.."
	var source strings.Builder
	var documents []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && d.Name() == ".git":
			return fs.SkipDir
		case strings.HasSuffix(path, "_test.go"):
			text, err := os.ReadFile(path)
			source.Write(text)
			return err
		case strings.HasSuffix(path, ".md"):
			documents = append(documents, path)
		}
		return nil
	})
	if err != nil || len(documents) < 5 {
		t.Fatal(documents, err)
	}
	test := regexp.MustCompile("`(Test[A-Z]\\w*)(…?)`")
	file := regexp.MustCompile("`((?:internal|cmd|deploy|docs|bench|examples)/[\\w/.-]+\\w)`")
	for _, document := range documents {
		text, err := os.ReadFile(document)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range test.FindAllStringSubmatch(string(text), -1) {
			declared := "func " + m[1]
			if m[2] == "" {
				declared += "("
			}
			if !strings.Contains(source.String(), declared) {
				t.Errorf("%s names %s, and there is no such test", document, m[0])
			}
		}
		for _, m := range file.FindAllStringSubmatch(string(text), -1) {
			if _, err := os.Stat(filepath.Join(root, m[1])); err != nil {
				t.Errorf("%s names %s, and there is no such file", document, m[0])
			}
		}
	}
}

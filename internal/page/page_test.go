package page

import (
	"regexp"
	"strings"
	"testing"
)

// Whatever a file names is there, beside it, so that a proxy can serve all of them
// under a path. Nothing is taken from elsewhere or inline, which the
// Content-Security-Policy would forbid.
func TestFilesNameEachOther(t *testing.T) {
	names := regexp.MustCompile(`(?:src|href)="page/([^"]+)"|from "\./([^"]+)"`)
	foreign := regexp.MustCompile(`(?i)(?:src|href)="(?:https?:|/)|\b(?:fetch|ask|request)\(["\x60]/|` +
		`(?-i:url)\(|@import|<script>|<style|\sstyle="|\son[a-z]+="|innerHTML|insertAdjacentHTML|document\.write|\beval\(`)
	used := map[string]bool{"index.html": true, "status.html": true, "docs.html": true, "docs.ru.html": true}
	for name, f := range Files {
		for _, m := range names.FindAllStringSubmatch(string(f.Content), -1) {
			target := m[1] + m[2]
			used[target] = true
			if _, ok := Files[target]; !ok {
				t.Errorf("%s names %s, which is not there", name, target)
			}
		}
		if found := foreign.FindString(string(f.Content)); found != "" {
			t.Errorf("%s holds %q", name, found)
		}
	}
	for name := range Files {
		if !used[name] {
			t.Errorf("nothing names %s", name)
		}
	}
}

// Each text is there in both languages.
func TestTextsInBothLanguages(t *testing.T) {
	source := string(Files["text.js"].Content)
	english, russian, ok := strings.Cut(source[:strings.Index(source, "\nconst saved")], "\n  ru: {")
	if !ok {
		t.Fatal("text.js has no Russian part")
	}
	keys := func(part string) map[string]bool {
		found := map[string]bool{}
		for _, m := range regexp.MustCompile(`(?:^|[,{\n])\s*([a-zA-Z]+): `).FindAllStringSubmatch(part, -1) {
			found[m[1]] = true
		}
		delete(found, "en")
		return found
	}
	en, ru := keys(english), keys(russian)
	if len(en) < 40 {
		t.Fatalf("only %d English texts were found", len(en))
	}
	for key := range en {
		if !ru[key] {
			t.Errorf("%s is not there in Russian", key)
		}
	}
	asked := regexp.MustCompile(`data-(?:text|label|placeholder)="([^"]+)"|\btext\("([^"]+)"\)`)
	for name, f := range Files {
		for _, m := range asked.FindAllStringSubmatch(string(f.Content), -1) {
			if key := m[1] + m[2]; !en[key] {
				t.Errorf("%s asks for the text %s, which is not there", name, key)
			}
		}
	}
}

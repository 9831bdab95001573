package sqlite

import (
	"path/filepath"
	"strings"
	"testing"
)

// A path is refused, or is that of one file, which it names again.
func FuzzResolve(f *testing.F) {
	for _, seed := range []string{
		"", "messages.db", "./a/../messages.db", "/", "/dev/null", "..", "a\x00b", "имя файла.db", "//x//y", "file:x?mode=ro", "~/x",
		strings.Repeat("x", 300),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, path string) {
		resolved, err := resolve(path)
		if err != nil {
			return
		}
		if !filepath.IsAbs(resolved) || filepath.Clean(resolved) != resolved {
			t.Fatalf("resolve(%q) = %q, want an absolute, clean path", path, resolved)
		}
		if again, err := resolve(resolved); again != resolved || err != nil {
			t.Fatalf("resolve(%q) = %q, but that one's is %q, %v", path, resolved, again, err)
		}
	})
}

package program

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRead(t *testing.T) {
	for _, tt := range []struct{ content, want string }{
		{"", ""},
		{"\ufeff", ""},
		{"\ufeffa\r\nb\r\n", "a\nb\n"},
		{"a\nb", "a\nb"},
		{"a\rb\ufeff", "a\rb\ufeff"}, // neither a line end nor a mark
	} {
		path := filepath.Join(t.TempDir(), "f")
		if err := os.WriteFile(path, []byte(tt.content), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := ReadText(path); err != nil || string(got) != tt.want {
			t.Errorf("ReadText of %q = %q, %v, want %q", tt.content, got, err, tt.want)
		}
	}
	for _, content := range []string{"\xff\xfea\x00\n\x00", "\xfe\xff\x00a\x00\n", "\xff\xfe"} {
		path := filepath.Join(t.TempDir(), "f")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := ReadText(path); err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "UTF-8") {
			t.Errorf("ReadText of %q = %q, %v, want what to do with %s", content, got, err, path)
		}
	}
	if got, err := ReadText(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Errorf("ReadText of a missing file = %q, want an error", got)
	}
}

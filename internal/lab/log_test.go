package lab

import (
	"path/filepath"
	"testing"
)

func TestLogFindsTheAddress(t *testing.T) {
	for name, chunks := range map[string][]string{
		"one line":        {"time=x level=INFO msg=listening addr=127.0.0.1:4711\n"},
		"more attributes": {"level=INFO msg=listening replica=1 addr=127.0.0.1:4711 tls=false\n"},
		"in pieces":       {"a\nmsg=lis", "tening addr=127.0.0.1:47", "11\nb\n"},
		"after others":    {"msg=starting addr=10.0.0.1:1\nmsg=listening addr=127.0.0.1:4711\nmsg=listening addr=10.0.0.1:1\n"},
	} {
		l, err := openLog(filepath.Join(t.TempDir(), "log"))
		if err != nil {
			t.Fatal(err)
		}
		if got := l.address(); got != "" {
			t.Errorf("%s: address before anything was written = %q", name, got)
		}
		for _, chunk := range chunks {
			if _, err := l.Write([]byte(chunk)); err != nil {
				t.Fatal(err)
			}
		}
		if got, want := l.address(), "127.0.0.1:4711"; got != want {
			t.Errorf("%s: address = %q, want %q", name, got, want)
		}
		l.file.Close()
	}
}

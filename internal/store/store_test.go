package store

import (
	"log/slog"
	"os"
	"runtime"
	"strings"
	"testing"
)

// TestURLs: a URL opens the file that anybody would take it to name, or is
// refused with what to write, and nothing is made.
func TestURLs(t *testing.T) {
	windows := runtime.GOOS == "windows"
	type form struct{ url, want string }
	forms := []form{
		{"", "is empty"},
		{"x.db", "no scheme"},
		{"/x.db", "no scheme"},
		{"host=127.0.0.1 password=s3cret", "no scheme"},
		{"s3cret s3cret:x", "no scheme"},
		{"SQLITE:x.db", "sqlite:PATH"},
		{"Sqlite:x.db", "sqlite:PATH"},
		{"POSTGRES://messenger:s3cret@127.0.0.1/x", "postgres://"},
		{"postgres:messenger", "postgres://"},
		{"postgresql:/x", "postgresql://"},
		{"sqlite3:x.db", "sqlite:PATH"},
		{"sqlite+aiosqlite:///x.db", "sqlite:PATH"},
		{"file:x.db", "sqlite:PATH"},
		{"jdbc:sqlite:x.db", "sqlite:PATH"},
		{"mysql://root:s3cret@127.0.0.1/x", `"mysql:"`},
		{"sqlite:x.db\n", "line end"},
		{"sqlite:x.db\r\n", "line end"},
		{"postgres://messenger:s3cret@127.0.0.1/x\n", "line end"},
		{"sqlite:x.db ", "space"},
		{" sqlite:x.db", "space"},
		{"sqlite:x.db\t", "space"},
		{"sqlite:x.db\u00a0", "space"},
		{"sqlite:x.db\u200b", "invisible"},
		{"\ufeffsqlite:x.db", "invisible"},
		{"sqlite: x.db", "space"},
		{"sqlite:x\x00.db", "control"},
		{"sqlite:x\n.db", "control"},
		{`"sqlite:x.db"`, "quotation"},
		{`'sqlite:x.db'`, "quotation"},
		{`sqlite:"x.db"`, "quotation"},
		{"sqlite:", "names no file"},
		{"sqlite://x.db", "write sqlite:x.db"},
		{"sqlite:///x.db", "write sqlite:x.db or sqlite:/x.db"},
		{"sqlite:////x.db", "write sqlite:x.db or sqlite:/x.db"},
		{"sqlite://root:s3cret@127.0.0.1/x", "slashes"},
		{"sqlite:x.db?key=s3cret", "no options"},
		{"sqlite:file:x.db?key=s3cret", "write sqlite:PATH"},
		{"sqlite:FILE:x.db?mode=ro", "SQLite's own"},
		{"sqlite::memory:", "not a file"},
		{"sqlite:memory", "not a file"},
		{"sqlite:-", "./-"},
		{"sqlite:x.db?mode=ro", "sqlite:x.db?mode=ro has a question mark in it, but there are no options"},
		{"sqlite:x.db?mode=ro&key=s3cret", "sqlite:x.db?… has a question mark"},
		{"sqlite://x.db?mode=ro", "write sqlite:x.db or sqlite:/x.db"},
		{"sqlite:x.db?", "no options"},
		{"sqlite:my%20log.db", "%20"},
		{"sqlite:a%2Fx.db", "%2F"},
		{"sqlite:dir/", "is a folder"},
		{"sqlite:.", "is a folder"},
		{"sqlite:x.db-wal", "write sqlite:x.db"},
		{"sqlite:x.db.lock", "write sqlite:x.db"},
		{"sqlite:x.db", ""},
		{"sqlite:./x y.db", ""},
		{"sqlite:журнал.db", ""},
		{"sqlite:50%.db", ""},
		{"sqlite:a#b&c=d.db", ""},
		{"sqlite:~x", ""},
	}
	if windows {
		forms = append(forms, form{`sqlite:C:x.db`, `sqlite:C:\PATH`}, form{`sqlite:dir\`, "is a folder"})
	} else {
		forms = append(forms, form{`sqlite:C:\x.db`, "a drive"}, form{`sqlite:c:/x.db`, "a drive"},
			form{"sqlite:./c:x.db", ""}, form{"sqlite:./-", ""})
	}
	for _, f := range forms {
		t.Run("", func(t *testing.T) {
			t.Chdir(t.TempDir())
			s, err := Open(t.Context(), f.url, slog.New(slog.DiscardHandler))
			if err == nil {
				if err := s.Close(); err != nil {
					t.Errorf("Close: %v", err)
				}
			}
			entries, readErr := os.ReadDir(".")
			if readErr != nil {
				t.Fatal(readErr)
			}
			switch {
			case f.want == "" && err != nil:
				t.Errorf("Open(%q): %v", f.url, err)
			case f.want == "":
				name := strings.TrimPrefix(strings.TrimPrefix(f.url, "sqlite:"), "./")
				if _, err := os.Stat(name); err != nil {
					t.Errorf("Open(%q) made %v, want %s", f.url, entries, name)
				}
			case err == nil:
				t.Errorf("Open(%q) made %v, want an error about %q", f.url, entries, f.want)
			case !strings.Contains(err.Error(), f.want):
				t.Errorf("Open(%q): %v, want it to say %q", f.url, err, f.want)
			case strings.Contains(err.Error(), "s3cret"):
				t.Errorf("Open(%q) shows the password: %v", f.url, err)
			case len(entries) > 0:
				t.Errorf("Open(%q) made %v", f.url, entries)
			}
		})
	}
}

package postgres

import (
	"strings"
	"testing"
)

// No error shows the password in a URL, whatever surrounds it. Every URL that is
// accepted yields the settings that the log needs, even if it asks for others.
func FuzzParse(f *testing.F) {
	for _, seed := range [][2]string{
		{"postgres://anna", "127.0.0.1:5432/messages"},
		{"postgresql://anna", "a:1,b:2/messages?target_session_attrs=read-write&sslmode=disable"},
		{"postgres://", "[::1]/x?connect_timeout=3"},
		{"postgres://anna", "127.0.0.1:port/x"},
		{"postgres://anna%zz", "127.0.0.1/x"},
		{"postgres://anna", "127.0.0.1/x?sslmode=no"},
		{"postgres://anna", "h/x?client_encoding=LATIN1&plan_cache_mode=auto&lock_timeout=0&default_query_exec_mode=exec"},
		{"postgres://anna", "[::1/x"},
		{"anna", "x"},
		{"postgres:/anna", "h/x"}, // one slash: no URL to pgx
	} {
		f.Add(seed[0], seed[1])
	}
	const password = "pa55word"
	f.Fuzz(func(t *testing.T, before, behind string) {
		if strings.Contains(before+behind, "/") && strings.Contains(before+behind, "file") {
			t.Skip() // passfile, servicefile: files of this machine
		}
		config, err := parse(before + ":" + password + "@" + behind)
		if err != nil {
			if strings.Contains(err.Error(), password) {
				t.Fatalf("the error shows the password: %v", err)
			}
			return
		}
		for name, want := range map[string]string{
			"client_encoding": "UTF8", "plan_cache_mode": "force_generic_plan", "lock_timeout": "5000",
		} {
			if got := config.RuntimeParams[name]; got != want {
				t.Errorf("%s = %q, want %q", name, got, want)
			}
		}
		if config.ValidateConnect == nil || config.ConnectTimeout <= 0 || config.DialFunc == nil {
			t.Errorf("parse(%q, %q) lacks what every connection has", before, behind)
		}
		if got := writerConfig(config).RuntimeParams["statement_timeout"]; got != "0" {
			t.Errorf("the writer's statement_timeout = %q, want 0", got)
		}
	})
}

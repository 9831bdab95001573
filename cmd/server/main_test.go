package main

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

// A malformed .env keeps nobody from help, and from starting only.
func TestMalformedDotEnv(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Setenv("DATABASE_URL", "")
	if err := os.WriteFile(".env", []byte("DATABASE_URL hunter2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"--help"}, {"--version"}} {
		var stdout, stderr bytes.Buffer
		if status := run(t.Context(), args, &stdout, &stderr); status != 0 || stdout.Len() == 0 || stderr.Len() > 0 {
			t.Errorf("server %q = %d\nstdout: %s\nstderr: %s", args, status, &stdout, &stderr)
		}
	}
	var stdout, stderr bytes.Buffer
	status := run(t.Context(), nil, &stdout, &stderr)
	if status != 64 || !strings.Contains(stderr.String(), ".env") || strings.Contains(stderr.String(), "hunter2") {
		t.Errorf("server = %d\nstderr: %s", status, &stderr)
	}
}

func TestHasPassword(t *testing.T) {
	for database, want := range map[string]bool{
		"postgres://anna:hunter2@db/log":            true,
		"postgres://anna:@db/log":                   true,
		"postgresql:///log?user=a&password=hunter2": true,
		"postgres://db/log?sslpassword=hunter2":     true,
		"postgres://anna@db/log?sslmode=require":    false,
		"postgres:///log?passfile=/etc/pgpass":      false,
		"sqlite:password.db":                        false,
	} {
		if got := hasPassword(database); got != want {
			t.Errorf("hasPassword(%q) = %v, want %v", database, got, want)
		}
	}
}

package main

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

// A malformed .env stops the server from starting; --help still works.
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

// If stdout cannot be written, run reports it and returns its own exit status.
func TestStdoutFails(t *testing.T) {
	for _, arg := range []string{"--help", "--version"} {
		full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
		if err != nil {
			t.Skip(err)
		}
		defer full.Close()
		var stderr bytes.Buffer
		if status := run(t.Context(), []string{arg}, full, &stderr); status != 73 || !strings.Contains(stderr.String(), "no space left") {
			t.Errorf("server %s = %d, want 73 and the error\n%s", arg, status, &stderr)
		}
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

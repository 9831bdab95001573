package postgres

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// A pipe yields its content once, and opening it blocks. parse refuses one that it
// would read, and ignores one that it would not.
func TestPipesAreRefused(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, url := range []string{
		"postgres://anna@h/x?passfile=" + pipe,
		"postgres://anna@h/x?sslmode=require&sslcert=/dev/null&sslkey=" + pipe,
		"postgres://anna@h/x?sslmode=verify-ca&sslrootcert=" + pipe,
		"postgres://anna@h/x?service=x&servicefile=" + pipe,
	} {
		if _, err := parse(url); err == nil || !strings.Contains(err.Error(), pipe) {
			t.Errorf("parse(%s): %v, want an error that names the pipe", url, err)
		}
	}
	for _, name := range []string{"PGPASSFILE", "PGSERVICEFILE", "PGSSLROOTCERT"} {
		t.Setenv(name, pipe)
	}
	if _, err := parse("postgres://anna:password@h/x"); err != nil {
		t.Errorf("a pipe that is not used: %v", err)
	}
}

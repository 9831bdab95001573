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

// Each mistake on the command line is named, with its value and what to do.
func TestUsageSaysWhatToDo(t *testing.T) {
	t.Chdir(t.TempDir()) // no .env
	for line, want := range map[string]string{
		"--log-level loud":                             `--log-level is "loud"; it must be one of "debug","info","warn","error"`,
		"--log-level info+x":                           `--log-level is "info+x"; it must be one of`,
		"--log-format xml":                             `--log-format is "xml"; it must be one of "text","json"`,
		"--healthcheck foo":                            `--healthcheck is "foo"; write a URL`,
		"--healthcheck ftp://a/livez":                  "write a URL",
		"--healthcheck http:///livez":                  "write a URL",
		"--healthcheck 127.0.0.1:99999":                "write a URL",
		"--database x.db":                              "has no scheme",
		"--database sqlite:x?mode=ro":                  "the database URL sqlite:x?mode=ro has a question mark",
		"--database postgres://anna@127.0.0.1:99999/x": "`postgres://anna@127.0.0.1:99999/x` is not usable: its port is \"99999\"",
		"--database postgres:x":                        "postgres://",
	} {
		var stdout, stderr bytes.Buffer
		status := run(t.Context(), append(strings.Fields(line), "--listen", "127.0.0.1:0"), &stdout, &stderr)
		if status != 64 || !strings.Contains(stderr.String(), want) || strings.Count(stderr.String(), "\n") > 2 {
			t.Errorf("server %s: status %d, want 64, %q and little more:\n%s", line, status, want, &stderr)
		}
	}
}

// A database that cannot be opened, though its URL is well-formed, is no bad usage.
func TestUnusableDatabase(t *testing.T) {
	t.Chdir(t.TempDir()) // no .env
	for _, database := range []string{
		"sqlite:nosuch/x.db", "postgres://anna@127.0.0.1:1/x", "postgres://anna@127.0.0.1:1/x?sslmode=require&sslrootcert=nosuch",
	} {
		var stdout, stderr bytes.Buffer
		args := []string{"--listen", "127.0.0.1:0", "--database", database}
		if status := run(t.Context(), args, &stdout, &stderr); status != 1 {
			t.Errorf("server %q = %d, want 1\n%s", args, status, &stderr)
		}
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
		"postgres://anna:hunter#2@db/log":           true,
		"postgres://anna:50%@db/log":                true,
		"postgres:///log?password=hunter#2":         true,
		"postgres://db:5432/log":                    false,
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

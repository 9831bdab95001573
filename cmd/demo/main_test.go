package main

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"dummymessenger/internal/report/lang"
)

// Labels are in the language that the client's last --lang names.
func TestClientLanguage(t *testing.T) {
	t.Setenv("LC_ALL", "C")
	for args, want := range map[string]lang.Lang{
		"": "en", "-c 10": "en", "--lang ru": "ru", "--lang=ru": "ru", "--lang ru --lang=en": "en", "-n 5 --lang": "en",
	} {
		if got := clientLanguage(strings.Fields(args)); got != want {
			t.Errorf("clientLanguage(%q) = %s, want %s", args, got, want)
		}
	}
}

// If stdout cannot be written, the demo reports it and returns its own exit status.
func TestStdoutFails(t *testing.T) {
	for _, arg := range []string{"--help", "--version"} {
		full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
		if err != nil {
			t.Skip(err)
		}
		defer full.Close()
		var stderr bytes.Buffer
		if status := run([]string{arg}, full, &stderr); status != exitCannotWrite || !strings.Contains(stderr.String(), "no space left") {
			t.Errorf("demo %s = %d, want %d and the error\n%s", arg, status, exitCannotWrite, &stderr)
		}
	}
}

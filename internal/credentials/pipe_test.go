//go:build unix

package credentials

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func mkfifo(t *testing.T) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// feed writes content to the pipe at path, once, as soon as somebody reads it.
func feed(t *testing.T, path, content string) {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- os.WriteFile(path, []byte(content), 0) }()
	t.Cleanup(func() {
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// Content that can be read only once is kept for as long as the server runs.
func TestFromAPipe(t *testing.T) {
	substituted, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer substituted.Close()
	fmt.Fprintln(w, first)
	w.Close()
	redirected := filepath.Join(t.TempDir(), "tokens")
	write(t, redirected, first)
	open, err := os.Open(redirected)
	if err != nil {
		t.Fatal(err)
	}
	defer open.Close()
	named := mkfifo(t)
	feed(t, named, first)
	for _, path := range []string{named, fmt.Sprint("/dev/fd/", substituted.Fd()), fmt.Sprint("/dev/fd/", open.Fd())} {
		var log bytes.Buffer
		tokens, err := OpenTokens(path, slog.New(slog.NewTextHandler(&log, nil)))
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			look(tokens.watched)
			if !tokens.Valid(first) || tokens.Valid(second) {
				t.Errorf("%s: the token does not hold", path)
			}
		}
		if got := log.String(); strings.Count(got, "level=") != 1 || !strings.Contains(got, "read once") {
			t.Errorf("%s: the log says\n%s", path, got)
		}
	}
}

func TestKeyFromAPipe(t *testing.T) {
	cert1, key1 := makeCertificate(t, 1)
	cert2, _ := makeCertificate(t, 2)
	certFile, keyFile := filepath.Join(t.TempDir(), "cert.pem"), mkfifo(t)
	write(t, certFile, "\ufeff"+cert1)
	feed(t, keyFile, key1)
	fromTwo, err := OpenCertificate(certFile, keyFile, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	both := mkfifo(t)
	feed(t, both, cert1+key1)
	fromOne, err := OpenCertificate(both, both, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	for _, change := range []string{cert1, cert2} { // to which the key does not belong
		write(t, certFile, change)
		for _, c := range []*Certificate{fromTwo, fromOne} {
			look(c.watched)
			if pair, err := c.Get(&tls.ClientHelloInfo{}); err != nil || pair.Leaf.SerialNumber.Int64() != 1 {
				t.Errorf("Get() = %v, %v, want the certificate that was there", pair, err)
			}
		}
	}
}

// A file that becomes a pipe does not block callers.
func TestFileBecomesAPipe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tokens")
	write(t, path, first)
	var log bytes.Buffer
	tokens, err := OpenTokens(path, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(mkfifo(t), path); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		look(tokens.watched)
		if !tokens.Valid(first) {
			t.Error("the last token does not hold")
		}
	}
	if got := log.String(); strings.Count(got, "level=ERROR") != 1 || !strings.Contains(got, "no regular file") {
		t.Errorf("the log says\n%s", got)
	}
	os.Remove(path)
	write(t, path, second)
	look(tokens.watched)
	if !tokens.Valid(second) {
		t.Error("a file again, and its token does not hold")
	}
}

// Pipes without a writer, or whose writer never ends, and endless devices.
func TestNothingToRead(t *testing.T) {
	silent := mkfifo(t)
	w, err := os.OpenFile(silent, os.O_RDWR, 0) // which does not wait for a reader
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	for path, want := range map[string]string{
		mkfifo(t): "something must write to a pipe", silent: "something must write to a pipe",
		"/dev/zero": "larger than", t.TempDir(): "is a directory",
	} {
		limit := 20 * time.Millisecond
		if path == "/dev/zero" {
			limit = startPatience
		}
		if content, err := readWithin(limit, path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %q, %v, want an error that says %q", path, content, err, want)
		}
	}
}

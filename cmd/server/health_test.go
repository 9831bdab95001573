package main

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"dummymessenger/internal/messenger"
)

// TestHealthcheck asks a replica that lives, one whose database has gone, and
// none at all.
func TestHealthcheck(t *testing.T) {
	t.Chdir(t.TempDir()) // no .env
	ask := func(url string) (int, string) {
		var stdout, stderr bytes.Buffer
		status := run(t.Context(), []string{"--healthcheck", url}, &stdout, &stderr)
		if stdout.Len() > 0 {
			t.Errorf("--healthcheck %s wrote %q to stdout", url, &stdout)
		}
		return status, stderr.String()
	}

	address := freeAddress(t)
	file := filepath.Join(t.TempDir(), "log.db")
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	ready := make(chan struct{})
	running.Go(func() {
		f := flags{Listen: address, Database: "sqlite:" + file, MaxConnections: 10, RequestTimeout: 5e9, MaxBatch: 10, MaxQueue: 10}
		logger := slog.New(slog.NewTextHandler(whenListening{ready}, nil))
		if err := serve(ctx, f, logger, func(string) {}); err != nil {
			t.Error(err)
		}
	})
	<-ready
	for _, url := range []string{"http://" + address + "/readyz", "http://" + address + "/livez", "http://" + address,
		address, address + "/livez", strings.TrimPrefix(address, "127.0.0.1")} {
		if status, stderr := ask(url); status != 0 || stderr != "" {
			t.Errorf("%s of a running server: %d\n%s", url, status, stderr)
		}
	}
	if err := os.Rename(file, file+".moved"); err != nil {
		t.Fatal(err)
	}
	if status, stderr := ask("http://" + address + "/readyz"); status != 1 || !strings.Contains(stderr, "503") {
		t.Errorf("/readyz without the file: %d\n%s", status, stderr)
	}
	if status, stderr := ask("http://" + address + "/livez"); status != 0 {
		t.Errorf("/livez without the file: %d\n%s", status, stderr)
	}
	stop()
	running.Wait()
	if status, stderr := ask("http://" + address + "/livez"); status != 1 || stderr == "" {
		t.Errorf("no server: %d\n%s", status, stderr)
	}
}

// Only a replica's own answer counts as healthy, not another server's 200.
func TestHealthcheckOfSomethingElse(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("/ok", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set(messenger.ReplicaHeader, "0123456789abcdef")
		io.WriteString(w, "ok\n")
	})
	mux.Handle("/moved", http.RedirectHandler("/ok", http.StatusFound))
	mux.HandleFunc("/login", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "<html>log in") })
	mux.HandleFunc("/another", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "ok\n") })
	mux.HandleFunc("/204", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	plain, secure := httptest.NewServer(mux), httptest.NewTLSServer(mux)
	defer plain.Close()
	defer secure.Close()
	for path, want := range map[string]string{
		"/ok": "", "/moved": "302", "/login": "no answer of a replica", "/another": "no answer of a replica", "/204": "204",
	} {
		for _, url := range []string{plain.URL, secure.URL} { // the client does not trust its certificate
			err := checkHealth(t.Context(), url+path)
			if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
				t.Errorf("%s%s: %v, want %q", url, path, err, want)
			}
		}
	}
	for address, want := range map[string]bool{
		"https://127.0.0.1:1/": true, "https://[::1]/": true, "https://0.0.0.0:1/": true, "https://localhost/": true,
		"https://10.0.0.1/": false, "https://replica1:8001/": false, "https://localhost.example/": false,
	} {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		if got := isThisMachine(u); got != want {
			t.Errorf("isThisMachine(%s) = %v, want %v", address, got, want)
		}
	}
}

// TestHealthcheckOfNothing: an empty URL, as of a variable that is not set, is bad
// usage and starts no server.
func TestHealthcheckOfNothing(t *testing.T) {
	t.Chdir(t.TempDir())
	ctx, stop := context.WithTimeout(t.Context(), 20*time.Second)
	defer stop()
	for _, args := range [][]string{{"--healthcheck", ""}, {"--healthcheck="}} {
		var stdout, stderr bytes.Buffer
		args = append(args, "--listen", "127.0.0.1:0")
		if status := run(ctx, args, &stdout, &stderr); status != 64 || !strings.Contains(stderr.String(), "--healthcheck is empty") {
			t.Errorf("server %q = %d: %s", args, status, &stderr)
		}
	}
	if entries, err := os.ReadDir("."); err != nil || len(entries) > 0 {
		t.Errorf("the folder holds %v, %v", entries, err)
	}
}

// TestHealthcheckOfASilentServer: it ends with ctx, as it does with its own deadline.
func TestHealthcheckOfASilentServer(t *testing.T) {
	asked := make(chan struct{})
	silent := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(asked)
		<-r.Context().Done()
	}))
	defer silent.Close()
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-asked; cancel() }()
	if err := checkHealth(ctx, silent.URL); err == nil || !strings.Contains(err.Error(), silent.URL) {
		t.Errorf("of a silent server: %v, want an error with its address", err)
	}
}

func TestVersion(t *testing.T) {
	t.Chdir(t.TempDir())
	var stdout, stderr bytes.Buffer
	if status := run(t.Context(), []string{"--version"}, &stdout, &stderr); status != 0 || !strings.HasPrefix(stdout.String(), "server ") {
		t.Errorf("--version = %d\n%s%s", status, &stdout, &stderr)
	}
}

// whenListening is a log that tells when the server listens.
type whenListening struct{ ready chan struct{} }

func (w whenListening) Write(line []byte) (int, error) {
	if bytes.Contains(line, []byte("msg=listening")) {
		close(w.ready)
	}
	return len(line), nil
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

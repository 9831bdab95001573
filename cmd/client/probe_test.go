package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What hinders any request is told once, as run tells it, and in the language.
func TestProbeHindered(t *testing.T) {
	t.Parallel()
	plain, secure := httptest.NewServer(http.NotFoundHandler()), httptest.NewTLSServer(http.NotFoundHandler())
	silent := make(chan struct{})
	mute := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-silent }))
	t.Cleanup(func() {
		close(silent)
		plain.Close()
		secure.Close()
		mute.Close()
	})
	for _, tt := range []struct{ lang, url, want string }{
		{"en", closedURL(t), "is it running?"},
		{"en", strings.Replace(plain.URL, "http:", "https:", 1), "write http:// instead of https://"},
		{"en", strings.Replace(secure.URL, "https:", "http:", 1), "write https:// instead of http://"},
		{"en", secure.URL, "--ca-file"},
		{"ru", secure.URL, "сертификату нет доверия"},
		{"en", mute.URL, "POST " + mute.URL + "/messages gave no answer: timeout"},
		{"ru", mute.URL, "нет ответа на POST " + mute.URL + "/messages: истекло время ожидания"},
	} {
		got := client(t.Context(), "probe", "--timeout", "500ms", "--lang", tt.lang, tt.url)
		if got.status != exitFailed || got.stdout != "" || !strings.Contains(got.stderr, tt.want) || strings.Count(got.stderr, "\n") != 1 {
			t.Errorf("probe %s = %d, want %q\n%s%s", tt.url, got.status, tt.want, got.stdout, got.stderr)
		}
	}
}

// A server of ours needs no profile, where there is none nothing is written, and files
// are as careful as elsewhere.
func TestProbeCommand(t *testing.T) {
	t.Parallel()
	ours := newReplica(t, newMemory(), nil)
	got := client(t.Context(), "probe", "--lang", "en", ours)
	if got.status != exitVerified || got.stdout != "" && !strings.Contains(got.stdout, `"/messages"`) {
		t.Errorf("probe = %d\n%s%s", got.status, got.stdout, got.stderr)
	}
	name := filepath.Join(t.TempDir(), "profile.json")
	if got := client(t.Context(), "probe", "--lang", "en", "http://127.0.0.1:1", "-o", name); got.status != exitFailed {
		t.Errorf("probe of nothing = %d\n%s", got.status, got.stderr)
	}
	if _, err := os.Stat(name); err == nil {
		t.Error("a profile of nothing was written")
	}
	got = client(t.Context(), "probe", "--lang", "en", ours, "-o", name)
	profile, err := os.ReadFile(name)
	if got.status == exitVerified && err == nil { // the server of this test does not name itself
		run := client(t.Context(), "-q", "-c", "4", "-n", "200", "--profile", name, ours)
		if run.status != exitVerified {
			t.Errorf("with the profile that was written, run = %d\n%s\n%s", run.status, profile, run.stdout)
		}
	}
	for _, arg := range []string{"18510", "127.0.0.1:99999", "http://127.0.0.1:99999", "ftp://127.0.0.1", "history.json"} {
		if got := client(t.Context(), "probe", arg); got.status != exitUsage || strings.Contains(got.stderr, "-n ") {
			t.Errorf("probe %s = %d\n%s", arg, got.status, got.stderr)
		}
	}
	if got := client(t.Context(), "probe", strings.TrimPrefix(ours, "http://")+"/"); got.status != exitVerified {
		t.Errorf("probe of HOST:PORT/ = %d\n%s", got.status, got.stderr)
	}
	if got := client(t.Context(), "probe", "--timeout", "0s", ours); got.status != exitUsage {
		t.Errorf("without time, probe = %d", got.status)
	}
}

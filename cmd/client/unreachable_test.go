package main

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"dummymessenger/internal/verify"
)

// closedURL is where no server listens.
func closedURL(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return "http://" + ln.Addr().String()
}

// If no replica accepts connections, the client does not begin the run.
func TestNoServer(t *testing.T) {
	t.Parallel()
	got := client(t.Context(), closedURL(t))
	if got.status != exitFailed || got.stdout != "" || !strings.Contains(got.stderr, "is it running?") ||
		!strings.Contains(got.stderr, "connection refused") {
		t.Errorf("status %d, want %d\nstdout: %s\nstderr: %s", got.status, exitFailed, got.stdout, got.stderr)
	}
}

// The client reports an http:// URL of a TLS-only server before the run.
func TestWrongScheme(t *testing.T) {
	t.Parallel()
	s := httptest.NewTLSServer(nil)
	defer s.Close()
	for lang, want := range map[string]string{"en": "write https://", "ru": "напишите https://"} {
		got := client(t.Context(), "-q", "--lang", lang, strings.Replace(s.URL, "https:", "http:", 1))
		if got.status != exitFailed || got.stdout != "" || !strings.Contains(got.stderr, want) {
			t.Errorf("status %d, want %d and %q\nstdout: %s\nstderr: %s", got.status, exitFailed, want, got.stdout, got.stderr)
		}
	}
}

// Servers stop during the run: the answers so far are consistent, but requests
// failed. If the servers stop at once, the run proves nothing.
func TestServersGone(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		after  int64
		status int
	}{{300, exitFailed}, {1, exitInconclusive}} {
		m := newMemory()
		gone := func(w http.ResponseWriter, number int64, _ func() []message) bool {
			if number >= test.after {
				hijack(w, "")
				return true
			}
			return false
		}
		status, r := try(t, t.Context(), "-c", "10", "-n", "900", newReplica(t, m, gone), newReplica(t, m, gone))
		if status != test.status || r.Run.OK >= 900 || r.Run.Unknown == 0 {
			t.Errorf("gone after %d requests: status %d, want %d; %d ok, %d unknown", test.after, status, test.status, r.Run.OK,
				r.Run.Unknown)
		}
		if test.after == 1 && (r.Run.OK > 0 || r.Verdict.Status != verify.Inconclusive || len(r.Verdict.Reasons) == 0) {
			t.Errorf("%d ok, %v, reasons %q, want none answered and that it is inconclusive", r.Run.OK, r.Verdict.Status, r.Verdict.Reasons)
		}
	}
}

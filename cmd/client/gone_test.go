package main

import (
	"bytes"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"dummymessenger/internal/verify"
)

// If no replica accepts connections, the client does not begin the run.
func TestNoServer(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln.Close()
	var stdout, stderr bytes.Buffer
	status := run(t.Context(), []string{"http://" + ln.Addr().String()}, &stdout, &stderr)
	if status != exitFailed || stdout.Len() > 0 || !strings.Contains(stderr.String(), "is it running?") ||
		!strings.Contains(stderr.String(), "connection refused") {
		t.Errorf("status %d, want %d\nstdout: %s\nstderr: %s", status, exitFailed, &stdout, &stderr)
	}
}

// The client reports an http:// URL of a TLS-only server before the run.
func TestWrongScheme(t *testing.T) {
	t.Parallel()
	s := httptest.NewTLSServer(nil)
	defer s.Close()
	for lang, want := range map[string]string{"en": "write https://", "ru": "напишите https://"} {
		var stdout, stderr bytes.Buffer
		status := run(t.Context(), []string{"-q", "--lang", lang, strings.Replace(s.URL, "https:", "http:", 1)}, &stdout, &stderr)
		if status != exitFailed || stdout.Len() > 0 || !strings.Contains(stderr.String(), want) {
			t.Errorf("status %d, want %d and %q\nstdout: %s\nstderr: %s", status, exitFailed, want, &stdout, &stderr)
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

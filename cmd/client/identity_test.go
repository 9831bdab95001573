package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"dummymessenger/internal/messenger"
)

// newNamed is newReplica of servers that say who they are, in turn.
func newNamed(t *testing.T, m *memory, names ...string) (url string) {
	var n atomic.Int64
	return newReplica(t, m, func(w http.ResponseWriter, _ int64, _ func() []message) bool {
		w.Header().Set(messenger.ReplicaHeader, names[int(n.Add(1))%len(names)])
		return false
	})
}

// other is another name of the same loopback address.
func other(url string) string { return strings.Replace(url, "127.0.0.1", "localhost", 1) }

// One server listed as several replicas proves nothing. The client reports
// that, and servers of different logs, at the start of the run, in the first
// line of the result, and from a history.
func TestWhoAnswers(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		urls    func() []string
		status  int
		warning string // in the first line; "": none
	}{
		{"one server under two names", func() []string {
			url := newNamed(t, newMemory(), "a; log=L")
			return []string{url, other(url)}
		}, exitInconclusive, "lead to one server"},
		{"two servers", func() []string {
			m := newMemory()
			return []string{newNamed(t, m, "a; log=L"), newNamed(t, m, "b; log=L")}
		}, exitVerified, ""},
		{"a load balancer", func() []string {
			return []string{newNamed(t, newMemory(), "a; log=L", "b; log=L")}
		}, exitVerified, ""},
		{"two load balancers before the same servers", func() []string {
			m := newMemory()
			return []string{newNamed(t, m, "a; log=L", "b; log=L"), newNamed(t, m, "b; log=L", "a; log=L")}
		}, exitVerified, ""},
		{"two logs", func() []string {
			return []string{newNamed(t, newMemory(), "a; log=L"), newNamed(t, newMemory(), "b; log=M")}
		}, exitViolated, "write different logs"},
		{"two logs behind a load balancer", func() []string {
			return []string{newNamed(t, newMemory(), "a; log=L", "b; log=M")}
		}, exitViolated, "leads to servers that write different logs"},
		{"foreign servers that use the field otherwise", func() []string {
			m := newMemory()
			return []string{newNamed(t, m, "primary, secondary"), newNamed(t, m, "primary, secondary")}
		}, exitVerified, ""},
		{"a log that is not named", func() []string {
			m := newMemory()
			return []string{newNamed(t, m, "a", "a; log=L"), newNamed(t, m, "b; log=")}
		}, exitVerified, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			history := filepath.Join(t.TempDir(), "history")
			urls := test.urls()
			for _, args := range [][]string{
				append([]string{"-c", "8", "-n", "400", "-q", "--lang", "en", "--history", history}, urls...),
				{"verify", "--lang", "en", history},
			} {
				got := client(t.Context(), args...)
				first, _, _ := strings.Cut(strings.ReplaceAll(got.stdout, "\n  ", " "), "\n")
				if got.status != test.status || !strings.Contains(first, test.warning) {
					t.Errorf("client %q = %d, want %d and the first line to say %q:\n%s", args, got.status, test.status,
						test.warning, got.stdout)
				}
				early := strings.Contains(got.stderr, test.warning)
				if args[0] != "verify" && (!early || test.warning == "" && got.stderr != "") {
					t.Errorf("during the run it says\n%s", got.stderr)
				}
				if test.status == exitInconclusive && strings.Contains(got.stdout, "different replicas") {
					t.Errorf("one server passes as several:\n%s", got.stdout)
				}
			}
			status, r := try(t, t.Context(), append([]string{"-n", "400", "--no-verify"}, urls...)...)
			if want := test.warning != ""; (status == exitInconclusive) != want || (r.Causes() != nil) != want {
				t.Errorf("with --no-verify: status %d, %v", status, r.Causes())
			}
		})
	}
}

// The HTML report shows these mistakes at the top.
func TestWhoAnswersInReport(t *testing.T) {
	t.Parallel()
	url, html := newNamed(t, newMemory(), "a; log=L"), filepath.Join(t.TempDir(), "html")
	got := client(t.Context(), "-q", "--lang", "ru", "-n", "200", "--html", html, url, other(url))
	page, err := os.ReadFile(html)
	want := other(url) + " ведут на один и тот же сервер"
	if err != nil || !strings.Contains(string(page), want) || !strings.Contains(got.stderr, want) {
		t.Errorf("%v, no %q\n%s%s", err, want, got.stdout, got.stderr)
	}
}

// A server that is listed twice is refused, however its URL is written.
func TestListedTwice(t *testing.T) {
	t.Parallel()
	for _, urls := range [][]string{
		{"http://a:8001", "http://a:8001"},
		{"http://a:8001", "http://a:8001/"},
		{"http://a", "http://A:80"},
		{"http://a.example", "http://a.example.:080/"},
		{"https://a/", "HTTPS://a:443"},
		{"http://a/chat/", "http://a/chat"},
		{"http://a/%63hat", "http://a/chat"},
		{"http://[::1]:1", "http://[0:0::1]:1"},
		{"http://127.0.0.1:1", "http://[::ffff:127.0.0.1]:1"},
		{"http://[fe80::1%25lo]:1", "http://[FE80::1%25lo]:1"},
		{"http://a", "http://b", "http://a"},
	} {
		if got := client(t.Context(), urls...); got.status != exitUsage || !strings.Contains(got.stderr, "once") {
			t.Errorf("client %q = %d, want %d and that it is listed twice\n%s", urls, got.status, exitUsage, got.stderr)
		}
	}
}

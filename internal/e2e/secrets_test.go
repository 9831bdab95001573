package e2e

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"dummymessenger/internal/lab/labtest"
	"dummymessenger/internal/lab/pgcluster"
)

// Whatever happens, the database's password, the tokens and the messages are in
// no log, error, metric or process title.
func TestSecretsStaySecret(t *testing.T) {
	t.Parallel()
	const (
		token = "t0ken-of-a-caller-0123456789"
		text  = "te2t-of-a-message"
	)
	cluster := labtest.Cluster(t, pgcluster.Config{})
	databaseURL, err := cluster.CreateDatabase(t.Context(), "messages")
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(databaseURL)
	if err != nil {
		t.Fatal(err)
	}
	password, ok := u.User.Password()
	if !ok {
		t.Fatal("the cluster's role has no password")
	}
	tokens := filepath.Join(t.TempDir(), "tokens")
	if err := os.WriteFile(tokens, []byte(token), 0o600); err != nil {
		t.Fatal(err)
	}
	rs := start(t, 1, databaseURL, "--token-file", tokens, "--log-level", "debug")
	r := rs.members[0]

	var seen strings.Builder
	ask := func(method, path, authorization, body string, want int) {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), method, r.URL()+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("Idempotency-Key", "key-"+fmt.Sprint(len(body)))
		if authorization != "" {
			request.Header.Set("Authorization", authorization)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		answer, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		if response.StatusCode != want {
			t.Errorf("%s %s: %s, want %d: %s", method, path, response.Status, want, answer)
		}
		if response.StatusCode != http.StatusOK || method == "GET" {
			fmt.Fprintln(&seen, response.Header, string(answer))
		}
	}
	message := `{"sender":"Анна","text":"` + text + `"}`
	ask("POST", "/messages", "", message, 401)
	ask("POST", "/messages", "Bearer "+token+"x", message, 401)
	ask("POST", "/messages", "Bearer "+token, message, 200)
	ask("POST", "/messages", "Bearer "+token, strings.Replace(message, "Анна", "Яков", 1), 422) // the key belongs to the other
	ask("POST", "/messages", "Bearer "+token, message+" ", 200)
	ask("POST", "/messages", "Bearer "+token, message+message, 400)
	ask("GET", "/metrics", "", "", 200)
	if err := cluster.Kill(); err != nil {
		t.Fatal(err)
	}
	ask("POST", "/messages", "Bearer "+token, message+"  ", 503)
	ask("GET", "/readyz", "", "", 503)
	ask("GET", "/metrics", "", "", 200)

	if runtime.GOOS == "linux" {
		title, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", r.Pid()))
		if err != nil || len(title) == 0 {
			t.Fatalf("the process title: %q, %v", title, err)
		}
		seen.Write(title)
	}
	rs.stop(0)
	seen.WriteString(r.LogTail(1 << 20))
	for _, secret := range []string{password, token, text} {
		if i := strings.Index(seen.String(), secret); i >= 0 {
			t.Errorf("%q is in: …%s…", secret, seen.String()[max(0, i-200):min(seen.Len(), i+100)])
		}
	}
	if !strings.Contains(seen.String(), "append failed") || !strings.Contains(seen.String(), "dummymessenger_refusals_total") {
		t.Errorf("the test saw too little:\n%s", seen.String())
	}
}

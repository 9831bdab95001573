package metrics

import (
	"encoding/json"
	"log/slog"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"dummymessenger/internal/groupcommit"
	"dummymessenger/internal/program"
	"dummymessenger/internal/server"
)

// TestDeployedNames: what the dashboard, the alerts and OPERATIONS.md name
// must be in /metrics. That the expressions are well formed is tested in
// deploy/check.
func TestDeployedNames(t *testing.T) {
	m := New(program.Build{Version: "v1.2.3"})
	m.Queue(func() int { return 0 })
	m.Connections(func() (int64, int64) { return 0, 0 })
	m.Certificate(func() time.Time { return time.Unix(1, 0) })
	m.Request(server.Request{Route: "/messages", Status: 200})
	m.Commit(groupcommit.Commit{Size: 1, Waits: make([]time.Duration, 1), Head: 1})
	w := httptest.NewRecorder()
	m.Handler(slog.New(slog.DiscardHandler)).ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	there := map[string]bool{}
	for _, found := range regexp.MustCompile(`(?m)^([a-z_]+)[ {]`).FindAllStringSubmatch(w.Body.String(), -1) {
		there[found[1]] = true
	}

	dashboard, err := os.ReadFile("../../deploy/grafana/dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	var d struct {
		Panels []struct{ Targets []struct{ Expr string } }
	}
	if err := json.Unmarshal(dashboard, &d); err != nil {
		t.Fatal(err)
	}
	var expressions strings.Builder
	for _, panel := range d.Panels {
		for _, target := range panel.Targets {
			expressions.WriteString(target.Expr + "\n")
		}
	}
	alerts, err := os.ReadFile("../../deploy/prometheus/alerts.yml")
	if err != nil {
		t.Fatal(err)
	}
	for file, text := range map[string]string{"dashboard.json": expressions.String(), "alerts.yml": string(alerts)} {
		names := regexp.MustCompile(`\b(?:dummymessenger|process|go)_[a-z_]+\b`).FindAllString(text, -1)
		if len(names) < 10 {
			t.Errorf("%s names %d metrics only", file, len(names))
		}
		for _, name := range names {
			if !there[name] {
				t.Errorf("%s names %s, which /metrics does not have", file, name)
			}
		}
	}

	// Each alert stands in the table of OPERATIONS.md, in whatever words.
	operations, err := os.ReadFile("../../OPERATIONS.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, found := range regexp.MustCompile(`- alert: (\w+)`).FindAllStringSubmatch(string(alerts), -1) {
		if !strings.Contains(string(operations), "`"+found[1]+"`") {
			t.Errorf("OPERATIONS.md does not tell what to do at %s", found[1])
		}
	}
}

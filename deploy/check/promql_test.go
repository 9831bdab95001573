package check

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/promql/parser"
	"go.yaml.in/yaml/v3"
)

// grafana puts in place what Grafana does before Prometheus sees an expression.
var grafana = strings.NewReplacer("$__rate_interval", "1m", "$job", "dummymessenger", "$instance", ".*")

func TestDashboardParses(t *testing.T) {
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	read(t, "deploy/grafana/dashboard.json", &dashboard, json.Unmarshal)
	count := 0
	for _, panel := range dashboard.Panels {
		for _, target := range panel.Targets {
			parse(t, panel.Title, grafana.Replace(target.Expr))
			count++
		}
	}
	if count < 20 {
		t.Errorf("the dashboard has %d expressions only", count)
	}
}

func TestAlertsParse(t *testing.T) {
	var alerts struct {
		Groups []struct {
			Rules []struct{ Alert, Expr string }
		}
	}
	read(t, "deploy/prometheus/alerts.yml", &alerts, yaml.Unmarshal)
	count := 0
	for _, group := range alerts.Groups {
		for _, rule := range group.Rules {
			parse(t, rule.Alert, rule.Expr)
			count++
		}
	}
	if count < 10 {
		t.Errorf("%d alerts only", count)
	}
}

func parse(t *testing.T, name, expression string) {
	t.Helper()
	if _, err := parser.NewParser(parser.Options{}).ParseExpr(expression); err != nil {
		t.Errorf("%s: %v\n%s", name, err, expression)
	}
}

func read(t *testing.T, name string, into any, unmarshal func([]byte, any) error) {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	if err := unmarshal(content, into); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kisi-operator/kisi-operator/hack/monitoring/alerts"
)

// asGrafanaAsks replaces the variables as Grafana does where everything is chosen.
var asGrafanaAsks = strings.NewReplacer("$namespace", ".*", "$connection", ".*", "$__rate_interval", "5m")

// queries are all expressions of the dashboard, by panel.
func queries(t *testing.T) map[string][]string {
	t.Helper()
	built, err := build()
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(built)
	if err != nil {
		t.Fatal(err)
	}
	var shown struct {
		Panels []struct {
			Title   string
			Type    string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(text, &shown); err != nil {
		t.Fatal(err)
	}
	found := map[string][]string{}
	for _, panel := range shown.Panels {
		for _, target := range panel.Targets {
			found[panel.Title] = append(found[panel.Title], asGrafanaAsks.Replace(target.Expr))
		}
		if panel.Type != "row" && len(found[panel.Title]) == 0 {
			t.Errorf("panel %q asks nothing", panel.Title)
		}
	}
	if len(found) < 20 {
		t.Fatalf("only %d panels ask something", len(found))
	}
	return found
}

func recorded(t *testing.T) alerts.Page {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "testdata", "metrics.txt"))
	if err != nil {
		t.Fatal(err)
	}
	page, err := alerts.ReadPage(string(text))
	if err != nil {
		t.Fatal(err)
	}
	return page
}

func TestEveryQueryIsAnsweredByWhatARunHasShown(t *testing.T) {
	page := recorded(t)
	for panel, expressions := range queries(t) {
		for _, expression := range expressions {
			for _, problem := range page.Problems(expression) {
				t.Errorf("%s: %s: %s", panel, expression, problem)
			}
			answer, err := page.Query(expression, map[string]string{"job": "kisi-operator", "pod": "a"})
			if err != nil || len(answer) == 0 {
				t.Errorf("%s: %s: %d series, %v", panel, expression, len(answer), err)
			}
		}
	}
}

func TestEveryMetricOfTheOperatorIsOnTheDashboard(t *testing.T) {
	all := ""
	for _, expressions := range queries(t) {
		all += strings.Join(expressions, "\n") + "\n"
	}
	for _, name := range recorded(t).Metrics() {
		if of := strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(name, "_bucket"), "_sum"), "_count"); strings.HasPrefix(name, "kisi_operator_") && !strings.Contains(all, of) {
			t.Errorf("no panel shows %s", of)
		}
	}
}

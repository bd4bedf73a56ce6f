package alerts

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func rules(t *testing.T) (all []Rule) {
	t.Helper()
	groups, err := Load(filepath.Join(root, "config", "prometheus", "rules", "kisi-operator.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, group := range groups {
		all = append(all, group.Rules...)
	}
	return all
}

func TestEveryAlertHasARunbookAndEveryRunbookAnAlert(t *testing.T) {
	var alerts []string
	for _, rule := range rules(t) {
		if rule.Alert == "" {
			continue
		}
		alerts = append(alerts, rule.Alert)
		if want := "https://github.com/kisi-operator/kisi-operator/blob/main/docs/runbooks/" + rule.Alert + ".md"; rule.Annotations["runbook_url"] != want {
			t.Errorf("%s: runbook_url is %q, want %q", rule.Alert, rule.Annotations["runbook_url"], want)
		}
		if rule.Annotations["summary"] == "" || rule.Annotations["description"] == "" || !slices.Contains([]string{"critical", "warning", "info"}, rule.Labels["severity"]) {
			t.Errorf("%s lacks a summary, a description or a severity", rule.Alert)
		}
	}
	pages, err := filepath.Glob(filepath.Join(root, "docs", "runbooks", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	index := ""
	var runbooks []string
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(filepath.Base(page), ".md")
		if name == "README" {
			index = string(text)
			continue
		}
		runbooks = append(runbooks, name)
		for _, heading := range []string{"# " + name + "\n", "\n## Meaning\n", "\n## At the doors\n", "\n## Diagnosis\n", "\n## Mitigation\n"} {
			if !strings.Contains(string(text), heading) {
				t.Errorf("%s has no %q", page, strings.TrimSpace(heading))
			}
		}
	}
	if slices.Sort(alerts); !slices.Equal(alerts, runbooks) {
		t.Errorf("alerts %v, runbooks %v", alerts, runbooks)
	}
	for _, name := range runbooks {
		if !strings.Contains(index, fmt.Sprintf("[%s](%[1]s.md)", name)) {
			t.Errorf("README.md does not list %s", name)
		}
	}
}

func TestEveryAlertIsFiredByASpec(t *testing.T) {
	specs, err := os.ReadFile(filepath.Join(root, "internal", "e2e", "alerts_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	fired := map[string]bool{}
	for _, call := range regexp.MustCompile(`r\.fires\(t, ([^)]*)\)`).FindAllStringSubmatch(string(specs), -1) {
		for _, name := range strings.Split(call[1], ", ") {
			fired[strings.Trim(name, `"`)] = true
		}
	}
	for _, rule := range rules(t) {
		if rule.Alert != "" && !fired[rule.Alert] {
			t.Errorf("no spec fires %s", rule.Alert)
		}
	}
}

func TestWhatTheRulesAndRunbooksAskForIsOnTheMetricsPage(t *testing.T) {
	page := recorded(t)
	var records []string
	for _, rule := range rules(t) {
		if rule.Record != "" {
			records = append(records, rule.Record)
		}
	}
	for _, rule := range rules(t) {
		for _, problem := range page.Problems(rule.Expr, records...) {
			t.Errorf("%s%s: %s", rule.Record, rule.Alert, problem)
		}
	}
	pages, err := filepath.Glob(filepath.Join(root, "docs", "runbooks", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```promql\n(.*?)```")
	for _, path := range pages {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range blocks.FindAllStringSubmatch(string(text), -1) {
			for _, expression := range strings.Split(strings.TrimSpace(block[1]), "\n") {
				for _, problem := range page.Problems(expression, records...) {
					t.Errorf("%s: %s: %s", filepath.Base(path), expression, problem)
				}
			}
		}
	}
}

// recorded is the page of a real run.
func recorded(t *testing.T) Page {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "hack", "monitoring", "testdata", "metrics.txt"))
	if err != nil {
		t.Fatal(err)
	}
	page, err := ReadPage(string(text))
	if err != nil {
		t.Fatal(err)
	}
	return page
}

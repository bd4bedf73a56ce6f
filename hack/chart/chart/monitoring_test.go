package chart

import (
	"os"
	"strings"
	"testing"

	"helm.sh/helm/v4/pkg/chart/common"
	"sigs.k8s.io/yaml"
)

func readFile(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// TestGeneratedFilesOfMonitoring: rules and dashboards come through as they are, templates of theirs included.
func TestGeneratedFilesOfMonitoring(t *testing.T) {
	const rules = "groups: [{name: doors, rules: [{alert: Late, expr: up == 0, annotations: {summary: '{{ $labels.namespace }}'}}]}]"
	const dashboard = "{\n  \"title\": \"Doors {{namespace}}\"\n}\n"
	c := load(t)
	c.Files = append(c.Files,
		&common.File{Name: "files/prometheus/more.yaml", Data: []byte(rules)},
		&common.File{Name: "files/dashboards/more.json", Data: []byte(dashboard)})
	list := objects(t, c, everything)
	data, _ := find(t, list, "ConfigMap/kisi-operator-dashboards").Object["data"].(map[string]any)
	if got := data["more.json"]; got != dashboard {
		t.Errorf("the dashboard is %q", got)
	}
	rule, err := yaml.Marshal(find(t, list, "PrometheusRule/kisi-operator").Object["spec"])
	if err != nil || !strings.Contains(string(rule), "{{ $labels.namespace }}") {
		t.Errorf("the template of an alert is gone (%v):\n%s", err, rule)
	}
}

func TestMonitoringValues(t *testing.T) {
	c := load(t)
	c.Files = append(c.Files,
		&common.File{Name: "files/prometheus/more.yaml", Data: []byte("groups: [{name: doors, rules: []}]")},
		&common.File{Name: "files/dashboards/more.json", Data: []byte("{}")})
	for _, row := range []struct{ values, object, has string }{
		{"metrics: {prometheusRule: {enabled: true, namespace: monitoring, labels: {a: b}, annotations: {c: d}}}", "PrometheusRule/kisi-operator", "namespace: monitoring"},
		{"metrics: {dashboards: {enabled: true, namespace: grafana, labels: {a: b}, annotations: {c: d}}}", "ConfigMap/kisi-operator-dashboards", "namespace: grafana"},
		{"metrics: {dashboards: {enabled: true}}", "ConfigMap/kisi-operator-dashboards", `grafana_dashboard: "1"`},
		{"metrics: {serviceMonitor: {enabled: true, annotations: {c: d}}}", "ServiceMonitor/kisi-operator", "c: d"},
		{"metrics: {serviceMonitor: {enabled: true, scrapeTimeout: 5s}}", "ServiceMonitor/kisi-operator", "scrapeTimeout: 5s"},
		{"metrics: {serviceMonitor: {enabled: true, relabelings: [{action: labeldrop, regex: pod}]}}", "ServiceMonitor/kisi-operator", "regex: pod"},
		{"metrics: {serviceMonitor: {enabled: true, metricRelabelings: [{action: drop, regex: go_.*}]}}", "ServiceMonitor/kisi-operator", "regex: go_.*"},
	} {
		object := find(t, objects(t, c, row.values), row.object)
		if object == nil {
			t.Errorf("%s: there is no %s", row.values, row.object)
			continue
		}
		if text, err := yaml.Marshal(object.Object); err != nil || !strings.Contains(string(text), row.has) {
			t.Errorf("%s: no %q (%v) in\n%s", row.values, row.has, err, text)
		}
	}
	plain := objects(t, load(t), "metrics: {serviceMonitor: {enabled: false}, prometheusRule: {enabled: false}, dashboards: {enabled: false}}")
	for _, name := range []string{"ServiceMonitor/kisi-operator", "PrometheusRule/kisi-operator", "ConfigMap/kisi-operator-dashboards"} {
		if find(t, plain, name) != nil {
			t.Errorf("%s is there although it is switched off", name)
		}
	}
}

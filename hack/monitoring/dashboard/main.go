// Command dashboard prints config/grafana/kisi-operator.json.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/stat"
	"github.com/grafana/grafana-foundation-sdk/go/table"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
)

// query is a PromQL expression and what its lines are called.
type query struct{ expression, legend string }

// of is what every query of a connection's metrics selects; the variables are at the top of the dashboard.
const of = `namespace=~"$namespace",connection=~"$connection"`

var source = common.DataSourceRef{Type: cog.ToPtr("prometheus"), Uid: cog.ToPtr("${datasource}")}

func main() {
	built, err := build()
	if err == nil {
		err = write(built)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func write(built dashboard.Dashboard) error { //nolint:staticcheck // the newer form is not one that every Grafana reads
	text, err := json.MarshalIndent(built, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Println(string(text))
	return err
}

func build() (dashboard.Dashboard, error) { //nolint:staticcheck // see write
	d := dashboard.NewDashboardBuilder("Kisi operator") //nolint:staticcheck // see write
	d.Uid("kisi-operator").Tags([]string{"kisi", "kubernetes"}).Description("Doors first: who waits, and why.").
		Readonly().Refresh("30s").Time("now-6h", "now").Tooltip(dashboard.DashboardCursorSyncCrosshair).
		WithVariable(dashboard.NewDatasourceVariableBuilder("datasource").Label("Data source").Type("prometheus")).
		WithVariable(variable("namespace", "Namespace", `label_values(kisi_operator_connection_condition, namespace)`)).
		WithVariable(variable("connection", "Connection", `label_values(kisi_operator_connection_condition{namespace=~"$namespace"}, connection)`))
	for _, row := range rows() {
		d.WithRow(dashboard.NewRowBuilder(row.title))
		for _, panel := range row.panels {
			d.WithPanel(panel)
		}
	}
	built, err := d.Build()
	for i, panel := range built.Panels { // links to a panel name its id
		if id := uint32(i + 1); panel.Panel != nil { // #nosec G115 -- a dashboard has few
			panel.Panel.Id = &id
		} else {
			panel.RowPanel.Id = id
		}
	}
	return built, err
}

func variable(name, label, values string) *dashboard.QueryVariableBuilder {
	return dashboard.NewQueryVariableBuilder(name).Label(label).Datasource(source).Query(dashboard.StringOrMap{String: cog.ToPtr(values)}).
		Refresh(dashboard.VariableRefreshOnTimeRangeChanged).Sort(dashboard.VariableSortAlphabeticalAsc).Multi(true).IncludeAll(true).AllValue(".*")
}

// row is a heading and the panels below it.
type row struct {
	title  string
	panels []cog.Builder[dashboard.Panel]
}

func rows() []row {
	return []row{
		{"Doors", []cog.Builder[dashboard.Panel]{
			number("Late windows", "People who stand at a closed door. Must be zero.", query{`sum(kisi_operator_late_windows{` + of + `})`, ""}),
			number("Revocations held", "They wait for an approval.", query{`sum(kisi_operator_held_revocations{` + of + `})`, ""}),
			number("Being taken back", "People who still get in.", query{`sum(kisi_operator_grants{` + of + `,state="Revoking"})`, ""}),
			number("Kisi down", "Connections whose requests wait because Kisi does not answer.", query{`sum(kisi_operator_breaker_open{` + of + `})`, ""}),
			lines("Door latency", "From the wish, or the opening of the window, to Kisi.", "s",
				quantile(0.5, "kisi_operator_door_latency_seconds", `,window="Open"`, ""), quantile(0.9, "kisi_operator_door_latency_seconds", `,window="Open"`, ""),
				quantile(0.99, "kisi_operator_door_latency_seconds", `,window="Open"`, "")),
			lines("New access", "How often somebody was let in where nothing did before, and how often ahead of the window's opening.", "cpm",
				query{`60 * sum by (window) (rate(kisi_operator_door_latency_seconds_count{` + of + `}[$__rate_interval]))`, "{{window}}"}),
			stacked("Grants by state", "What the ledgers say.", "short", query{`sum by (state) (kisi_operator_grants{` + of + `}) > 0`, "{{state}}"}),
			lines("Late windows by connection", "", "short", query{`sum by (namespace, connection) (kisi_operator_late_windows{` + of + `})`, "{{namespace}}/{{connection}}"}),
		}},
		{"Kisi", []cog.Builder[dashboard.Panel]{
			list("Connections", "Ready, and why.", query{`kisi_operator_connection_condition{` + of + `,type="Ready"}`, ""}),
			stacked("Requests by code", "429: the rate is too high. none: no answer.", "reqps", query{`sum by (code) (rate(kisi_operator_requests_total{` + of + `}[$__rate_interval]))`, "{{code}}"}),
			stacked("Requests by priority", "", "reqps", query{`sum by (priority) (rate(kisi_operator_requests_total{` + of + `}[$__rate_interval]))`, "{{priority}}"}),
			lines("Requests and what is allowed", "Connections whose keys have one owner share what is allowed.", "reqps",
				query{`sum by (namespace, connection) (rate(kisi_operator_requests_total{` + of + `}[$__rate_interval]))`, "{{namespace}}/{{connection}}"},
				query{`kisi_operator_allowed_requests_per_second{` + of + `}`, "{{namespace}}/{{connection}} allowed"}),
			stacked("Requests by route", "", "reqps", query{`topk(10, sum by (method, route) (rate(kisi_operator_requests_total{` + of + `}[$__rate_interval])))`, "{{method}} {{route}}"}),
			lines("Kisi's answers", "How long they take.", "s", quantile(0.5, "kisi_operator_request_duration_seconds", "", ""), quantile(0.99, "kisi_operator_request_duration_seconds", "", "")),
			lines("Calls that Kisi is going to retire", "", "short", query{`sum by (method, route) (kisi_operator_deprecated_requests_total{` + of + `})`, "{{method}} {{route}}"}),
		}},
		{"Queue", []cog.Builder[dashboard.Panel]{
			stacked("Requests that wait", "", "short", query{`sum by (priority) (kisi_operator_queue_depth{` + of + `})`, "{{priority}}"}),
			lines("How long they wait", "", "s", quantile(0.99, "kisi_operator_queue_wait_seconds", "", "priority")),
		}},
		{"What is known", []cog.Builder[dashboard.Panel]{
			lines("Age of the last complete read", "Should stay below twice the interval.", "s",
				query{`time() - kisi_operator_last_complete_read_timestamp_seconds{` + of + `}`, "{{namespace}}/{{connection}}"},
				query{`kisi_operator_resync_interval_seconds{` + of + `}`, "{{namespace}}/{{connection}} interval"}),
			bars("Drift", "What others changed in Kisi.", query{`sum by (kind) (increase(kisi_operator_drift_findings_total{` + of + `}[$__rate_interval]))`, "{{kind}}"}),
			bars("Webhook calls", "", query{`sum by (result) (increase(kisi_operator_webhook_calls_total{` + of + `}[$__rate_interval]))`, "{{result}}"}),
			bars("Polls for changes", "", query{`sum by (result) (increase(kisi_operator_change_polls_total[$__rate_interval]))`, "{{result}}"}),
			bars("Conditions that change", "Ready, by kind and reason.", query{`sum by (kind, status, reason) (increase(kisi_operator_condition_transitions_total{type="Ready"}[$__rate_interval]))`, "{{kind}} {{status}} {{reason}}"}),
		}},
		{"Operator", []cog.Builder[dashboard.Panel]{
			list("Versions", "", query{`sum by (version) (kisi_operator_build_info)`, ""}),
			lines("Objects that wait to be looked at", "", "short", query{`sum by (controller) (workqueue_depth{controller=~"kisiconnection|kisigroup|member|bookinggrant|accesssubscription|placemapping|accessplan|imports"})`, "{{controller}}"}),
			bars("Reconciles that fail", "", query{`sum by (controller) (increase(controller_runtime_reconcile_errors_total[$__rate_interval]))`, "{{controller}}"}),
			lines("Memory", "", "bytes", query{`process_resident_memory_bytes{job=~".*kisi-operator.*"}`, "{{pod}}"}),
			lines("CPU", "Cores.", "short", query{`rate(process_cpu_seconds_total{job=~".*kisi-operator.*"}[$__rate_interval])`, "{{pod}}"}),
			number("Audit entries lost", "", query{`sum(kisi_operator_audit_entries_lost_total)`, ""}),
		}},
	}
}

// quantile is one of a histogram, together or by a label.
func quantile(q float64, histogram, matching, by string) query {
	labels, legend := "le", fmt.Sprintf("p%v", q*100)
	if by != "" {
		labels, legend = "le, "+by, legend+" {{"+by+"}}"
	}
	return query{fmt.Sprintf(`histogram_quantile(%v, sum by (%s) (rate(%s_bucket{%s%s}[$__rate_interval])))`, q, labels, histogram, of, matching), legend}
}

func target(q query) *prometheus.DataqueryBuilder {
	return prometheus.NewDataqueryBuilder().Datasource(source).Expr(q.expression).LegendFormat(q.legend)
}

func lines(title, description, unit string, queries ...query) *timeseries.PanelBuilder {
	panel := timeseries.NewPanelBuilder().Title(title).Description(description).Datasource(source).Unit(unit).Min(0).Span(8).Height(8)
	for _, q := range queries {
		panel = panel.WithTarget(target(q).Range())
	}
	return panel
}

func stacked(title, description, unit string, q query) *timeseries.PanelBuilder {
	return lines(title, description, unit, q).FillOpacity(30).
		Stacking(common.NewStackingConfigBuilder().Mode(common.StackingModeNormal))
}

func bars(title, description string, q query) *timeseries.PanelBuilder {
	return stacked(title, description, "short", q).DrawStyle(common.GraphDrawStyleBars)
}

// number is red unless it is zero.
func number(title, description string, q query) *stat.PanelBuilder {
	return stat.NewPanelBuilder().Title(title).Description(description).Datasource(source).Span(6).Height(4).NoValue("0").
		Thresholds(dashboard.NewThresholdsConfigBuilder().Mode(dashboard.ThresholdsModeAbsolute).Steps([]dashboard.Threshold{
			{Color: "green"}, {Value: cog.ToPtr(1.0), Color: "red"},
		})).
		WithTarget(target(q).Instant())
}

func list(title, description string, q query) *table.PanelBuilder {
	return table.NewPanelBuilder().Title(title).Description(description).Datasource(source).Span(8).Height(8).
		WithTarget(target(q).Instant().Format(prometheus.PromQueryFormatTable))
}

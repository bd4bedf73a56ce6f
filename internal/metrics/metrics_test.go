package metrics

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	ctrlmetrics "sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/feed"
	"github.com/kisi-operator/kisi-operator/internal/kisi"
	"github.com/kisi-operator/kisi-operator/internal/plan"
	"github.com/kisi-operator/kisi-operator/internal/session"
	"github.com/kisi-operator/kisi-operator/internal/webhook"
)

var gym = types.NamespacedName{Namespace: "metrics-test", Name: "gym"}

// everything has every metric show something of the connection.
func everything(t *testing.T) {
	t.Helper()
	Request(gym, kisi.RequestStats{Method: "GET", Route: "/users/{id}", Status: 200})
	Request(gym, kisi.RequestStats{Method: "GET", Route: "/users", Status: 429, Deprecated: true})
	Request(gym, kisi.RequestStats{Method: "POST", Route: "/users"})
	Turn(gym, kisi.Urgent, time.Second)
	DoorLatency(gym, Open, time.Second)
	Finding(gym, plan.AssignmentRemoved)
	WebhookCall(gym, webhook.Accepted)
	Poll(feed.Followed)
	Transition("Member", "Ready", "True", "Granted")
	AuditEntriesLost(1)
	Build("v1")
	connection := v1alpha1.KisiConnection{ObjectMeta: metav1.ObjectMeta{Namespace: gym.Namespace, Name: gym.Name}}
	connection.Spec.ResyncInterval = &metav1.Duration{Duration: time.Hour}
	connection.Status.Conditions = []metav1.Condition{{Type: "Ready", Status: metav1.ConditionTrue, Reason: "Connected"}}
	t.Cleanup(Show(&Operator{
		Connections: func() []v1alpha1.KisiConnection { return []v1alpha1.KisiConnection{connection} },
		States: func() []session.State {
			return []session.State{
				{Name: gym, ReadAt: time.Now(), Down: true, Waiting: map[kisi.Priority]int{kisi.Urgent: 2}},
				{Name: types.NamespacedName{Namespace: "metrics-test", Name: "gone"}, ReadAt: time.Now()},
			}
		},
		Grants: func(types.NamespacedName) map[v1alpha1.GrantState]int32 {
			return map[v1alpha1.GrantState]int32{v1alpha1.GrantHeld: 3}
		},
		Late: &Late{},
	}))
}

// ours gathers the metrics of this package.
func ours(t *testing.T) map[string]*dto.MetricFamily {
	t.Helper()
	families, err := ctrlmetrics.Registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]*dto.MetricFamily{}
	for _, family := range families {
		if strings.HasPrefix(family.GetName(), "kisi_operator_") {
			found[family.GetName()] = family
		}
	}
	return found
}

// seriesOf lists the series of a connection, as name{label="value",…}.
func seriesOf(t *testing.T, connection types.NamespacedName) (series []string) {
	t.Helper()
	for name, family := range ours(t) {
		for _, metric := range family.GetMetric() {
			labels := map[string]string{}
			text := name + "{"
			for _, label := range metric.GetLabel() {
				labels[label.GetName()] = label.GetValue()
				text += label.GetName() + "=" + label.GetValue() + ","
			}
			if labels["namespace"] == connection.Namespace && labels["connection"] == connection.Name {
				series = append(series, text+"}")
			}
		}
	}
	return series
}

func TestEveryMetricIsDescribedAndAsPrometheusWantsIt(t *testing.T) {
	everything(t)
	shown := ours(t)
	var families []*dto.MetricFamily
	for _, d := range Descriptions() {
		family := shown[d.Name]
		if family == nil {
			t.Errorf("%s is described and not shown", d.Name)
			continue
		}
		families = append(families, family)
		if got := strings.ToLower(family.GetType().String()); got != d.Type {
			t.Errorf("%s is a %s, and described as a %s", d.Name, got, d.Type)
		}
		for _, metric := range family.GetMetric() {
			if labels, want := labelsOf(metric), slices.Sorted(slices.Values(d.Labels)); !slices.Equal(labels, want) {
				t.Errorf("%s has labels %v, and is described with %v", d.Name, labels, want)
			}
		}
		delete(shown, d.Name)
	}
	for name := range shown {
		t.Errorf("%s is shown and not described", name)
	}
	problems, err := promlint.NewWithMetricFamilies(families).Lint()
	if err != nil || len(problems) > 0 {
		t.Errorf("promlint: %v %v", problems, err)
	}
}

func TestTheSeriesOfAConnectionGoWithIt(t *testing.T) {
	everything(t)
	for _, d := range Descriptions() {
		has := slices.ContainsFunc(seriesOf(t, gym), func(series string) bool { return strings.HasPrefix(series, d.Name+"{") })
		if wants := slices.Contains(d.Labels, "connection"); has != wants {
			t.Errorf("%s: shown for the connection %t, want %t", d.Name, has, wants)
		}
	}
	if left := seriesOf(t, types.NamespacedName{Namespace: gym.Namespace, Name: "gone"}); len(left) > 0 {
		t.Errorf("of a connection that is gone, and whose session is not yet: %v", left)
	}
	live.operators.Clear()
	Forget(gym)
	DoorLatency(gym, Open, time.Second) // what was under way when it went
	Finding(gym, plan.WindowChanged)
	WebhookCall(gym, webhook.BadRequest)
	if left := seriesOf(t, gym); len(left) > 0 {
		t.Errorf("of a connection that is gone: %v", left)
	}
}

func TestHistogramsAreClassicAndNative(t *testing.T) {
	everything(t)
	for _, d := range Descriptions() {
		if d.Type != "histogram" {
			continue
		}
		for _, metric := range ours(t)[d.Name].GetMetric() {
			h := metric.GetHistogram()
			if seen := h.GetSampleCount() > 0; seen && (len(h.GetBucket()) == 0 || len(h.GetPositiveSpan())+int(h.GetZeroCount()) == 0) {
				t.Errorf("%s has %d classic buckets and %v native ones", d.Name, len(h.GetBucket()), h.GetPositiveSpan())
			}
		}
	}
}

func TestNoLabelIsOfAPerson(t *testing.T) {
	forObjects := []string{
		"namespace", "connection", "window", "method", "route", "code", "priority", "kind", "result", "type", "status", "reason", "version", "state",
	}
	for _, d := range Descriptions() {
		for _, label := range d.Labels {
			if !slices.Contains(forObjects, label) || !model.UTF8Validation.IsValidLabelName(label) {
				t.Errorf("%s has label %s", d.Name, label)
			}
		}
	}
}

var _ prometheus.Collector = live

// The rules and the dashboard are held against this page. It is stale when a metric comes, goes or changes its labels.
func TestTheRecordedPageHasEveryMetric(t *testing.T) {
	page, err := os.Open("../../hack/monitoring/testdata/metrics.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = page.Close() }()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	recorded, err := parser.TextToMetricFamilies(page)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range Descriptions() {
		if recorded[d.Name] == nil || len(recorded[d.Name].GetMetric()) == 0 {
			t.Errorf("%s is not on the recorded page: run `make recordings`", d.Name)
			continue
		}
		if labels, want := labelsOf(recorded[d.Name].GetMetric()[0]), slices.Sorted(slices.Values(d.Labels)); !slices.Equal(labels, want) {
			t.Errorf("%s has labels %v on the recorded page, want %v: run `make recordings`", d.Name, labels, want)
		}
		delete(recorded, d.Name)
	}
	for name := range recorded {
		if strings.HasPrefix(name, "kisi_operator_") {
			t.Errorf("%s is on the recorded page and not described: run `make recordings`", name)
		}
	}
}

// labelsOf are the names of the labels of a series, sorted.
func labelsOf(metric *dto.Metric) (labels []string) {
	for _, label := range metric.GetLabel() {
		labels = append(labels, label.GetName())
	}
	slices.Sort(labels)
	return labels
}

// Package kubestate tests config/kube-state-metrics with kube-state-metrics' own code, on objects of a real run.
package kubestate

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	goyaml "go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/kube-state-metrics/v2/pkg/customresourcestate"
)

var root = filepath.Join("..", "..")

// shown is the page that kube-state-metrics would have for objects of all kinds.
func shown(t *testing.T, objects []*unstructured.Unstructured) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "config", "kube-state-metrics", "custom-resource-state.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	decoder := goyaml.NewDecoder(bytes.NewReader(text))
	var config customresourcestate.Metrics
	if err := decoder.Decode(&config); err != nil {
		t.Fatal(err)
	}
	page := ""
	for _, resource := range config.Spec.Resources {
		factory, err := customresourcestate.NewCustomResourceMetrics(resource)
		if err != nil {
			t.Fatal(err)
		}
		for _, family := range factory.MetricFamilyGenerators() {
			for _, object := range objects {
				if object.GetKind() == resource.GroupVersionKind.Kind {
					page += string(family.Generate(object).ByteSlice())
				}
			}
		}
	}
	return page
}

// recorded are the objects of a real run.
func recorded(t *testing.T) (objects []*unstructured.Unstructured) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "hack", "monitoring", "testdata", "objects.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(text), 4096)
	for {
		object := &unstructured.Unstructured{}
		if err := decoder.Decode(object); errors.Is(err, io.EOF) {
			return objects
		} else if err != nil {
			t.Fatal(err)
		}
		objects = append(objects, object)
	}
}

func TestTheStatusOfEveryObjectIsShown(t *testing.T) {
	objects := recorded(t)
	page := shown(t, objects)
	snake := regexp.MustCompile(`[A-Z]`)
	kinds := map[string]bool{}
	for _, object := range objects {
		kinds[object.GetKind()] = true
		prefix := "kisi" + snake.ReplaceAllStringFunc(strings.TrimPrefix(object.GetKind(), "Kisi"), func(c string) string { return "_" + strings.ToLower(c) })
		of := `{customresource_group="access.kisi-operator.dev",customresource_kind="` + object.GetKind() + `",customresource_version="v1alpha1",name="` + object.GetName() + `",namespace="gym"`
		conditions, _, err := unstructured.NestedSlice(object.Object, "status", "conditions")
		if err != nil || len(conditions) == 0 {
			t.Errorf("%s %s has no conditions: %v", object.GetKind(), object.GetName(), err)
		}
		for _, c := range conditions {
			condition := c.(map[string]any)
			value := map[any]string{"True": "1", "False": "0"}[condition["status"]]
			if line := prefix + "_condition" + of + `,reason="` + condition["reason"].(string) + `",type="` + condition["type"].(string) + `"} ` + value + "\n"; !strings.Contains(page, line) {
				t.Errorf("there is no line\n%s", line)
			}
		}
	}
	if len(kinds) != 7 {
		t.Errorf("objects of the kinds %v only", kinds)
	}
	for _, line := range []string{
		`kisi_connection_held_revocations{`, `kisi_group_granted{`, `kisi_booking_grant_state{`, `kisi_access_subscription_state{`, `kisi_member_state{`,
		`kisi_booking_grant_people_granted{`, `kisi_access_subscription_people{`, `kisi_connection_info{`, `kisi_connection_last_sync_time_seconds{`,
	} {
		if !strings.Contains("\n"+page, "\n"+line) {
			t.Errorf("there is no line %s…", line)
		}
	}
	if strings.Contains(page, "@") {
		t.Error("there is an address on the page")
	}
	if t.Failed() {
		t.Log(page)
	}
}

func TestThePageIsOneThatPrometheusReads(t *testing.T) {
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(shown(t, recorded(t))))
	if err != nil {
		t.Fatal(err)
	}
	for name := range families {
		if !strings.HasPrefix(name, "kisi_") || strings.Contains(name, "kisi_kisi") {
			t.Errorf("a metric is called %s", name)
		}
	}
	if len(families) < 30 || families["kisi_connection_grants"] == nil {
		t.Errorf("%d metrics only", len(families))
	}
}

// An object that was just made has a status of nothing but observedGeneration.
func TestAnObjectWithoutAStatusIsNoError(t *testing.T) {
	objects := recorded(t)
	for _, object := range objects {
		object.Object["status"] = map[string]any{"observedGeneration": int64(-1)}
	}
	if page := shown(t, objects); strings.Contains(page, "_condition{") || !strings.Contains(page, "_observed_generation{") {
		t.Errorf("shown:\n%s", page)
	}
}

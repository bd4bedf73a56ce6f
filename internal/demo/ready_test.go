package demo

import (
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
)

func TestReadyCountsOnlyForTheObjectAsItIs(t *testing.T) {
	object := func(generation, observed int64, status string) *unstructured.Unstructured {
		return &unstructured.Unstructured{Object: map[string]any{
			"kind":     "Member",
			"metadata": map[string]any{"name": "ada", "generation": generation},
			"status": map[string]any{"conditions": []any{
				map[string]any{"type": "Synced", "status": "True", "observedGeneration": generation, "reason": "Other"},
				map[string]any{"type": "Ready", "status": status, "observedGeneration": observed, "reason": "Granted", "message": "fine"},
			}},
		}}
	}
	unseen := &unstructured.Unstructured{Object: map[string]any{"kind": "Member", "metadata": map[string]any{"name": "ada"}}}
	for name, c := range map[string]struct {
		object *unstructured.Unstructured
		want   state
	}{
		"ready":     {object(2, 2, "True"), state{"Member/ada", true, "Granted", "fine"}},
		"not ready": {object(2, 2, "False"), state{"Member/ada", false, "Granted", "fine"}},
		"outdated":  {object(2, 1, "True"), state{object: "Member/ada", reason: "not seen by the operator yet"}},
		"unseen":    {unseen, state{object: "Member/ada", reason: "not seen by the operator yet"}},
	} {
		got, err := stateOf(c.object)
		if err != nil || got != c.want {
			t.Errorf("%s: got %+v (%v), want %+v", name, got, err, c.want)
		}
	}
}

func TestReportWaitsForAllAndForTheNamed(t *testing.T) {
	var lines []string
	r := newReadiness(nil, nil, func(line string) { lines = append(lines, line) })
	ready, notYet := state{object: "Member/ada", ready: true, reason: "Granted"}, state{object: "KisiGroup/hall"}
	for _, c := range []struct {
		states []state
		named  []string
		want   bool
	}{
		{[]state{ready, notYet}, nil, false},
		{[]state{ready}, []string{"BookingGrant/b"}, false},
		{[]state{ready}, []string{"Member/ada"}, true},
		{[]state{ready}, nil, true},
	} {
		if got := r.report(c.states, c.named); got != c.want {
			t.Errorf("%v %v: got %t", c.states, c.named, got)
		}
	}
	if len(lines) != 1 {
		t.Errorf("told %d times that Ada is Ready: %q", len(lines), lines)
	}
}

func TestListKindsAreTheSevenKinds(t *testing.T) {
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	if kinds := listKinds(scheme); len(kinds) != 7 {
		t.Errorf("got %v", kinds)
	}
}

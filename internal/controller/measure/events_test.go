package measure

import (
	"maps"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	toolscache "k8s.io/client-go/tools/cache"
	ctrlmetrics "sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
)

func member(states ...v1alpha1.GrantState) *v1alpha1.Member {
	m := &v1alpha1.Member{ObjectMeta: metav1.ObjectMeta{Namespace: "gym", Name: "ana"}}
	for _, state := range states {
		m.Status.Grants = append(m.Status.Grants, v1alpha1.MemberGrant{Connection: "hq", State: state})
	}
	return m
}

func TestGrantsAreCountedByTheEventsOfMembers(t *testing.T) {
	t.Parallel()
	e := &Events{}
	hq := types.NamespacedName{Namespace: "gym", Name: "hq"}
	expect := func(want map[v1alpha1.GrantState]int32) {
		t.Helper()
		if got := e.Grants(hq); !maps.Equal(got, want) {
			t.Errorf("%v, want %v", got, want)
		}
	}
	first := member(v1alpha1.GrantActive, v1alpha1.GrantActive, v1alpha1.GrantPending)
	e.changed("Member", nil, first)
	expect(map[v1alpha1.GrantState]int32{v1alpha1.GrantActive: 2, v1alpha1.GrantPending: 1})
	second := member(v1alpha1.GrantActive, v1alpha1.GrantHeld)
	second.Status.Grants[0].Connection = "annex"
	e.changed("Member", first, second)
	expect(map[v1alpha1.GrantState]int32{v1alpha1.GrantHeld: 1})
	e.changed("Member", lastKnown(toolscache.DeletedFinalStateUnknown{Obj: second}), nil)
	expect(nil)
}

func TestConditionsThatChangeAreCounted(t *testing.T) {
	t.Parallel()
	group := func(reason string) *v1alpha1.KisiGroup {
		g := &v1alpha1.KisiGroup{}
		g.Status.Conditions = []metav1.Condition{
			{Type: "Ready", Status: metav1.ConditionFalse, Reason: reason}, {Type: "Stalled", Status: metav1.ConditionTrue, Reason: "TestStays"},
		}
		return g
	}
	e := &Events{}
	e.changed("KisiGroup", nil, group("TestBefore"))
	e.changed("KisiGroup", group("TestBefore"), group("TestAfter"))
	e.changed("KisiGroup", group("TestAfter"), group("TestAfter"))
	e.changed("KisiGroup", group("TestAfter"), nil)
	families, err := ctrlmetrics.Registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	counted := map[string]float64{}
	for _, family := range families {
		if family.GetName() == "kisi_operator_condition_transitions_total" {
			for _, metric := range family.GetMetric() {
				text := ""
				for _, label := range metric.GetLabel() {
					text += label.GetValue() + " "
				}
				counted[text] = metric.GetCounter().GetValue()
			}
		}
	}
	if want := map[string]float64{"KisiGroup TestAfter False Ready ": 1}; !maps.Equal(counted, want) {
		t.Errorf("%v, want %v", counted, want)
	}
}

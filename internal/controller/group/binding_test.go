package group

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/kisi"
	"github.com/kisi-operator/kisi-operator/internal/plan"
	"github.com/kisi-operator/kisi-operator/internal/tenant"
)

// boundGroup is a KisiGroup of an existing group that was bound at its generation 2, with a condition Ready.
func boundGroup(status metav1.ConditionStatus, reason string, observed int64) *v1alpha1.KisiGroup {
	group := &v1alpha1.KisiGroup{}
	group.Name, group.Generation = "members", 2
	group.Spec.Existing = &v1alpha1.ExistingGroup{Name: "Members"}
	group.Status.KisiGroupID, group.Status.OrganizationID = 45274, 3289
	group.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionReady, Status: status, Reason: reason, ObservedGeneration: observed}}
	return group
}

func TestALookThatFailsIsNoNewsAboutABoundGroup(t *testing.T) {
	down := &kisi.Error{Status: http.StatusServiceUnavailable}
	refused := &kisi.Error{Status: http.StatusForbidden}
	for _, test := range []struct {
		shows string
		group *v1alpha1.KisiGroup
		err   error
		says  string // reason; empty: what is recorded stands
	}{
		{"one that is bound", boundGroup(metav1.ConditionTrue, v1alpha1.ReasonBound, 2), down, ""},
		{"one that is bound, by its key's owner", boundGroup(metav1.ConditionTrue, v1alpha1.ReasonBound, 2), refused, v1alpha1.ReasonInsufficientRole},
		{"an answer that makes no sense", boundGroup(metav1.ConditionTrue, v1alpha1.ReasonBound, 2), errors.New("garbage"), ""},
		{"one with a door that is missing", boundGroup(metav1.ConditionFalse, v1alpha1.ReasonDoorNotFound, 2), down, ""},
		{"one whose connection was away", boundGroup(metav1.ConditionFalse, v1alpha1.ReasonConnectionNotReady, 2), down, v1alpha1.ReasonConnecting},
		{"one that is frozen", boundGroup(metav1.ConditionFalse, v1alpha1.ReasonGroupNotFound, 2), down, ""},
		{"one that is frozen, by its key's owner", boundGroup(metav1.ConditionFalse, v1alpha1.ReasonGroupNotExclusive, 2), refused, ""},
	} {
		says := ""
		if v := unreadableGroup(test.group, test.err); v != nil {
			says = v.Reason
		}
		if says != test.says {
			t.Errorf("%s: %q, want %q", test.shows, says, test.says)
		}
	}
	unbound := &v1alpha1.KisiGroup{}
	if v := unreadableGroup(unbound, down); v == nil || v.Reason != v1alpha1.ReasonConnecting {
		t.Errorf("one that is not bound: %+v", v)
	}
}

func TestAContradictionOutlastsItsConnection(t *testing.T) {
	for _, test := range []struct {
		shows string
		group *v1alpha1.KisiGroup
		still bool
	}{
		{"a contradiction", boundGroup(metav1.ConditionFalse, v1alpha1.ReasonGroupNotExclusive, 2), true},
		{"a contradiction that an edit may have ended", boundGroup(metav1.ConditionFalse, v1alpha1.ReasonGroupNotExclusive, 1), false},
		{"no contradiction", boundGroup(metav1.ConditionFalse, v1alpha1.ReasonDoorNotFound, 2), false},
		{"nothing", boundGroup(metav1.ConditionTrue, v1alpha1.ReasonBound, 2), false},
	} {
		if got := stillFrozen(test.group); got != test.still {
			t.Errorf("%s: %t", test.shows, got)
		}
	}
}

func TestAGroupIsBoundInItsOrganizationOnly(t *testing.T) {
	connection := func(organization v1alpha1.KisiID) *v1alpha1.KisiConnection {
		c := &v1alpha1.KisiConnection{}
		if organization != 0 {
			c.Status.Organization = &v1alpha1.ConnectedOrganization{ID: organization}
		}
		return c
	}
	group := boundGroup(metav1.ConditionTrue, v1alpha1.ReasonBound, 2)
	if tenant.BoundID(group, connection(3289)) != 45274 || tenant.BoundID(group, connection(0)) != 45274 {
		t.Error("it is not bound in its own organization")
	}
	if tenant.BoundID(group, connection(4711)) != 0 || existingOf(group, connection(4711)).bound != 0 {
		t.Error("it is bound to an id of another organization")
	}
	group.Status.OrganizationID = 0 // bound by an earlier version
	if tenant.BoundID(group, connection(4711)) != 45274 {
		t.Error("one that was bound before the organization was written down is bound no more")
	}
}

func TestRebindIsCarriedOutOncePerValue(t *testing.T) {
	connection := &v1alpha1.KisiConnection{}
	group := boundGroup(metav1.ConditionTrue, v1alpha1.ReasonBound, 2)
	group.Annotations = map[string]string{v1alpha1.RebindAnnotation: "1"}
	if !rebindPending(group) || existingOf(group, connection).bound != 0 {
		t.Error("a new value does not have it looked up by name")
	}
	recordBinding(group, connection, groupFound{id: 7, rebound: "1"})
	if rebindPending(group) || existingOf(group, connection).bound != 7 {
		t.Error("a value that was carried out counts again")
	}
	group.Annotations[v1alpha1.RebindAnnotation] = strings.Repeat("x", tenant.LongestRebind+1)
	if rebindPending(group) {
		t.Error("a value that is too long counts")
	}
	group.Annotations[v1alpha1.RebindAnnotation] = strings.Repeat("x", tenant.LongestRebind)
	if !rebindPending(group) {
		t.Error("the longest value does not count")
	}
	if v := stayBound(group, plan.Verdict{Message: "not found"}); !strings.Contains(v.Message, "the Kisi group 7") {
		t.Errorf("it does not say how to stay: %s", v.Message)
	}
}

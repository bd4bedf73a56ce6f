package controller

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
)

var noon = time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)

func approved[T client.Object](object T, until string) T {
	object.SetAnnotations(map[string]string{v1alpha1.ApproveRevocationsUntilAnnotation: until})
	return object
}

func TestWhatAnApprovalApproves(t *testing.T) {
	for _, test := range []struct {
		until   string
		given   bool
		problem string // a part of it
		begins  time.Time
	}{
		{until: "2026-12-01T12:00:01Z", given: true},
		{until: "2026-12-02T12:00:00Z", given: true},
		{until: "2026-12-01T15:00:00+02:00", given: true},
		{until: "2026-12-01T12:00:00Z", problem: "in the past"},
		{until: "2026-12-01T13:59:59+02:00", problem: "in the past"},
		{until: "2026-12-02T12:00:01Z", problem: "more than 24 hours ahead", begins: noon.Add(time.Second)},
		{until: "2027-12-01T12:00:00Z", problem: "more than 24 hours ahead", begins: noon.AddDate(1, 0, -1)},
		{until: "", problem: "it is no time"},
		{until: "true", problem: "it is no time"},
		{until: "2026-12-01 13:00", problem: "it is no time"},
	} {
		t.Run(test.until, func(t *testing.T) {
			got := approvalOf(approved(&v1alpha1.Member{}, test.until), noon)
			if got.given != test.given || !got.begins.Equal(test.begins) || (got.problem == "") != (test.problem == "") || !strings.Contains(got.problem, test.problem) {
				t.Errorf("%+v", got)
			}
		})
	}
	if got := approvalOf(&v1alpha1.Member{}, noon); got != (approval{}) {
		t.Errorf("without the annotation %+v", got)
	}
}

func TestAnApprovalThatApprovesNothingIsToldWhenItIsWritten(t *testing.T) {
	const past, until = "2026-12-01T11:00:00Z", "2026-12-01T13:00:00Z"
	before := map[string]string{v1alpha1.ApproveRevocationsUntilAnnotation: past}
	for _, test := range []struct {
		shows  string
		object client.Object
		before map[string]string
		told   bool
	}{
		{"a new one in the past", approved(&v1alpha1.KisiGroup{}, past), nil, true},
		{"the same one again", approved(&v1alpha1.KisiGroup{}, past), before, false},
		{"one that is put right", approved(&v1alpha1.KisiGroup{}, until), before, false},
		{"one that is no time", approved(&v1alpha1.KisiConnection{}, "yes"), before, true},
		{"one that is taken away", &v1alpha1.Member{}, before, false},
		{"one where it has no meaning", approved(&v1alpha1.AccessPlan{}, past), nil, false},
	} {
		t.Run(test.shows, func(t *testing.T) {
			if got := approvalNews(test.object, test.before, noon); (got != nil) != test.told {
				t.Errorf("%+v", got)
			}
		})
	}
}

func TestAHoldIsDescribedAndToldOnce(t *testing.T) {
	connection := &v1alpha1.KisiConnection{}
	member := &v1alpha1.Member{}
	for _, group := range []v1alpha1.ObjectName{"members", "boardroom", "members"} {
		member.Status.Grants = append(member.Status.Grants, v1alpha1.MemberGrant{Group: group, OrganizationID: 3289, State: v1alpha1.GrantHeld})
	}
	member.Status.Grants = append(member.Status.Grants,
		v1alpha1.MemberGrant{Group: "members", OrganizationID: 3289, State: v1alpha1.GrantActive},
		v1alpha1.MemberGrant{Group: "members", OrganizationID: 1, State: v1alpha1.GrantHeld})
	describe := func(members ...*v1alpha1.Member) (before, after []metav1.Condition) {
		before = append(before, connection.Status.Conditions...)
		held := heldRows{}
		for _, m := range members {
			held.add(m, 3289)
		}
		held.describe(connection, noon)
		return before, connection.Status.Conditions
	}
	before, after := describe(member)
	if len(after) != 1 || !strings.Contains(after[0].Message, "holds 3 grant(s)") || !strings.Contains(after[0].Message, "boardroom (1), members (2)") {
		t.Fatalf("%+v", after)
	}
	if n := holdNews(connection, before, after); n == nil || n.reason != v1alpha1.ReasonRevocationsHeld {
		t.Errorf("%+v", n)
	}
	before, after = describe(member, member)
	if n := holdNews(connection, before, after); n != nil || !strings.Contains(after[0].Message, "holds 6 grant(s)") {
		t.Errorf("told again: %+v", n)
	}
	if before, after = describe(); len(after) > 0 || holdNews(connection, before, after) != nil {
		t.Errorf("released, and %+v", after)
	}
}

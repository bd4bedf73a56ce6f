package plan_test

import (
	"slices"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/plan"
)

func TestCompareTellsWhatDiffersInKisi(t *testing.T) {
	until := metav1.NewTime(time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC))
	row := func(id v1alpha1.KisiID, end *metav1.Time) v1alpha1.MemberGrant {
		return v1alpha1.MemberGrant{OrganizationID: 1, KisiGroupID: 7, RoleAssignmentID: id, ValidUntil: end}
	}
	elsewhere := row(4, nil)
	elsewhere.OrganizationID = 2
	ids := func(rows []v1alpha1.MemberGrant) (ids []v1alpha1.KisiID) {
		for _, row := range rows {
			ids = append(ids, row.RoleAssignmentID)
		}
		return ids
	}
	for name, test := range map[string]struct {
		before, after       []v1alpha1.MemberGrant
		made, gone, changed []v1alpha1.KisiID
	}{
		"nothing":                   {before: []v1alpha1.MemberGrant{row(4, nil)}, after: []v1alpha1.MemberGrant{row(4, nil)}},
		"an intent":                 {after: []v1alpha1.MemberGrant{row(0, nil)}},
		"an intent that is dropped": {before: []v1alpha1.MemberGrant{row(0, nil)}},
		"an intent carried out":     {before: []v1alpha1.MemberGrant{row(0, nil)}, after: []v1alpha1.MemberGrant{row(4, nil)}, made: []v1alpha1.KisiID{4}},
		"a revocation":              {before: []v1alpha1.MemberGrant{row(4, nil), row(5, nil)}, after: []v1alpha1.MemberGrant{row(5, nil)}, gone: []v1alpha1.KisiID{4}},
		"another window":            {before: []v1alpha1.MemberGrant{row(4, nil)}, after: []v1alpha1.MemberGrant{row(4, &until)}, changed: []v1alpha1.KisiID{4}},
		"a replacement": {
			before: []v1alpha1.MemberGrant{row(4, nil)}, after: []v1alpha1.MemberGrant{row(5, &until)}, made: []v1alpha1.KisiID{5}, gone: []v1alpha1.KisiID{4},
		},
		"the same id in two organizations": {
			before: []v1alpha1.MemberGrant{row(4, nil)}, after: []v1alpha1.MemberGrant{elsewhere}, made: []v1alpha1.KisiID{4}, gone: []v1alpha1.KisiID{4},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := plan.Compare(plan.Ledger{Grants: test.before}, plan.Ledger{Grants: test.after})
			if !slices.Equal(ids(got.Made), test.made) || !slices.Equal(ids(got.Gone), test.gone) || !slices.Equal(ids(got.Changed), test.changed) {
				t.Errorf("made %v, gone %v, changed %v", ids(got.Made), ids(got.Gone), ids(got.Changed))
			}
		})
	}
}

func TestDecidedTellsEachDecisionOnce(t *testing.T) {
	row := func(id v1alpha1.KisiID, state v1alpha1.GrantState) v1alpha1.MemberGrant {
		return v1alpha1.MemberGrant{OrganizationID: 1, KisiGroupID: 7, RoleAssignmentID: id, State: state}
	}
	before := plan.Ledger{Grants: []v1alpha1.MemberGrant{row(1, v1alpha1.GrantActive), row(2, v1alpha1.GrantHeld), row(3, v1alpha1.GrantWithheld), row(4, v1alpha1.GrantActive)}}
	after := plan.Ledger{Grants: []v1alpha1.MemberGrant{
		row(1, v1alpha1.GrantHeld), row(2, v1alpha1.GrantHeld), row(3, v1alpha1.GrantRetained), row(4, v1alpha1.GrantRevoking), row(5, v1alpha1.GrantWithheld),
	}}
	var ids []v1alpha1.KisiID
	for _, row := range plan.Decided(before, after) {
		ids = append(ids, row.RoleAssignmentID)
	}
	if !slices.Equal(ids, []v1alpha1.KisiID{1, 3, 5}) {
		t.Errorf("decided %v", ids)
	}
}

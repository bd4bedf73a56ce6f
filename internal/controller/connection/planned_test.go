package connection

import (
	"testing"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
)

func TestCountsOfAConnectionIncludeWhatItsModeHoldsBack(t *testing.T) {
	operation := func(action v1alpha1.PlannedAction, group v1alpha1.ObjectName) v1alpha1.PlannedOperation {
		return v1alpha1.PlannedOperation{Action: action, Group: group}
	}
	twenty := make([]v1alpha1.PlannedOperation, 20)
	for i := range twenty {
		twenty[i] = operation(v1alpha1.PlannedGrant, "here")
	}
	held := v1alpha1.MemberGrant{Group: "here", State: v1alpha1.GrantHeld, RoleAssignmentID: 9001}
	for _, test := range []struct {
		shows               string
		mode                v1alpha1.Mode
		planned             []v1alpha1.PlannedOperation
		beyond              int32
		rows                []v1alpha1.MemberGrant
		grants, revocations int32
	}{
		{shows: "nothing"},
		{shows: "grants, revocations and changes", mode: v1alpha1.ModeObserve, planned: []v1alpha1.PlannedOperation{
			operation(v1alpha1.PlannedRevoke, "here"), operation(v1alpha1.PlannedGrant, "here"), operation(v1alpha1.PlannedChange, "here"),
		}, grants: 2, revocations: 1},
		{shows: "nothing of another connection's groups", mode: v1alpha1.ModeObserve, planned: []v1alpha1.PlannedOperation{
			operation(v1alpha1.PlannedGrant, "elsewhere"), operation(v1alpha1.PlannedGrant, "here"),
		}, grants: 1},
		{shows: "in GrantOnly a change as a revocation, since only what gives less is held back", mode: v1alpha1.ModeGrantOnly,
			planned: []v1alpha1.PlannedOperation{operation(v1alpha1.PlannedChange, "here")}, revocations: 1},
		{shows: "nothing of what the limit holds, which has a count of its own", mode: v1alpha1.ModeEnforce, rows: []v1alpha1.MemberGrant{held},
			planned: []v1alpha1.PlannedOperation{operation(v1alpha1.PlannedRevoke, "here")}},
		{shows: "a revocation beside a held one", mode: v1alpha1.ModeObserve, rows: []v1alpha1.MemberGrant{held},
			planned: []v1alpha1.PlannedOperation{operation(v1alpha1.PlannedRevoke, "here"), operation(v1alpha1.PlannedRevoke, "here")}, revocations: 1},
		{shows: "also what the status does not list", mode: v1alpha1.ModeObserve, planned: twenty, beyond: 15, grants: 35},
	} {
		member := &v1alpha1.Member{Status: v1alpha1.MemberStatus{
			Grants: test.rows, Planned: test.planned, PlannedCount: int32(len(test.planned)) + test.beyond,
		}}
		var got v1alpha1.ConnectionCounts
		connection := &v1alpha1.KisiConnection{Spec: v1alpha1.KisiConnectionSpec{Mode: test.mode}}
		connection.Status.Organization = &v1alpha1.ConnectedOrganization{ID: 1}
		var kept counts
		kept.Change("", nil, sharesOf(member))
		kept.of(connection, func(group v1alpha1.ObjectName) bool { return group == "here" }, &got)
		if got.PendingGrants != test.grants || got.PendingRevocations != test.revocations {
			t.Errorf("%s: %d grants and %d revocations, want %d and %d", test.shows, got.PendingGrants, got.PendingRevocations, test.grants, test.revocations)
		}
	}
}

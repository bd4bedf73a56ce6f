package executor

import (
	"testing"

	"github.com/kisi-operator/kisi-operator/internal/kisi"
)

// An assignment whose assignee is nobody is kept like one of a team: nobody takes it into a ledger, whose status could not
// hold such a user.
func TestAnAssignmentOfNobodyIsNobodysMembership(t *testing.T) {
	for id, person := range map[int64]bool{7: true, 0: false, -7: false, 1 << 53: false} {
		row := MirrorRow(kisi.RoleAssignment{ID: 1, RoleID: kisi.RoleGroupBasic, AppliesToType: kisi.TypeGroup, AppliesToID: 3,
			AssigneeType: kisi.TypeUser, AssigneeID: id, Assignee: kisi.Reference{Email: "ana@example.com"}})
		if row.Basic != person || row.ID != 1 || row.GroupID != 3 || (row.UserID == id && id != 0) != person || (row.Address != "") != person {
			t.Errorf("assignee %d: %+v", id, row)
		}
	}
	if row := MirrorRow(kisi.RoleAssignment{ID: 1, RoleID: kisi.RoleGroupManager, AssigneeType: kisi.TypeUser, AssigneeID: -7}); row.Manager {
		t.Errorf("%+v", row)
	}
}

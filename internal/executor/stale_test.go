package executor_test

import (
	"testing"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/plan"
)

// While Kisi is asked for the row that takes the place of another, the other one moves to another ledger, with an address that
// was changed. The result must not bring it back.
func TestARowThatHasMovedOnMeanwhileIsNotTakenBack(t *testing.T) {
	w := newWorld(t, nil)
	defer w.close()
	w.want(morning)
	w.settle()
	old := w.stored.Status.Grants[0]
	w.limited = true // else nothing is counted, and no successor is looked for
	w.want(inTheLab)
	ledger := plan.LedgerOf(w.stored)
	p := w.plan(ledger)
	for _, operation := range p.Operations {
		if operation.Kind == plan.Grant {
			row := operation.Row
			row.UserID = old.UserID
			ledger.Put(row)
			intended := w.plan(ledger)
			row.RoleAssignmentID, row.State = 77, v1alpha1.GrantActive
			fresh := plan.Ledger{Accounts: ledger.Accounts} // the old row is another Member's by now
			fresh.Put(row)
			intended.LetGoReplaced(&fresh)
			if len(fresh.Grants) != 1 {
				t.Fatalf("the ledger has %+v", fresh.Grants)
			}
			return
		}
	}
	t.Fatalf("nothing is granted: %+v", p.Operations)
}

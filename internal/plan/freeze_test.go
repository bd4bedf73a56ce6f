package plan

import (
	"testing"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
)

// The reasons that a KisiGroup can have for not being Ready, and whether a bound group is frozen by them.
func TestOnlyAContradictionFreezesABoundGroup(t *testing.T) {
	for _, test := range []struct {
		reason            string
		existing, managed bool
	}{
		{reason: v1alpha1.ReasonBound},
		{reason: v1alpha1.ReasonConnecting},
		{reason: v1alpha1.ReasonCreating},
		{reason: v1alpha1.ReasonUpdating},
		{reason: v1alpha1.ReasonDeleting},
		{reason: v1alpha1.ReasonConnectionNotFound},
		{reason: v1alpha1.ReasonConnectionNotReady},
		{reason: v1alpha1.ReasonDoorNotFound},
		{reason: v1alpha1.ReasonForeignAssignments},
		{reason: v1alpha1.ReasonInsufficientRole},
		{reason: ""},
		{reason: v1alpha1.ReasonGroupNotFound, existing: true},
		{reason: v1alpha1.ReasonAmbiguousName, existing: true},
		{reason: v1alpha1.ReasonPlaceNotFound, existing: true},
		{reason: v1alpha1.ReasonGroupNotExclusive, existing: true, managed: true},
		{reason: v1alpha1.ReasonGroupAlreadyBound, existing: true, managed: true},
	} {
		if got := GroupFreezes(test.reason, true); got != test.existing {
			t.Errorf("%q freezes an existing group: %t", test.reason, got)
		}
		if got := GroupFreezes(test.reason, false); got != test.managed {
			t.Errorf("%q freezes a managed group: %t", test.reason, got)
		}
	}
}

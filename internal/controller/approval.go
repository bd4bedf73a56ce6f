package controller

import (
	"fmt"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
)

// longestApproval is how far ahead an approval may reach. One that reaches further is taken for a mistake.
const longestApproval = 24 * time.Hour

// approval is what an object's annotation says about revocations that the limit counts.
type approval struct {
	// given says that they go, uncounted.
	given bool
	// begins is when an approval that reaches too far ahead will count; zero if time alone gives none.
	begins time.Time
	// problem says why the annotation approves nothing; empty if it is absent or counts.
	problem string
}

// approvalOf reads the annotation of a KisiConnection, a KisiGroup or a Member.
func approvalOf(object client.Object, now time.Time) approval {
	value, present := object.GetAnnotations()[v1alpha1.ApproveRevocationsUntilAnnotation]
	if !present {
		return approval{}
	}
	until, err := time.Parse(time.RFC3339, value)
	approvesNothing := func(why string) string {
		return fmt.Sprintf("the annotation %s approves nothing: %s", v1alpha1.ApproveRevocationsUntilAnnotation, why)
	}
	switch {
	case err != nil:
		return approval{problem: approvesNothing("it is no time; write it as in 2026-12-01T12:00:00Z")}
	case !until.After(now):
		return approval{problem: approvesNothing("its time is in the past; set a time within the next 24 hours")}
	case until.Sub(now) > longestApproval:
		return approval{problem: approvesNothing("its time is more than 24 hours ahead; set a time within the next 24 hours"), begins: until.Add(-longestApproval)}
	}
	return approval{given: true}
}

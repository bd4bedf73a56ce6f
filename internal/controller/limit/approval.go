package limit

import (
	"fmt"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
)

// longestApproval is how far ahead an approval may reach. One that reaches further is taken for a mistake.
const longestApproval = 24 * time.Hour

// Approval is what an object's annotation says about revocations that the limit counts.
type Approval struct {
	// Given says that they go, uncounted.
	Given bool
	// Begins is when an approval that reaches too far ahead will count; zero if time alone gives none.
	Begins time.Time
	// Problem says why the annotation approves nothing; empty if it is absent or counts.
	Problem string
}

// ApprovalOf reads the annotation of a KisiConnection, a KisiGroup or a Member.
func ApprovalOf(object client.Object, now time.Time) Approval {
	value, present := object.GetAnnotations()[v1alpha1.ApproveRevocationsUntilAnnotation]
	if !present {
		return Approval{}
	}
	until, err := time.Parse(time.RFC3339, value)
	approvesNothing := func(why string) string {
		return fmt.Sprintf("the annotation %s approves nothing: %s", v1alpha1.ApproveRevocationsUntilAnnotation, why)
	}
	switch {
	case err != nil:
		return Approval{Problem: approvesNothing("it is no time; write it as in 2026-12-01T12:00:00Z")}
	case !until.After(now):
		return Approval{Problem: approvesNothing("its time is in the past; set a time within the next 24 hours")}
	case until.Sub(now) > longestApproval:
		return Approval{Problem: approvesNothing("its time is more than 24 hours ahead; set a time within the next 24 hours"), Begins: until.Add(-longestApproval)}
	}
	return Approval{Given: true}
}

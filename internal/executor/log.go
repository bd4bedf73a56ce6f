package executor

import (
	"context"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/plan"
)

// logChanges writes a line for each change of the person's role assignments that the operation has made in Kisi, or has found
// made.
func (e *execution) logChanges(ctx context.Context, changes plan.LedgerChanges) {
	for _, row := range changes.Made {
		e.logRow(ctx, "Granted access", row)
	}
	for _, row := range changes.Changed {
		e.logRow(ctx, "Changed the window of access", row)
	}
	for _, row := range changes.Gone {
		message := "Revoked access"
		if e.Operation.Kind == plan.Verify || e.Operation.Kind == plan.CheckUser {
			message = "Access is gone in Kisi"
		}
		e.logRow(ctx, message, row)
	}
}

func (e *execution) logRow(ctx context.Context, message string, row v1alpha1.MemberGrant) {
	log.FromContext(ctx).WithName("member").Info(message,
		"member", client.ObjectKeyFromObject(e.Member), "connection", row.Connection, "group", row.Group, "operation", e.Operation.Kind,
		"organizationID", row.OrganizationID, "userID", row.UserID, "assignmentID", row.RoleAssignmentID,
		"validFrom", logTime(row.ValidFrom), "validUntil", logTime(row.ValidUntil), "sources", row.Sources)
}

// logTime is empty for a bound that is not set.
func logTime(t *metav1.Time) string {
	if t == nil {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

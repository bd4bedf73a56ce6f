package member

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
func (d doing) logChanges(ctx context.Context, changes plan.LedgerChanges) {
	for _, row := range changes.Made {
		d.logRow(ctx, "Granted access", row)
	}
	for _, row := range changes.Changed {
		d.logRow(ctx, "Changed the window of access", row)
	}
	for _, row := range changes.Gone {
		message := "Revoked access"
		if d.operation.Kind == plan.Verify || d.operation.Kind == plan.CheckUser {
			message = "Access is gone in Kisi"
		}
		d.logRow(ctx, message, row)
	}
}

func (d doing) logRow(ctx context.Context, message string, row v1alpha1.MemberGrant) {
	log.FromContext(ctx).WithName("member").Info(message,
		"member", client.ObjectKeyFromObject(d.p.member), "connection", row.Connection, "group", row.Group, "operation", d.operation.Kind,
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

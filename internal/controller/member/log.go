package member

import (
	"context"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/plan"
)

var decisions = map[v1alpha1.GrantState]string{
	v1alpha1.GrantHeld:     "Held back a revocation",
	v1alpha1.GrantWithheld: "Withheld access",
	v1alpha1.GrantRetained: "Left access as it is",
}

// logDecisions writes a line for each decision of the status just written not to change something in Kisi.
func logDecisions(ctx context.Context, member *v1alpha1.Member, before *v1alpha1.MemberStatus) {
	logger := log.FromContext(ctx).WithName("member").WithValues("member", client.ObjectKeyFromObject(member))
	for _, row := range plan.Decided(plan.Ledger{Grants: before.Grants}, plan.Ledger{Grants: member.Status.Grants}) {
		logger.Info(decisions[row.State], "connection", row.Connection, "group", row.Group,
			"organizationID", row.OrganizationID, "userID", row.UserID, "assignmentID", row.RoleAssignmentID, "sources", row.Sources)
	}
	ready := meta.FindStatusCondition(member.Status.Conditions, v1alpha1.ConditionReady)
	if ready == nil || ready.Status == metav1.ConditionTrue || meta.IsStatusConditionTrue(member.Status.Conditions, v1alpha1.ConditionReconciling) {
		return // what is under way is no decision
	}
	if known := meta.FindStatusCondition(before.Conditions, v1alpha1.ConditionReady); known == nil || known.Status != ready.Status || known.Reason != ready.Reason {
		logger.Info("Member is not Ready", "reason", ready.Reason)
	}
}

// logBackoff writes a line at debug for an operation that has to wait before it is tried again.
func (r *Reconciler) logBackoff(logger logr.Logger, person string, operation plan.Operation) {
	debug := logger.V(1)
	if !debug.Enabled() {
		return
	}
	if until := r.Executor.Backoffs.Until(person, operation.ID()); until.After(time.Now()) {
		debug.Info("An operation waits before it is tried again", "connection", operation.Row.Connection, "group", operation.Row.Group,
			"organizationID", operation.Row.OrganizationID, "until", until.UTC().Format(time.RFC3339))
	}
}

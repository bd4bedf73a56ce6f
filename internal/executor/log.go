package executor

import (
	"context"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/audit"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
	"github.com/kisi-operator/kisi-operator/internal/plan"
)

var messages = map[audit.Action]string{
	audit.Granted:       "Granted access",
	audit.WindowChanged: "Changed the window of access",
	audit.Revoked:       "Revoked access",
}

// tell writes a line in the log and an entry in the audit log for each change of the person's role assignments that the
// operation has made in Kisi, or has found made.
func (e *execution) tell(ctx context.Context, changes plan.LedgerChanges) {
	e.tellEach(ctx, audit.Granted, changes.Made)
	e.tellEach(ctx, audit.WindowChanged, changes.Changed)
	e.tellEach(ctx, audit.Revoked, changes.Gone)
	e.tellOfNewAccess(ctx, changes.Made)
}

func (e *execution) tellEach(ctx context.Context, action audit.Action, rows []v1alpha1.MemberGrant) {
	for _, row := range rows {
		e.log(ctx, action, row)
		e.audit(ctx, action, row)
	}
}

// result says whether the operation has done it: one that only looks has not.
func (e *execution) result() audit.Result {
	switch e.Operation.Kind {
	case plan.Verify, plan.CheckUser, plan.Resolve:
		return audit.Found
	}
	return audit.Done
}

func (e *execution) log(ctx context.Context, action audit.Action, row v1alpha1.MemberGrant) {
	message := messages[action]
	if action == audit.Revoked && (e.Operation.Kind == plan.Verify || e.Operation.Kind == plan.CheckUser) {
		message = "Access is gone in Kisi"
	}
	fields := []any{
		"member", client.ObjectKeyFromObject(e.Member), "connection", row.Connection, "group", row.Group, "operation", e.Operation.Kind,
		"organizationID", row.OrganizationID, "userID", row.UserID, "assignmentID", row.RoleAssignmentID,
		"validFrom", logTime(row.ValidFrom), "validUntil", logTime(row.ValidUntil), "sources", row.Sources, "result", e.result(),
	}
	if e.LogPeople {
		fields = append(fields, "email", e.Member.Spec.Email, "name", e.Member.Spec.FullName)
	}
	log.FromContext(ctx).WithName("member").Info(message, fields...)
}

func (e *execution) audit(ctx context.Context, action audit.Action, row v1alpha1.MemberGrant) {
	if e.Audit == nil {
		return
	}
	causes, err := entitlement.Causes(e.Snapshot.Objects, e.Member, row.Sources, row.Group)
	if err != nil { // the cache does not answer: what is known goes out all the same
		log.FromContext(ctx).WithName("member").Error(err, "The causes of a change are not known", "member", client.ObjectKeyFromObject(e.Member))
		causes = [][]string{}
	}
	now := e.now()
	entry := audit.Entry{
		Time: now.UTC(), Action: action, Result: e.result(), Namespace: e.Member.Namespace, Connection: row.Connection, OrganizationID: row.OrganizationID,
		Group: row.Group, KisiGroupID: row.KisiGroupID, UserID: row.UserID, AssignmentID: row.RoleAssignmentID,
		Member: e.Member.Name, MemberUID: e.Member.UID, ValidFrom: instant(row.ValidFrom), ValidUntil: instant(row.ValidUntil), Causes: causes,
	}
	if since := e.Backoffs.Since(e.who, e.Operation.ID()); !since.IsZero() {
		entry.LatencySeconds = now.Sub(since).Seconds()
	}
	if e.LogPeople {
		entry.Email = e.Member.Spec.Email
	}
	e.Audit.Record(entry)
}

// logTime is empty for a bound that is not set.
func logTime(t *metav1.Time) string {
	if t == nil {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

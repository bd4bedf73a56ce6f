package tenant

import (
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/plan"
)

// Target says what the name of a KisiGroup stands for.
func (l *Snapshot) Target(name v1alpha1.ObjectName) (plan.Target, error) {
	group, err := l.Objects.Group(name)
	if err != nil || group == nil {
		by, lookErr := l.Objects.abandonedGroup(name)
		return plan.Target{Reason: v1alpha1.ReasonGroupNotFound, AbandonedBy: by}, errors.Join(err, lookErr)
	}
	target := plan.Target{State: plan.TargetFrozen, Connection: group.Spec.ConnectionRef.Name}
	connection := l.ByName[target.Connection]
	if connection == nil {
		target.Reason = v1alpha1.ReasonConnectionNotFound
		target.Message = fmt.Sprintf("KisiGroup %q: there is no KisiConnection %q in this namespace", name, target.Connection)
		target.KisiGroupID = group.Status.KisiGroupID
		return target, nil
	}
	target.KisiGroupID = BoundID(group, connection)
	if connection.Status.Organization != nil {
		target.OrganizationID = connection.Status.Organization.ID
	}
	known, usable := l.Connections[target.OrganizationID]
	switch {
	case connection.Spec.Mode == v1alpha1.ModePaused:
		target.Reason = v1alpha1.ReasonPaused
		target.Message = fmt.Sprintf("KisiConnection %q is paused; nothing is granted or revoked through it", connection.Name)
	case !usable || !known.Ready || l.leaving.Has(target.Connection):
		target.Reason = v1alpha1.ReasonConnectionNotReady
		target.Message = fmt.Sprintf("KisiConnection %q is not Ready; see its conditions", connection.Name)
	case target.KisiGroupID == 0 || Frozen(group):
		target.Reason, target.Message = groupTrouble(group)
		target.Coming = target.KisiGroupID == 0 && isComing(group)
	default:
		target.State = plan.TargetBound
	}
	target.Ownership = OwnershipOf(group)
	if l.leaving.Has(target.Connection) {
		target.State, target.Unlimited = plan.TargetMissing, true // what it gave is taken back
	}
	return target, nil
}

// Frozen reports whether a bound group contradicts itself.
func Frozen(group *v1alpha1.KisiGroup) bool {
	found := meta.FindStatusCondition(group.Status.Conditions, v1alpha1.ConditionReady)
	return found != nil && found.Status != metav1.ConditionTrue && plan.GroupFreezes(found.Reason, group.Spec.Existing != nil)
}

// isComing reports whether the group is about to be bound for the first time.
func isComing(group *v1alpha1.KisiGroup) bool {
	return meta.FindStatusCondition(group.Status.Conditions, v1alpha1.ConditionReady) == nil ||
		meta.IsStatusConditionTrue(group.Status.Conditions, v1alpha1.ConditionReconciling)
}

// groupTrouble passes on why a group is not bound, in words that fit the object that names it.
func groupTrouble(group *v1alpha1.KisiGroup) (reason, message string) {
	reason = v1alpha1.ReasonGroupNotFound
	cause := "is not bound yet"
	for _, condition := range group.Status.Conditions {
		if condition.Type == v1alpha1.ConditionReady {
			cause = fmt.Sprintf("is not Ready (%s)", condition.Reason)
			if condition.Reason == v1alpha1.ReasonConnectionNotReady {
				reason = v1alpha1.ReasonConnectionNotReady
			}
		}
	}
	return reason, fmt.Sprintf("KisiGroup %q %s; see its conditions", group.Name, cause)
}

// OwnershipOf says which assignments that no ledger has are taken for this operator's. An Exclusive group is so only once
// what was found in Kisi has been asked about.
func OwnershipOf(group *v1alpha1.KisiGroup) plan.Ownership {
	switch {
	case group.Spec.Assignments == v1alpha1.AssignmentsExclusive && group.Status.Assignments == v1alpha1.AssignmentsExclusive:
		return plan.OwnsAll
	case ClaimPending(group):
		return plan.OwnsMadeWithKey
	}
	return plan.OwnsLedger
}

// BoundID is the Kisi group that the KisiGroup is bound to through the connection; 0 if it is bound to none, or to one of
// another organization.
func BoundID(group *v1alpha1.KisiGroup, connection *v1alpha1.KisiConnection) v1alpha1.KisiID {
	organization := connection.Status.Organization
	if bound := group.Status.OrganizationID; organization != nil && bound != 0 && bound != organization.ID {
		return 0
	}
	return group.Status.KisiGroupID
}

// Abandons reports whether the object is to be released though its side in Kisi cannot be reached.
func Abandons(object client.Object) bool {
	return object.GetAnnotations()[v1alpha1.AbandonAnnotation] == "true"
}

// LongestClaim is how long the value of the claim annotation may be, as the schema has it for the status.
const LongestClaim = 253

// ClaimPending reports whether the claim annotation has a value that was not carried out yet.
func ClaimPending(group *v1alpha1.KisiGroup) bool {
	value := group.Annotations[v1alpha1.ClaimAnnotation]
	return value != "" && len(value) <= LongestClaim && value != group.Status.Claim
}

// LongestRebind is how long the value of the rebind annotation may be, as the schema has it for the status.
const LongestRebind = 253

package group

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/controller/internal/conditions"
	"github.com/kisi-operator/kisi-operator/internal/tenant"
)

// groupKey names a KisiGroup as the asker of a question about its Kisi group.
func groupKey(group *v1alpha1.KisiGroup) string { return groupKeyOf(client.ObjectKeyFromObject(group)) }

func groupKeyOf(name types.NamespacedName) string { return "group/" + name.String() }

// recordBinding writes down what the KisiGroup is bound to from now on.
func recordBinding(group *v1alpha1.KisiGroup, connection *v1alpha1.KisiConnection, found groupFound) {
	group.Status.KisiGroupID, group.Status.PlaceID = found.id, found.placeID
	if organization := connection.Status.Organization; organization != nil {
		group.Status.OrganizationID = organization.ID
	}
	group.Status.Restrictions, group.Status.AppAccess = found.restrictions, found.appAccess
	group.Status.Doors = found.locks
	if found.rebound != "" {
		group.Status.Rebind = found.rebound
	}
}

// unbind forgets what the KisiGroup was bound to.
func unbind(group *v1alpha1.KisiGroup) {
	group.Status.KisiGroupID, group.Status.OrganizationID, group.Status.PlaceID = 0, 0, 0
	group.Status.Restrictions, group.Status.AppAccess, group.Status.Assignments = nil, "", ""
	group.Status.Doors = nil
}

// boundVerdict says what the group is bound to, and what of it is not as the spec says.
func boundVerdict(group *v1alpha1.KisiGroup, connection *v1alpha1.KisiConnection, found groupFound) conditions.Verdict {
	var notes []string
	if existing := group.Spec.Existing; existing != nil && existing.Name != "" && found.name != string(existing.Name) {
		notes = append(notes, fmt.Sprintf("it is called %q in Kisi now, and %q in spec.existing.name; it stays bound by its id (to look the name up again, annotate with %s=<new value>)",
			found.name, existing.Name, v1alpha1.RebindAnnotation))
	}
	if found.appAccess == v1alpha1.AppAccessDisabled {
		notes = append(notes, "it lets no app unlock (appAccess is Disabled), so people enter with cards or codes only")
	}
	if len(found.left) > 0 {
		notes = append(notes, fmt.Sprintf("under mode: %s these stay as they are in Kisi, other than spec.managed says: %s", connection.Spec.Mode, strings.Join(found.left, ", ")))
	}
	if found.concern != nil {
		v := *found.concern
		v.Message = strings.Join(append([]string{v.Message}, notes...), "; ")
		return v
	}
	return conditions.Ready(v1alpha1.ReasonBound, strings.Join(append([]string{fmt.Sprintf("bound to the Kisi group %d", found.id)}, notes...), "; "))
}

// stillFrozen reports whether a bound group contradicted itself when it was last looked at, and nothing here has changed
// since: while its connection is not Ready nobody knows better.
func stillFrozen(group *v1alpha1.KisiGroup) bool {
	ready := meta.FindStatusCondition(group.Status.Conditions, v1alpha1.ConditionReady)
	return group.Status.KisiGroupID != 0 && ready != nil && ready.ObservedGeneration == group.Generation && tenant.Frozen(group)
}

// unreadableGroup says that a group could not be looked at, or returns nil where what is recorded stands: a bound group
// goes on, and a look that failed for a reason that may pass is no news about it. A contradiction stands whatever the
// reason: it was not found to be gone.
func unreadableGroup(group *v1alpha1.KisiGroup, err error) *conditions.Verdict {
	v := conditions.Unreadable(err)
	if group.Status.KisiGroupID == 0 || !tenant.Frozen(group) && v.Stalled {
		return &v
	}
	if ready := meta.FindStatusCondition(group.Status.Conditions, v1alpha1.ConditionReady); ready != nil {
		switch ready.Reason {
		case v1alpha1.ReasonConnectionNotReady, v1alpha1.ReasonConnectionNotFound: // of a time before
		default:
			return underWay(group)
		}
	}
	return &v
}

// underWay says what is being done in Kisi, or nil where what is recorded stands until the answer is there.
func underWay(group *v1alpha1.KisiGroup) *conditions.Verdict {
	var v conditions.Verdict
	switch {
	case group.Status.KisiGroupID == 0 && group.Spec.Managed != nil:
		v = conditions.Reconciling(v1alpha1.ReasonCreating, "making the group in Kisi")
	case group.Status.KisiGroupID == 0:
		v = conditions.Reconciling(v1alpha1.ReasonConnecting, "looking for the group in Kisi")
	case group.Spec.Managed != nil && group.Status.ObservedGeneration != group.Generation:
		v = conditions.Reconciling(v1alpha1.ReasonUpdating, "changing the group in Kisi")
	default:
		return nil
	}
	return &v
}

// Package reason says of every reason of a condition where it is seen, what it means and what to do about it. The page
// docs/troubleshooting.md is made of it.
package reason

import (
	"cmp"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
)

// Reason is one reason of a condition.
type Reason struct {
	Name string
	// On is where the reason is seen.
	On []Place
	// Means says what has happened.
	Means string
	// Do says what to do about it; empty where there is nothing to do.
	Do string
	// Command shows more, or does it; objects are named by their kind in capitals.
	Command string
}

// Place is a condition of some kinds on which a reason is seen.
type Place struct {
	Condition string
	Status    metav1.ConditionStatus
	// Beside is Reconciling or Stalled where Ready has one of them beside it, with the same reason and message.
	Beside string
	Kinds  []string
}

// The kinds, in short.
const (
	connection   = entitlement.KindKisiConnection
	group        = entitlement.KindKisiGroup
	place        = entitlement.KindPlaceMapping
	plan         = entitlement.KindAccessPlan
	subscription = entitlement.KindAccessSubscription
	booking      = entitlement.KindBookingGrant
	member       = entitlement.KindMember
)

func ready(kinds ...string) Place {
	return Place{Condition: v1alpha1.ConditionReady, Status: metav1.ConditionTrue, Kinds: kinds}
}

func waiting(kinds ...string) Place {
	return Place{Condition: v1alpha1.ConditionReady, Status: metav1.ConditionFalse, Kinds: kinds}
}

func reconciling(kinds ...string) Place {
	return Place{Condition: v1alpha1.ConditionReady, Status: metav1.ConditionFalse, Beside: v1alpha1.ConditionReconciling, Kinds: kinds}
}

func stalled(kinds ...string) Place {
	return Place{Condition: v1alpha1.ConditionReady, Status: metav1.ConditionFalse, Beside: v1alpha1.ConditionStalled, Kinds: kinds}
}

func isTrue(condition, kind string) Place {
	return Place{Condition: condition, Status: metav1.ConditionTrue, Kinds: []string{kind}}
}

func isFalse(condition, kind string) Place {
	return Place{Condition: condition, Status: metav1.ConditionFalse, Kinds: []string{kind}}
}

func unknown(condition, kind string) Place {
	return Place{Condition: condition, Status: metav1.ConditionUnknown, Kinds: []string{kind}}
}

// All returns every reason, by name.
func All() []Reason {
	all := slices.Concat(ofConnections, ofGroups, ofReferences, ofAccess)
	slices.SortFunc(all, func(a, b Reason) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

// Seen reports whether a condition of an object of the kind can say the reason.
func Seen(kind, condition string, status metav1.ConditionStatus, name string) bool {
	for _, r := range All() {
		for _, at := range r.On {
			beside := at.Beside == condition && status == metav1.ConditionTrue
			if r.Name == name && slices.Contains(at.Kinds, kind) && (beside || at.Condition == condition && at.Status == status) {
				return true
			}
		}
	}
	return false
}

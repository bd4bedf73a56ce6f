package v1alpha1

import (
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// WithConditions is every kind of this package.
//
// +kubebuilder:object:generate=false
type WithConditions interface {
	// GetConditions returns the conditions of the object's status.
	GetConditions() []metav1.Condition
}

// GetConditions returns the conditions of the object's status.
func (o *KisiConnection) GetConditions() []metav1.Condition { return o.Status.Conditions }

// GetConditions returns the conditions of the object's status.
func (o *KisiGroup) GetConditions() []metav1.Condition { return o.Status.Conditions }

// GetConditions returns the conditions of the object's status.
func (o *PlaceMapping) GetConditions() []metav1.Condition { return o.Status.Conditions }

// GetConditions returns the conditions of the object's status.
func (o *AccessPlan) GetConditions() []metav1.Condition { return o.Status.Conditions }

// GetConditions returns the conditions of the object's status.
func (o *AccessSubscription) GetConditions() []metav1.Condition { return o.Status.Conditions }

// GetConditions returns the conditions of the object's status.
func (o *BookingGrant) GetConditions() []metav1.Condition { return o.Status.Conditions }

// GetConditions returns the conditions of the object's status.
func (o *Member) GetConditions() []metav1.Condition { return o.Status.Conditions }

// Settled returns the condition Ready of an object once the operator is done with what the object says now. It returns nil
// as long as Ready is missing, speaks of an earlier generation, or work is under way. What is settled need not be well:
// then Ready is False, its message says what to do, and the operator goes on by itself as soon as that is done.
func Settled(o interface {
	metav1.Object
	WithConditions
}) *metav1.Condition {
	conditions := o.GetConditions()
	ready := meta.FindStatusCondition(conditions, ConditionReady)
	if ready == nil || ready.ObservedGeneration != o.GetGeneration() || meta.IsStatusConditionTrue(conditions, ConditionReconciling) {
		return nil
	}
	return ready
}

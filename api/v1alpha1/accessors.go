package v1alpha1

import (
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

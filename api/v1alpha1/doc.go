// Package v1alpha1 contains the access.kisi-operator.dev/v1alpha1 API: who may open which doors, and when.
//
// The package depends on apimachinery only, so an adapter can create and read these objects without
// pulling in a controller framework.
//
// +kubebuilder:object:generate=true
// +groupName=access.kisi-operator.dev
package v1alpha1

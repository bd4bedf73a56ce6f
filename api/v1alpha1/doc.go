// Package v1alpha1 contains the access.kisi-operator.dev/v1alpha1 API: who may open which doors, and when.
//
// The package depends on apimachinery only, so an adapter can create and read these objects without
// pulling in a client or a controller framework. What an adapter says with server-side apply is in
// [github.com/kisi-operator/kisi-operator/api/applyconfiguration/api/v1alpha1], a module of its own.
//
// +kubebuilder:object:generate=true
// +kubebuilder:ac:generate=true
// +kubebuilder:ac:output:package=../applyconfiguration
// +groupName=access.kisi-operator.dev
package v1alpha1

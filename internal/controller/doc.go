// Package controller has the reconcilers: thin, each reading from the cache, calling the pure parts, carrying out one
// operation at a time, and recording what came of it.
package controller

// The operator's own role. Every spec and the demo run under exactly this, and the end of a whole run of the specs says which
// of them needs which right; one that none needs fails it. What carries a finalizer is patched; every status is updated, that of
// a group also patched. The finalizers of a Member are those that a login's Secret, which the Member owns, keeps it by.
//
// +kubebuilder:rbac:groups=access.kisi-operator.dev,resources=placemappings;accessplans;accesssubscriptions,verbs=list;watch
// +kubebuilder:rbac:groups=access.kisi-operator.dev,resources=kisiconnections;kisigroups,verbs=get;list;watch;patch
// +kubebuilder:rbac:groups=access.kisi-operator.dev,resources=bookinggrants,verbs=list;watch;delete
// +kubebuilder:rbac:groups=access.kisi-operator.dev,resources=members,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=access.kisi-operator.dev,resources=kisiconnections/status;placemappings/status;accessplans/status;accesssubscriptions/status;bookinggrants/status;members/status,verbs=update
// +kubebuilder:rbac:groups=access.kisi-operator.dev,resources=kisigroups/status,verbs=update;patch
// +kubebuilder:rbac:groups=access.kisi-operator.dev,resources=members/finalizers,verbs=update
// +kubebuilder:rbac:groups="",resources=secrets,verbs=get;list;watch
// +kubebuilder:rbac:groups="",resources=namespaces,verbs=get
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch

// Package controller has the reconcilers: thin, each reading from the cache, calling the pure parts, carrying out one
// operation at a time, and recording what came of it.
package controller

// The operator's own role. Every spec and the demo run under exactly this.
//
// +kubebuilder:rbac:groups=access.kisi-operator.dev,resources=kisiconnections;kisigroups;placemappings;accessplans;accesssubscriptions,verbs=get;list;watch;update;patch
// +kubebuilder:rbac:groups=access.kisi-operator.dev,resources=bookinggrants,verbs=get;list;watch;update;patch;delete
// +kubebuilder:rbac:groups=access.kisi-operator.dev,resources=members,verbs=get;list;watch;create;update;patch;delete
// +kubebuilder:rbac:groups=access.kisi-operator.dev,resources=kisiconnections/status;kisigroups/status;placemappings/status;accessplans/status;accesssubscriptions/status;bookinggrants/status;members/status,verbs=get;update;patch
// +kubebuilder:rbac:groups=access.kisi-operator.dev,resources=kisiconnections/finalizers;kisigroups/finalizers;members/finalizers,verbs=update
// +kubebuilder:rbac:groups="",resources=secrets,verbs=get;list;watch
// +kubebuilder:rbac:groups="",resources=namespaces,verbs=get
// +kubebuilder:rbac:groups="",resources=events,verbs=create;patch
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch

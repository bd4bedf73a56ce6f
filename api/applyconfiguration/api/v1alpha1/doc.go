// Package v1alpha1 contains the apply configurations of access.kisi-operator.dev/v1alpha1: what a client says of an
// object with server-side apply. A field that is not set is not spoken of, so it stays whoever's it is; an empty string
// that is set is sent, and refused where the API wants a value.
//
// The client of controller-runtime takes them in its method Apply.
package v1alpha1

package plan

import "github.com/kisi-operator/kisi-operator/api/v1alpha1"

// GroupFreezes reports whether a KisiGroup that is bound, and not Ready for the reason, contradicts itself: then nothing is
// granted through it, and nothing granted through it is changed or revoked. Every other reason concerns less than the
// group, or its connection, which is judged by itself. existing tells a group that was made in Kisi from a managed one.
func GroupFreezes(reason string, existing bool) bool {
	switch reason {
	case v1alpha1.ReasonGroupNotExclusive, v1alpha1.ReasonGroupAlreadyBound:
		return true
	case v1alpha1.ReasonGroupNotFound, v1alpha1.ReasonAmbiguousName, v1alpha1.ReasonPlaceNotFound:
		// Of a managed group the last two are about its doors and place, and one that is gone is made again.
		return existing
	}
	return false
}

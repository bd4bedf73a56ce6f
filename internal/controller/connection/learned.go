package connection

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/session"
)

// refusalsLast is how long it is believed that Kisi does not do something, before it is tried again.
const refusalsLast = 24 * time.Hour

// learn adds what the session has seen of Kisi's behaviour to what was seen before. What Kisi was seen not to do is doubted
// after a day, and with a new key: Kisi may have changed, or the key's owner.
func learn(connection *v1alpha1.KisiConnection, s *session.Session, now time.Time) {
	before := connection.Status.API
	if at := doubtedAt(before); !at.IsZero() && !at.After(now) {
		s.Unlearn()
		before = nil
	}
	if s.Rekeyed() {
		before = nil
	}
	api := learned(before, s.Behaviour())
	if refusesAnything(api) {
		api.RefusedTime = &metav1.Time{Time: now.UTC().Truncate(time.Second)}
		if known := connection.Status.API; known != nil && known.RefusedTime != nil {
			api.RefusedTime = known.RefusedTime
		}
	}
	connection.Status.API = &api
}

// learned adds what was seen to what was known.
func learned(before *v1alpha1.APIBehaviour, seen session.Behaviour) v1alpha1.APIBehaviour {
	api := ptr.Deref(before, v1alpha1.APIBehaviour{OverlappingAssignments: v1alpha1.OverlapUnknown, WindowUpdate: v1alpha1.WindowUpdateUnknown})
	api.RefusedTime = nil
	switch seen.Overlap {
	case session.Yes:
		api.OverlappingAssignments = v1alpha1.OverlapAccepted
	case session.No:
		api.OverlappingAssignments = v1alpha1.OverlapRejected
	}
	switch seen.WindowUpdate {
	case session.Yes:
		api.WindowUpdate = v1alpha1.WindowUpdateAccepted
	case session.No:
		api.WindowUpdate = v1alpha1.WindowUpdateIgnored
	}
	return api
}

func refusesAnything(api v1alpha1.APIBehaviour) bool {
	return api.OverlappingAssignments == v1alpha1.OverlapRejected || api.WindowUpdate == v1alpha1.WindowUpdateIgnored
}

// doubtedAt is when what Kisi was seen not to do is tried again; zero if it does everything, as far as is known.
func doubtedAt(api *v1alpha1.APIBehaviour) time.Time {
	if api == nil || api.RefusedTime == nil || !refusesAnything(*api) {
		return time.Time{}
	}
	return api.RefusedTime.Add(refusalsLast)
}

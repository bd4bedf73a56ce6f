package report

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/controller/internal/conditions"
)

func TestNews(t *testing.T) {
	with := func(v conditions.Verdict) []metav1.Condition {
		var current []metav1.Condition
		conditions.Summarize(&current, 1, v)
		return current
	}
	refused := with(conditions.Stalled(v1alpha1.ReasonUnauthorized, "the key is refused"))
	connected := with(conditions.Ready(v1alpha1.ReasonConnected, "connected"))
	connecting := with(conditions.Reconciling(v1alpha1.ReasonConnecting, "asking"))
	notReady := with(conditions.Waiting(v1alpha1.ReasonConnectionNotReady, "the connection is not Ready"))
	granted := with(conditions.Ready(v1alpha1.ReasonGranted, "in"))
	granting := with(conditions.Reconciling(v1alpha1.ReasonGranting, "on the way"))
	connection, member, booking := &v1alpha1.KisiConnection{}, &v1alpha1.Member{}, &v1alpha1.BookingGrant{}
	for _, test := range []struct {
		shows         string
		object        client.Object
		before, after []metav1.Condition
		want          *news
	}{
		{"a connection that is refused is a warning", connection, connected, refused, &news{corev1.EventTypeWarning, "Unauthorized", "the key is refused"}},
		{"the same trouble again is no news", connection, refused, refused, nil},
		{"a connection that heals is told", connection, refused, connected, &news{corev1.EventTypeNormal, "Connected", "connected"}},
		{"a first connection is ordinary", connection, connecting, connected, nil},
		{"a Secret that is missing is a warning", connection, connected, with(conditions.Waiting(v1alpha1.ReasonSecretNotFound, "no Secret")), &news{corev1.EventTypeWarning, "SecretNotFound", "no Secret"}},
		{"a Member does not repeat its connection's trouble", member, granted, notReady, nil},
		{"a group does not repeat its connection's trouble", &v1alpha1.KisiGroup{}, connected, notReady, nil},
		{"an ordinary grant is in the ledger", member, granting, granted, nil},
		{"a duplicate address needs a person", member, granted, with(conditions.Stalled(v1alpha1.ReasonDuplicateEmail, "two")), &news{corev1.EventTypeWarning, "DuplicateEmail", "two"}},
		{"a non-member's booking is told", booking, nil, with(conditions.Ready(v1alpha1.ReasonOrganizerNotMember, "not a member")), &news{corev1.EventTypeWarning, "OrganizerNotMember", "not a member"}},
	} {
		t.Run(test.shows, func(t *testing.T) {
			got := newsOf(test.object, test.before, test.after)
			if (got == nil) != (test.want == nil) || (got != nil && *got != *test.want) {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}

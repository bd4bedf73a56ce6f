package report

import (
	"cmp"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
	"github.com/kisi-operator/kisi-operator/internal/kisi"
	"github.com/kisi-operator/kisi-operator/internal/plan"
)

// Event is something that is said of objects: of which kinds, and what it means. Only this package makes them, so that
// docs/reference/events.md has them all. The reasons of Ready come on top; see OfReady.
type Event struct {
	Reason, Type string
	Kinds        []string
	Means        string
}

var (
	abandoned = Event{
		"Abandoned", corev1.EventTypeWarning, []string{entitlement.KindKisiConnection, entitlement.KindKisiGroup, entitlement.KindMember},
		"The object goes because of its annotation `abandon`, and so many role assignments stay in Kisi.",
	}
	retained = Event{
		"Retained", corev1.EventTypeNormal, []string{entitlement.KindKisiConnection},
		"The connection goes under `disconnectPolicy: Retain`, and so many role assignments stay in Kisi.",
	}
	abandonIgnored = Event{
		"AbandonIgnored", corev1.EventTypeWarning, []string{entitlement.KindKisiConnection, entitlement.KindKisiGroup, entitlement.KindMember},
		"The annotation `abandon` has another value than `true` and abandons nothing.",
	}
	approvalIgnored = Event{
		"ApprovalIgnored", corev1.EventTypeWarning, []string{entitlement.KindKisiConnection, entitlement.KindKisiGroup, entitlement.KindMember},
		"The annotation `approve-revocations-until` is no time, has passed, or lies too far ahead, and approves nothing.",
	}
	claimIgnored = Event{
		"ClaimIgnored", corev1.EventTypeWarning, []string{entitlement.KindKisiGroup},
		"The annotation `claim` is too long and claims nothing.",
	}
	rebindIgnored = Event{
		"RebindIgnored", corev1.EventTypeWarning, []string{entitlement.KindKisiGroup},
		"The annotation `rebind` is too long and looks nothing up.",
	}
	revocationsHeld = Event{
		v1alpha1.ReasonRevocationsHeld, corev1.EventTypeWarning, []string{entitlement.KindKisiConnection},
		"The revocation limit has begun to hold grants of the connection.",
	}
	deletionUndone = Event{
		v1alpha1.ReasonDeletionUndone, corev1.EventTypeWarning, []string{entitlement.KindBookingGrant},
		"The booking was deleted after its time to live and made again twice, and stays.",
	}
	organizerNotMember = Event{
		v1alpha1.ReasonOrganizerNotMember, corev1.EventTypeWarning, []string{entitlement.KindBookingGrant},
		"The booking opens nothing, because its organizer is no member when it starts.",
	}
	// TookOver says that a Member stands for its address from now on.
	TookOver = Event{
		"TookOver", corev1.EventTypeNormal, []string{entitlement.KindMember},
		"This Member stands for its address from now on, and so many role assignments moved here from another Member. Nothing changes in Kisi.",
	}

	// drift is what others did in Kisi.
	drift = map[plan.FindingKind]Event{
		plan.AssignmentRemoved: ofMember(plan.AssignmentRemoved, "Somebody removed a role assignment of the person in Kisi. What is still wanted is granted again."),
		plan.WindowChanged:     ofMember(plan.WindowChanged, "Somebody changed the window of a role assignment in Kisi. It is corrected."),
		plan.AssignmentAdded:   ofMember(plan.AssignmentAdded, "Somebody gave the person a role assignment in an Exclusive group that nothing asks for. It is revoked."),
		plan.UserSuspended:     ofMember(plan.UserSuspended, "Somebody suspended the person in Kisi. `users.removedInKisi` decides what follows."),
		plan.UserRemoved:       ofMember(plan.UserRemoved, "Somebody deleted the person in Kisi. `users.removedInKisi` decides what follows."),
		plan.GroupCorrected: {
			string(plan.GroupCorrected), corev1.EventTypeWarning, []string{entitlement.KindKisiGroup},
			"A managed group was not as its spec says, or was gone in Kisi, and was put right.",
		},
	}

	// webhook is what keeps Kisi's calls from arriving, by the reason of WebhookReady.
	webhook = map[string]Event{
		v1alpha1.ReasonReenabled:        ofWebhook(v1alpha1.ReasonReenabled, "Kisi had switched the webhook off, because its calls failed. It is switched on again."),
		v1alpha1.ReasonInsufficientRole: ofWebhook(v1alpha1.ReasonInsufficientRole, "The key's owner may not register webhooks."),
		v1alpha1.ReasonNotServed:        ofWebhook(v1alpha1.ReasonNotServed, "The operator takes no webhook calls."),
		v1alpha1.ReasonURLTaken:         ofWebhook(v1alpha1.ReasonURLTaken, "Another integration in Kisi calls the URL."),
		v1alpha1.ReasonSecretNotFound:   ofWebhook(v1alpha1.ReasonSecretNotFound, "The Secret with the signature key is not there."),
		v1alpha1.ReasonSecretKeyMissing: ofWebhook(v1alpha1.ReasonSecretKeyMissing, "The Secret with the signature key has no such key."),
	}
)

func ofMember(kind plan.FindingKind, means string) Event {
	return Event{string(kind), corev1.EventTypeWarning, []string{entitlement.KindMember}, means}
}

func ofWebhook(reason, means string) Event {
	return Event{"Webhook" + reason, corev1.EventTypeWarning, []string{entitlement.KindKisiConnection}, means}
}

// Drift is what is said of something that somebody did in Kisi.
func Drift(kind plan.FindingKind) Event { return drift[kind] }

// All returns every Event but those of OfReady, by reason.
func All() []Event {
	all := []Event{
		abandoned, retained, abandonIgnored, approvalIgnored, claimIgnored, rebindIgnored, revocationsHeld, deletionUndone, organizerNotMember, TookOver,
	}
	for _, of := range drift {
		all = append(all, of)
	}
	for _, of := range webhook {
		all = append(all, of)
	}
	slices.SortFunc(all, func(a, b Event) int { return cmp.Compare(a.Reason, b.Reason) })
	return all
}

// OfReady returns the type of the Event that is written when Ready changes so, or "" where it is none.
func OfReady(object client.Object, before, after []metav1.Condition) (eventType string) {
	if n := newsOf(object, before, after); n != nil {
		return n.eventType
	}
	return ""
}

// Say writes an Event, in the course of an action. Without a recorder it says nothing.
func Say(recorder events.EventRecorder, about client.Object, of Event, action, message string) {
	if recorder != nil {
		recorder.Eventf(about, nil, of.Type, of.Reason, action, "%s", kisi.Printable(message, longestNote))
	}
}

// longestNote is what the API server takes of an Event's note, in bytes: one that is longer is refused, and nobody hears of it.
const longestNote = 1024

// with is the Event with what it says this time.
func (e Event) with(message string) *news { return &news{e.Type, e.Reason, message} }

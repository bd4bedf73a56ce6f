package reason

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
)

// ofAccess are the reasons of people, and of what gives them access.
var ofAccess = []Reason{
	{
		Name:    v1alpha1.ReasonGranted,
		On:      []Place{ready(subscription, booking, member)},
		Means:   "Everybody concerned may enter now.",
		Command: "kubectl kisi access PERSON",
	},
	{
		Name:    v1alpha1.ReasonScheduled,
		On:      []Place{ready(subscription, booking, member)},
		Means:   "Access opens later. It is written to Kisi `grantAhead` before that.",
		Command: "kubectl kisi access PERSON",
	},
	{
		Name:    v1alpha1.ReasonNoAccess,
		On:      []Place{ready(member)},
		Means:   "Nothing gives the person access now.",
		Do:      "If something should, see why it does not.",
		Command: "kubectl kisi access PERSON",
	},
	{
		Name:  v1alpha1.ReasonNotActive,
		On:    []Place{ready(member)},
		Means: "`state` of the Member is not Active, so the person has no access.",
		Do:    "Set `state: Active` if the person is to have access.",
	},
	{
		Name:  v1alpha1.ReasonEnded,
		On:    []Place{ready(subscription, booking)},
		Means: "It is over. Kisi has closed the doors by itself.",
	},
	{
		Name:  v1alpha1.ReasonCanceled,
		On:    []Place{ready(subscription, booking)},
		Means: "`state` is Canceled, and everything is taken back.",
	},
	{
		Name:  v1alpha1.ReasonPending,
		On:    []Place{ready(subscription)},
		Means: "`state` is Pending, so the subscription gives nothing yet.",
	},
	{
		Name:  v1alpha1.ReasonExhausted,
		On:    []Place{ready(subscription)},
		Means: "Every day pass is used up.",
		Do:    "Raise `dayPasses.total`, or lower `used`.",
	},
	{
		Name:    v1alpha1.ReasonNoPeople,
		On:      []Place{ready(subscription)},
		Means:   "No Member lists the team, so nobody has access.",
		Do:      "Add the team to `teams` of the Members, or correct its name.",
		Command: "kubectl get mbr -o custom-columns=NAME:.metadata.name,TEAMS:.spec.teams",
	},
	{
		Name:    v1alpha1.ReasonOrganizerNotMember,
		On:      []Place{ready(booking)},
		Means:   "The organizer is no member when the booking starts, and the place lets in bookings of members only, so nobody gets in.",
		Do:      "Extend the membership, create a Member or a subscription, or set `bookings.nonMembers: Allow` on the place.",
		Command: "kubectl kisi access PERSON",
	},
	{
		Name:    v1alpha1.ReasonWithheld,
		On:      []Place{ready(subscription, booking, member)},
		Means:   "An admin or the directory removed or suspended the person in Kisi, and that is respected. On a booking or subscription: some of its people, or their Member is not Active; everybody else is in.",
		Do:      "Enable the person in Kisi, or let them in again from here.",
		Command: "kubectl kisi reinstate MEMBER",
	},
	{
		Name:    v1alpha1.ReasonGranting,
		On:      []Place{reconciling(subscription, booking, member)},
		Means:   "Access is wanted and not in Kisi yet. The message counts, and says whom Kisi refuses.",
		Do:      "Wait. If it takes longer than seconds, the [runbook](runbooks/KisiDoorsLate.md) says where to look.",
		Command: "kubectl kisi status",
	},
	{
		Name:    v1alpha1.ReasonRevoking,
		On:      []Place{reconciling(subscription, booking, member)},
		Means:   "Access is not wanted any more and still in Kisi.",
		Do:      "Wait. If it takes minutes, the [runbook](runbooks/KisiRevocationsLate.md) says where to look.",
		Command: "kubectl kisi status",
	},
	{
		Name: v1alpha1.ReasonRevocationsHeld,
		On: []Place{
			waiting(subscription, booking, member),
			{Condition: v1alpha1.ConditionRevocationsHeld, Status: metav1.ConditionTrue, Kinds: []string{connection}},
		},
		Means:   "So many objects disappeared at once that the revocation limit holds what they gave. Whoever is held keeps the access.",
		Do:      "If they were meant to disappear, approve; otherwise put them back. The [runbook](runbooks/KisiRevocationsHeld.md) says how to tell.",
		Command: "kubectl kisi approve GROUP",
	},
	{
		Name:    v1alpha1.ReasonBlockedByForeignAssignment,
		On:      []Place{waiting(subscription, booking, member)},
		Means:   "Kisi takes no second assignment of a person in a group, and somebody else's is there with another window.",
		Do:      "Remove it in Kisi, or wait until it ends.",
		Command: "kubectl kisi access PERSON",
	},
	{
		Name: v1alpha1.ReasonObserving,
		On: []Place{
			waiting(subscription, booking, member), isFalse(v1alpha1.ConditionLoginReady, member), isFalse(v1alpha1.ConditionWebhookReady, connection),
		},
		Means:   "`mode` of the KisiConnection (Observe, or GrantOnly for a revocation) keeps it from being done. `status.planned` of the Members says what would be.",
		Do:      "Set `mode: Enforce` when the plan is right.",
		Command: "kubectl get mbr -o custom-columns=NAME:.metadata.name,PLANNED:.status.plannedCount",
	},
	{
		Name:    v1alpha1.ReasonRefusedByKisi,
		On:      []Place{waiting(member)},
		Means:   "Kisi does not take the address, the name, or what else the message says in Kisi's own words.",
		Do:      "Correct it where it is named: the Member, the booking or the subscription.",
		Command: "kubectl describe mbr NAME",
	},
	{
		Name:    v1alpha1.ReasonKisiLimitReached,
		On:      []Place{waiting(member)},
		Means:   "The organization's plan in Kisi has no seat left.",
		Do:      "Free a seat or extend the plan. It is tried every few minutes, and at once when asked for.",
		Command: "kubectl kisi reconcile mbr/NAME",
	},
	{
		Name:    v1alpha1.ReasonDuplicateEmail,
		On:      []Place{stalled(member)},
		Means:   "An older Member has this address and stands for the person.",
		Do:      "Delete one of the two; nobody loses access by that.",
		Command: "kubectl get mbr --field-selector spec.email=ADDRESS",
	},
	{
		Name:  v1alpha1.ReasonEmailMatches,
		On:    []Place{isTrue(v1alpha1.ConditionEmailMatches, member)},
		Means: "Kisi knows the person by `spec.email`.",
	},
	{
		Name:    v1alpha1.ReasonEmailChangedInKisi,
		On:      []Place{isFalse(v1alpha1.ConditionEmailMatches, member)},
		Means:   "The user's address was changed in Kisi. The user stays this person's.",
		Do:      "Change `spec.email` if the user is somebody else's by now (another user is let in then), or change the address back in Kisi.",
		Command: "kubectl describe mbr NAME",
	},
	{
		Name:    v1alpha1.ReasonTrackedByGitOps,
		On:      []Place{isTrue(v1alpha1.ConditionKept, booking)},
		Means:   "The booking's time to live is over, and it stays: a GitOps tool tracks it and would make it again.",
		Do:      "Take it out of the repository, or set `ttlSecondsAfterEnd`.",
		Command: "kubectl get bgrant -o wide",
	},
	{
		Name:    v1alpha1.ReasonDeletionUndone,
		On:      []Place{isTrue(v1alpha1.ConditionKept, booking)},
		Means:   "The booking's time to live is over, and it stays: it was deleted and made again twice.",
		Do:      "Take it out of what makes it, then delete it; or set `ttlSecondsAfterEnd: -1` there.",
		Command: "kubectl get bgrant -o wide",
	},
	{
		Name:  v1alpha1.ReasonLoginStored,
		On:    []Place{isTrue(v1alpha1.ConditionLoginReady, member)},
		Means: "The Secret that the message names holds the person's login.",
	},
	{
		Name:    v1alpha1.ReasonLoginPending,
		On:      []Place{isFalse(v1alpha1.ConditionLoginReady, member)},
		Means:   "The login is being made, or a step of that is tried again.",
		Do:      "Wait.",
		Command: "kubectl describe mbr NAME",
	},
	{
		Name:    v1alpha1.ReasonLoginRefused,
		On:      []Place{isFalse(v1alpha1.ConditionLoginReady, member)},
		Means:   "Kisi makes no login for the person: it does so for managed users only, by the address that the user has in Kisi, and not without end.",
		Do:      "Do what the message says; remove logins that nobody uses in Kisi; or set `users.logins: None`.",
		Command: "kubectl describe mbr NAME",
	},
	{
		Name:    v1alpha1.ReasonLoginsForbidden,
		On:      []Place{isFalse(v1alpha1.ConditionLoginReady, member)},
		Means:   "The operator may not create Secrets.",
		Do:      "Give it the role (chart: `rbac.logins`), or set `users.logins: None`.",
		Command: "kubectl apply -k config/rbac-logins",
	},
	{
		Name:    v1alpha1.ReasonSecretNameTaken,
		On:      []Place{isFalse(v1alpha1.ConditionLoginReady, member)},
		Means:   "A Secret of the name that the login's would have is not this Member's.",
		Do:      "Delete or rename that Secret, or rename the Member.",
		Command: "kubectl get secret",
	},
}

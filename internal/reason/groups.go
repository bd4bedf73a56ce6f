package reason

import "github.com/kisi-operator/kisi-operator/api/v1alpha1"

// ofGroups are the reasons of a KisiGroup.
var ofGroups = []Reason{
	{
		Name:  v1alpha1.ReasonBound,
		On:    []Place{ready(group)},
		Means: "The KisiGroup stands for the group in Kisi that `status.kisiGroupID` names.",
	},
	{
		Name:  v1alpha1.ReasonCreating,
		On:    []Place{reconciling(group)},
		Means: "The managed group is being made in Kisi.",
		Do:    "Wait.",
	},
	{
		Name:  v1alpha1.ReasonUpdating,
		On:    []Place{reconciling(group)},
		Means: "The managed group is being changed in Kisi.",
		Do:    "Wait.",
	},
	{
		Name: v1alpha1.ReasonDeleting,
		On:   []Place{reconciling(connection, group), waiting(group)},
		Means: "The object was deleted and goes once what it gave is taken back, or the managed group is deleted in Kisi. The message says what it waits for: " +
			"requests, the connection's `mode`, or the revocation limit.",
		Do:      "Wait, or do what the message says. If its side in Kisi cannot be reached any more, let go of it: what is in Kisi stays there.",
		Command: "kubectl annotate KIND NAME access.kisi-operator.dev/abandon=true",
	},
	{
		Name:    v1alpha1.ReasonGroupNotExclusive,
		On:      []Place{stalled(group)},
		Means:   "`assignments: Exclusive`, and the group has assignments that nothing here asks for, or more than Kisi lists. It is not bound, so nobody loses anything.",
		Do:      "Ask for them here (Members), remove them in Kisi, or set `atBinding: TakeOver` to have them removed, or `assignments: Shared`.",
		Command: "kubectl describe kgrp NAME",
	},
	{
		Name:    v1alpha1.ReasonGroupAlreadyBound,
		On:      []Place{stalled(group)},
		Means:   "Another KisiGroup is bound to the same group in Kisi.",
		Do:      "Use that KisiGroup, or delete it.",
		Command: "kubectl get kgrp -A -o custom-columns=NS:.metadata.namespace,NAME:.metadata.name,KISI:.status.kisiGroupID",
	},
	{
		Name:    v1alpha1.ReasonForeignAssignments,
		On:      []Place{stalled(group)},
		Means:   "The KisiGroup was deleted, and its group in Kisi is not, because others' assignments are in it or because it may not be this operator's any more.",
		Do:      "Remove the assignments in Kisi, set `managed.deletionPolicy: Retain`, or let go of it.",
		Command: "kubectl annotate kgrp NAME access.kisi-operator.dev/abandon=true",
	},
	{
		Name:    v1alpha1.ReasonDoorNotFound,
		On:      []Place{waiting(group)},
		Means:   "No door in Kisi has the id or the exact name in `managed.doors`, or it is another place's. The group goes on without it.",
		Do:      "Correct the list, or the door in Kisi. After a change in Kisi have the names looked up again.",
		Command: "kubectl annotate kgrp NAME --overwrite access.kisi-operator.dev/rebind=$(date +%s)",
	},
	{
		Name:  v1alpha1.ReasonCompatible,
		On:    []Place{isTrue(v1alpha1.ConditionPartnerAppCompatible, group)},
		Means: "Nothing keeps another app than Kisi's from opening the doors.",
	},
	{
		Name:    v1alpha1.ReasonRestrictionsInTheWay,
		On:      []Place{isFalse(v1alpha1.ConditionPartnerAppCompatible, group)},
		Means:   "Advice: a restriction of the group or of one of its doors keeps another app than Kisi's from unlocking. The message names each.",
		Do:      "Switch it off in Kisi, or for a managed group in `managed.restrictions`.",
		Command: "kubectl describe kgrp NAME",
	},
}

// ofReferences are the reasons of whatever names another object, or something in Kisi.
var ofReferences = []Reason{
	{
		Name:  v1alpha1.ReasonResolved,
		On:    []Place{ready(place, plan)},
		Means: "Everything that the object names is there.",
	},
	{
		Name:    v1alpha1.ReasonConnectionNotFound,
		On:      []Place{waiting(group, place, plan, subscription, booking, member)},
		Means:   "There is no KisiConnection of the name in this namespace. Nothing is granted or revoked through it.",
		Do:      "Create it, or correct `connectionRef`. For what it granted before, [uninstall](uninstall.md) has the ways out.",
		Command: "kubectl get kconn",
	},
	{
		Name:    v1alpha1.ReasonConnectionNotReady,
		On:      []Place{waiting(group, place, plan, subscription, booking, member), isFalse(v1alpha1.ConditionLoginReady, member)},
		Means:   "The KisiConnection is not Ready. Whoever is in stays in; windows close in Kisi by themselves.",
		Do:      "See Ready of the KisiConnection.",
		Command: "kubectl kisi doctor",
	},
	{
		Name:    v1alpha1.ReasonGroupNotFound,
		On:      []Place{waiting(group, place, plan, subscription, booking, member)},
		Means:   "On a KisiGroup: no group in Kisi has the id or the exact name, or it is gone; or it is not made under `mode: Observe`. Elsewhere: there is no KisiGroup of the name, or it is not bound; the message says which.",
		Do:      "Create what the message names, or correct the reference. What a group gave that has gone in Kisi is not taken for revoked; `rebind` looks its name up again.",
		Command: "kubectl get kgrp",
	},
	{
		Name:    v1alpha1.ReasonPlaceNotFound,
		On:      []Place{waiting(group, place, subscription, booking, member)},
		Means:   "There is no PlaceMapping as named; or, on a PlaceMapping or a KisiGroup, no place in Kisi has the id or the exact name.",
		Do:      "Create what the message names, or correct the reference.",
		Command: "kubectl get pmap",
	},
	{
		Name:    v1alpha1.ReasonPlanNotFound,
		On:      []Place{waiting(subscription)},
		Means:   "There is no AccessPlan as `planRef` names it.",
		Do:      "Create it, or correct `planRef`.",
		Command: "kubectl get aplan",
	},
	{
		Name:    v1alpha1.ReasonMemberNotFound,
		On:      []Place{waiting(subscription)},
		Means:   "There is no Member as `subject.memberRef` names it.",
		Do:      "Create it, or correct `memberRef`.",
		Command: "kubectl get mbr",
	},
	{
		Name:    v1alpha1.ReasonAudienceNotFound,
		On:      []Place{waiting(subscription, member)},
		Means:   "The PlaceMapping has no such audience in `access`.",
		Do:      "Add it there, or correct the audience.",
		Command: "kubectl get pmap NAME -o jsonpath='{.spec.access[*].audience}'",
	},
	{
		Name:    v1alpha1.ReasonPlaceNotBookable,
		On:      []Place{waiting(booking)},
		Means:   "The PlaceMapping has no `bookings`, so a booking of it opens nothing.",
		Do:      "Add `bookings` to the PlaceMapping, or correct the booking.",
		Command: "kubectl edit pmap NAME",
	},
	{
		Name:    v1alpha1.ReasonAmbiguousName,
		On:      []Place{stalled(group, place, subscription, booking, member)},
		Means:   "Several groups, places or doors in Kisi have the name, so none of them is meant. Nothing is granted or revoked through it meanwhile.",
		Do:      "Name it by `id`; a group also by `place` beside its name.",
		Command: "kubectl describe KIND NAME",
	},
	{
		Name:    v1alpha1.ReasonAmbiguousReference,
		On:      []Place{stalled(subscription, booking, member)},
		Means:   "Several objects have the `externalID`. On a Member also: several users in Kisi may be the person, or its grants cannot be handed over, as the message says.",
		Do:      "Refer to one by `name` (a place also by `kind`), or make the ids differ. Spell `email` like the user who is meant.",
		Command: "kubectl get pmap,aplan,mbr -o custom-columns=KIND:.kind,NAME:.metadata.name,ID:.spec.externalID",
	},
	{
		Name:    v1alpha1.ReasonPlaceMismatch,
		On:      []Place{stalled(place, subscription, booking, member)},
		Means:   "A group of the PlaceMapping lies in another place in Kisi than its `kisiPlace`. Nothing is granted or revoked through the mapping meanwhile.",
		Do:      "Use a group of that place, or correct `kisiPlace`.",
		Command: "kubectl get kgrp -o custom-columns=NAME:.metadata.name,PLACE:.status.placeID",
	},
	{
		Name:    v1alpha1.ReasonConnectionMismatch,
		On:      []Place{stalled(place, subscription, booking, member)},
		Means:   "A group of the PlaceMapping belongs to another KisiConnection. Nothing is granted or revoked through the mapping meanwhile.",
		Do:      "Use groups of the mapping's connection, or another mapping.",
		Command: "kubectl get kgrp -o custom-columns=NAME:.metadata.name,CONNECTION:.spec.connectionRef.name",
	},
}

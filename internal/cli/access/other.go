package access

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/cli/objects"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
)

// otherWays says what the objects tell of access that is not this operator's: an assignment that covers a window, the
// organization's owner, and how many assignments of others there are in the person's groups.
func (q Question) otherWays(who somebody, groups []Group) []OtherWay {
	var ways []OtherWay
	for _, m := range who.members {
		for _, row := range m.Status.Grants {
			if row.State == v1alpha1.GrantCovered {
				ways = append(ways, OtherWay{WayForeignAssignment, fmt.Sprintf("an assignment in Kisi group %d (KisiGroup %s) that is not the operator's lets the person in", row.KisiGroupID, row.Group)})
			}
		}
		for _, account := range m.Status.Accounts {
			for _, c := range q.In.Connections {
				if a := c.Status.Account; a != nil && c.Status.Organization != nil && a.UserID == account.UserID && c.Status.Organization.ID == account.OrganizationID && a.Role == v1alpha1.AccountRoleOwner {
					ways = append(ways, OtherWay{WayOwner, fmt.Sprintf("owns the Kisi organization of KisiConnection %s, whose owner may open every door", c.Name)})
				}
			}
		}
	}
	foreign := false
	for _, g := range groups {
		object, _ := q.In.Named(entitlement.KindKisiGroup, g.Name).(*v1alpha1.KisiGroup)
		if object != nil && object.Status.Counts != nil && object.Status.Counts.Foreign > 0 {
			foreign = true
			ways = append(ways, OtherWay{WayForeignAssignments, fmt.Sprintf("KisiGroup %s has %d assignment(s) in Kisi that are not the operator's; the objects do not say whose", g.Name, object.Status.Counts.Foreign)})
		}
	}
	slices.SortStableFunc(ways, func(a, b OtherWay) int { return cmp.Compare(a.Kind, b.Kind) })
	ways = slices.Compact(ways)
	text := "Kisi teams, and roles on places or the organization, are not in the objects; look in Kisi"
	if foreign {
		text = "whose they are, Kisi teams, and roles on places or the organization, are not in the objects; look in Kisi"
	}
	return append(ways, OtherWay{WayNotTold, text})
}

// problems lists why a person has less than the objects seem to say: those of their own references, and those of the
// bookings and subscriptions that name them.
func problems(in *objects.Indexed, who somebody, wanted entitlement.Entitlements, now time.Time) []Problem {
	var all []Problem
	member := objects.Name(who.judged)
	if wanted.Inactive {
		all = append(all, Problem{member, v1alpha1.ReasonNotActive, fmt.Sprintf("spec.state is %s, and only Active gives access", who.judged.Spec.State)})
	}
	for _, p := range wanted.Problems {
		all = append(all, Problem{member, p.Reason, p.Message})
	}
	for source, p := range wanted.Frozen {
		if !slices.ContainsFunc(wanted.Problems, func(own entitlement.Problem) bool { return own.Message == p.Message }) {
			all = append(all, Problem{source, p.Reason, p.Message})
		}
	}
	bookings, _ := in.Bookings(who.address) // what cannot be read has ended the evaluation before
	for _, b := range bookings {
		verdict, err := entitlement.EvaluateBooking(in, b, now)
		if err != nil || !b.DeletionTimestamp.IsZero() || verdict.Phase == v1alpha1.BookingPhaseEnded {
			continue
		}
		switch {
		case verdict.Phase == v1alpha1.BookingPhaseCanceled:
			all = append(all, Problem{objects.Name(b), v1alpha1.ReasonCanceled, "spec.state is Canceled"})
		case verdict.Excluded:
			all = append(all, Problem{objects.Name(b), v1alpha1.ReasonOrganizerNotMember, "the organizer is no member, and the place denies bookings of non-members (spec.bookings.nonMembers)"})
		case verdict.Problem != nil && !verdict.Problem.Freezes:
			all = append(all, Problem{objects.Name(b), verdict.Problem.Reason, verdict.Problem.Message})
		}
	}
	for _, s := range subscriptionsOf(in, who) {
		verdict, err := entitlement.EvaluateSubscription(in, s, now)
		if err != nil || !s.DeletionTimestamp.IsZero() {
			continue
		}
		switch verdict.Phase {
		case v1alpha1.SubscriptionPhaseCanceled, v1alpha1.SubscriptionPhasePending:
			all = append(all, Problem{objects.Name(s), string(verdict.Phase), fmt.Sprintf("spec.state is %s, and only Active gives access", s.Spec.State)})
		case v1alpha1.SubscriptionPhaseEnded:
			all = append(all, Problem{objects.Name(s), v1alpha1.ReasonEnded, "spec.endTime has passed"})
		case v1alpha1.SubscriptionPhaseExhausted:
			all = append(all, Problem{objects.Name(s), v1alpha1.ReasonExhausted, fmt.Sprintf("spec.dayPasses: %d of %d used", s.Spec.DayPasses.Used, s.Spec.DayPasses.Total)})
		default:
			if verdict.Problem != nil && !verdict.Problem.Freezes {
				all = append(all, Problem{objects.Name(s), verdict.Problem.Reason, verdict.Problem.Message})
			}
		}
	}
	slices.SortFunc(all, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Object, b.Object), cmp.Compare(a.Message, b.Message))
	})
	return slices.Compact(all)
}

// subscriptionsOf lists the subscriptions that a person holds, alone or by a team.
func subscriptionsOf(in *objects.Indexed, who somebody) []*v1alpha1.AccessSubscription {
	held, _ := in.SubscriptionsOf(who.address) // as for bookings
	held = slices.Clone(held)
	for _, m := range who.members {
		own, _ := in.SubscriptionsOfMember(m)
		held = append(held, own...)
	}
	if !entitlement.IsImplicit(who.judged) {
		for _, team := range who.judged.Spec.Teams {
			of, _ := in.SubscriptionsOfTeam(team)
			held = append(held, of...)
		}
	}
	slices.SortFunc(held, objects.ByName)
	return slices.Compact(held)
}

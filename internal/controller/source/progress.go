package source

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/controller/internal/conditions"
	"github.com/kisi-operator/kisi-operator/internal/controller/limit"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
	"github.com/kisi-operator/kisi-operator/internal/plan"
	"github.com/kisi-operator/kisi-operator/internal/tenant"
)

// offer is what a source gives: to whom, which groups, and when.
type offer struct {
	source string // Kind/name, as the ledger writes it
	people []entitlement.Invitee
	// find returns the Members of an address.
	find func(entitlement.Address) ([]*v1alpha1.Member, error)
	// byAddress says that the people are named one by one, so that Members are made for those whom nobody stands for.
	byAddress bool
	groups    []v1alpha1.ObjectName
	window    entitlement.Window
	// open says that the source lets in its people, now or later.
	open bool
	// excluded says that a rule keeps everybody out.
	excluded bool
	// over says that the status has already told that nobody has anything of it any more.
	over    bool
	problem *entitlement.Problem
	// unnamed is why nobody can stand for one of the people, or nil.
	unnamed error
}

// progress is what has become of an offer.
type progress struct {
	people v1alpha1.PeopleCounts
	// revoking counts people who still have a row that names the source though it gives nothing any more.
	revoking int
	// held counts people whose row is held by the revocation limit.
	held int
	// blocked, planned: people whom a foreign row, or the connection's mode, keeps out.
	blocked, planned int
	// refused counts people whom Kisi does not let in, by the reason that their Members say.
	refused map[string]int
	// hindrance is a group that cannot be used now.
	hindrance *plan.Target
	// due is when the offer is written to Kisi; people are not expected to be in before.
	due time.Time
}

// progressOf reads the ledgers of everybody whom the offer names.
func progressOf(l *tenant.Snapshot, o offer, now time.Time) (progress, error) {
	p := progress{people: v1alpha1.PeopleCounts{Total: int32(len(o.people))}} // #nosec G115 -- bounded by the namespace
	if err := p.survey(l, o); err != nil {
		return p, err
	}
	for _, invitee := range o.people {
		members, err := o.find(invitee.Address)
		if err != nil {
			return p, err
		}
		p.add(o, entitlement.Serving(members), now)
	}
	return p, nil
}

// survey finds out when the offer is written to Kisi, and what keeps it from being.
func (p *progress) survey(l *tenant.Snapshot, o offer) error {
	for _, name := range o.groups {
		target, err := l.Target(name)
		if err != nil {
			return err
		}
		// A pause is the least of them: it hinders nobody who is in.
		if target.State == plan.TargetFrozen && (p.hindrance == nil || p.paused()) {
			p.hindrance = &target
		}
		if ahead := l.Connections[target.OrganizationID].GrantAhead; !o.window.From.IsZero() {
			p.due = entitlement.Sooner(p.due, o.window.From.Add(-ahead))
		}
	}
	return nil
}

// paused reports whether it is only the pause of a connection that keeps a group from being used.
func (p *progress) paused() bool {
	return p.hindrance != nil && p.hindrance.Reason == v1alpha1.ReasonPaused
}

// add counts one person.
func (p *progress) add(o offer, member *v1alpha1.Member, now time.Time) {
	if o.excluded {
		p.people.Excluded++
	}
	if member == nil {
		return
	}
	has := standingOf(o, member, now)
	switch {
	case o.excluded:
	case has.withheld, !entitlement.IsImplicit(member) && member.Spec.State != v1alpha1.MemberActive:
		p.people.Withheld++
	case o.open && has.everything:
		p.people.Granted++
	case has.blocked:
		p.blocked++
	case heldByMode(member):
		p.planned++
	case o.open:
		p.addRefused(member)
	}
	if has.held {
		p.held++
	}
	if (has.named || has.leaving && !o.over) && (!o.open || o.excluded) {
		p.revoking++
	}
}

// addRefused counts a person whose Member says that Kisi refuses what is asked for them.
func (p *progress) addRefused(member *v1alpha1.Member) {
	reason := conditions.Refusal(member.Status.Conditions)
	if reason == "" {
		return
	}
	if p.refused == nil {
		p.refused = map[string]int{}
	}
	p.refused[reason]++
}

// granting says how many people are not in yet, and for which reasons of their Members.
func (p progress) granting(toDo int32) conditions.Verdict {
	message := fmt.Sprintf("granting access: %d of %d people pending", toDo, p.people.Total)
	var reasons []string
	for _, reason := range slices.Sorted(maps.Keys(p.refused)) {
		reasons = append(reasons, fmt.Sprintf("%d %s", p.refused[reason], reason))
	}
	if len(reasons) > 0 {
		message += ", of whom Kisi refuses " + strings.Join(reasons, ", ") + "; see the condition Ready of their Members"
	}
	return conditions.Reconciling(v1alpha1.ReasonGranting, message)
}

// heldByMode reports whether the mode of a connection keeps something from being done for the person.
func heldByMode(member *v1alpha1.Member) bool {
	ready := meta.FindStatusCondition(member.Status.Conditions, v1alpha1.ConditionReady)
	return member.Status.PlannedCount > 0 && ready != nil && ready.Reason != v1alpha1.ReasonRevocationsHeld
}

// share is what one person has of an offer.
type share struct {
	everything                     bool // may enter through every group, or will
	named, held, blocked, withheld bool
	leaving                        bool // a row in one of its groups is being taken back, and so names no source any more
}

func standingOf(o offer, member *v1alpha1.Member, now time.Time) share {
	has := share{everything: len(o.groups) > 0}
	for _, group := range o.groups {
		has.everything = has.everything && grantedIn(member, group, o.window, now)
	}
	for _, row := range member.Status.Grants {
		named := slices.Contains(row.Sources, o.source)
		has.named = has.named || named
		has.held = has.held || named && row.State == v1alpha1.GrantHeld
		for _, group := range o.groups {
			if row.Group == group {
				has.leaving = has.leaving || row.State == v1alpha1.GrantRevoking
				has.blocked = has.blocked || row.State == v1alpha1.GrantBlocked
				has.withheld = has.withheld || row.State == v1alpha1.GrantWithheld
			}
		}
	}
	return has
}

// grantedIn reports whether the person may enter through the group for all that is left of the window, or will.
func grantedIn(member *v1alpha1.Member, group v1alpha1.ObjectName, window entitlement.Window, now time.Time) bool {
	for _, row := range member.Status.Grants {
		if row.Group != group {
			continue
		}
		switch row.State {
		case v1alpha1.GrantActive, v1alpha1.GrantScheduled, v1alpha1.GrantCovered:
			if plan.RowWindow(row).Covers(window, now) {
				return true
			}
		}
	}
	return false
}

// judge sums an open offer up for Ready; reached is the reason it has when everybody is in.
func (p progress) judge(o offer, reached string, now time.Time) conditions.Verdict {
	toDo := p.people.Total - p.people.Granted - p.people.Excluded - p.people.Withheld
	switch {
	case o.problem != nil:
		return conditions.Verdict{Reason: o.problem.Reason, Message: o.problem.Message, Stalled: o.problem.Stalled()}
	case o.excluded:
		return p.judgeClosed(v1alpha1.ReasonOrganizerNotMember, "the organizer is not a member at startTime, and the place lets in bookings of members only (bookings.nonMembers: Deny)")
	case p.hindrance != nil && !p.paused():
		return conditions.Waiting(p.hindrance.Reason, p.hindrance.Message)
	case p.held > 0:
		return p.revocationsHeld()
	case p.people.Total == 0:
		return conditions.Ready(v1alpha1.ReasonNoPeople, "no Member lists the team, so nobody has access")
	case toDo == 0 && p.people.Withheld > 0:
		return conditions.Ready(v1alpha1.ReasonWithheld, fmt.Sprintf("%d of %d people have no access: their Member is not Active, or they were removed or suspended in Kisi", p.people.Withheld, p.people.Total))
	case toDo == 0 || len(o.groups) == 0:
		return conditions.Ready(reached, reachedMessage(reached))
	case p.due.After(now):
		return conditions.Ready(v1alpha1.ReasonScheduled, "access is written to Kisi shortly before it opens (spec.grantAhead of the KisiConnection)")
	case p.hindrance != nil:
		return conditions.Waiting(p.hindrance.Reason, p.hindrance.Message)
	case p.blocked > 0:
		return conditions.Waiting(v1alpha1.ReasonBlockedByForeignAssignment, fmt.Sprintf("a foreign assignment in Kisi blocks access for %d of %d people; see the conditions of their Members", p.blocked, p.people.Total))
	case p.planned > 0:
		return conditions.Waiting(v1alpha1.ReasonObserving, "the mode of the KisiConnection keeps access from being granted; see status.planned of the Members")
	}
	granting := p.granting(toDo)
	if o.unnamed != nil {
		granting.Message += "; " + o.unnamed.Error()
	}
	return granting
}

func reachedMessage(reason string) string {
	if reason == v1alpha1.ReasonScheduled {
		return "access is scheduled for everybody named here"
	}
	return "everybody named here has access"
}

// judgeClosed sums up an offer that gives nothing any more, under its reason.
func (p progress) judgeClosed(reason, message string) conditions.Verdict {
	switch {
	case p.held > 0:
		return p.revocationsHeld()
	case p.revoking > 0 && p.hindrance != nil:
		return conditions.Waiting(p.hindrance.Reason, p.hindrance.Message)
	case p.revoking > 0 && p.planned > 0:
		return conditions.Waiting(v1alpha1.ReasonObserving, "the mode of the KisiConnection keeps access from being revoked; see status.planned of the Members")
	case p.revoking > 0:
		return conditions.Reconciling(v1alpha1.ReasonRevoking, fmt.Sprintf("revoking access: %d of %d people pending", p.revoking, p.people.Total))
	}
	return conditions.Ready(reason, message)
}

// revocationsHeld says that people keep what the source does not give them any more.
func (p progress) revocationsHeld() conditions.Verdict {
	return conditions.Waiting(v1alpha1.ReasonRevocationsHeld, fmt.Sprintf("the revocation limit holds the access of %d of %d people; %s", p.held, p.people.Total,
		limit.HowToApprove("the KisiConnection, the KisiGroup or the Member", limit.Approval{})))
}

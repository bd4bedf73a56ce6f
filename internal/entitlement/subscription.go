package entitlement

import (
	"fmt"
	"time"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
)

// Subscription is what an AccessSubscription comes to.
type Subscription struct {
	Phase v1alpha1.SubscriptionPhase
	// Window in which the subscription gives access, apart from its state. Where the last day pass is used up, it closes
	// with dayPasses.openUntil, if that is set.
	Window Window
	// Groups that the subscription gives; those that do not exist are among them, and named by Problem.
	Groups []v1alpha1.ObjectName
	// People who hold the subscription: one person, or the Members who list the team, sorted by the name of their Member.
	// Only EvaluateSubscription lists them.
	People []Invitee
	// Problem is why the subscription gives less than it names, or nil.
	Problem *Problem
	// Next is when the answer changes for another reason than the window; zero if it does not.
	Next time.Time
}

// Open reports whether the subscription lets in its people, now or later.
func (s Subscription) Open() bool {
	return s.Phase == v1alpha1.SubscriptionPhaseScheduled || s.Phase == v1alpha1.SubscriptionPhaseActive
}

// frozen reports whether rows that the subscription gave stay as they are. Its dates, state and day passes are its own
// and known whatever its references say, so they are obeyed.
func (s Subscription) frozen() bool { return s.Open() && s.Problem != nil && s.Problem.Freezes }

// EvaluateSubscription says what a subscription gives, and to whom, at the time now.
func EvaluateSubscription(objects Objects, subscription *v1alpha1.AccessSubscription, now time.Time) (Subscription, error) {
	s, err := evaluateHolding(objects, subscription, now)
	if err != nil {
		return s, err
	}
	s.People, err = holders(objects, subscription.Spec.Subject)
	return s, err
}

// evaluateHolding is EvaluateSubscription without the people, whom a person's own evaluation does not need: a team's
// would be listed once for each of its Members.
func evaluateHolding(objects Objects, subscription *v1alpha1.AccessSubscription, now time.Time) (Subscription, error) {
	spec := &subscription.Spec
	s := Subscription{Window: NewWindow(spec.StartTime, spec.EndTime)}
	var usedUp bool
	if passes := spec.DayPasses; passes != nil && passes.Used >= passes.Total {
		lastDay := NewWindow(nil, passes.OpenUntil)
		s.Window.Until = Sooner(s.Window.Until, lastDay.Until)
		usedUp = lastDay.Until.IsZero() || lastDay.Ended(now) || s.Window.Empty()
	}
	s.Phase = subscriptionPhase(spec, s.Window, usedUp, now)
	if end := instant(spec.EndTime); s.Phase == v1alpha1.SubscriptionPhaseExhausted && end.After(now) {
		s.Next = end // then it is Ended, which goes before Exhausted
	}
	return s, s.gather(objects, spec)
}

func subscriptionPhase(spec *v1alpha1.AccessSubscriptionSpec, window Window, usedUp bool, now time.Time) v1alpha1.SubscriptionPhase {
	switch {
	case spec.State == v1alpha1.SubscriptionCanceled:
		return v1alpha1.SubscriptionPhaseCanceled
	case spec.State == v1alpha1.SubscriptionPending:
		return v1alpha1.SubscriptionPhasePending
	case NewWindow(nil, spec.EndTime).Ended(now):
		return v1alpha1.SubscriptionPhaseEnded
	case usedUp:
		return v1alpha1.SubscriptionPhaseExhausted
	case !window.Opened(now):
		return v1alpha1.SubscriptionPhaseScheduled
	}
	return v1alpha1.SubscriptionPhaseActive
}

// gather collects the groups of the plan or those that replace them, and of the place.
func (s *Subscription) gather(objects Objects, spec *v1alpha1.AccessSubscriptionSpec) error {
	if ref := spec.Subject.MemberRef; ref != nil {
		_, problem, err := resolveMember(objects, "subject.memberRef", *ref)
		if err != nil {
			return err
		}
		s.Problem = weightier(s.Problem, problem)
	}
	own := appendGroups(nil, spec.GroupRefs)
	missing, err := groupsProblem(objects, "groupRefs", own)
	if err != nil {
		return err
	}
	s.Groups, s.Problem = own, weightier(s.Problem, missing)
	if spec.PlanRef != nil {
		if err := s.gatherPlan(objects, *spec.PlanRef, len(own) > 0); err != nil {
			return err
		}
	}
	if spec.PlaceRef != nil {
		return s.gatherPlace(objects, *spec.PlaceRef, spec.Audience)
	}
	return nil
}

func (s *Subscription) gatherPlan(objects Objects, ref v1alpha1.PlanReference, replaced bool) error {
	plan, problem, err := resolvePlan(objects, "planRef", ref)
	if err != nil {
		return err
	}
	s.Problem = weightier(s.Problem, problem)
	if plan == nil || replaced {
		return nil
	}
	s.Groups = appendGroups(s.Groups, plan.Spec.GroupRefs)
	missing, err := groupsProblem(objects, fmt.Sprintf("AccessPlan %s, groupRefs", plan.Name), appendGroups(nil, plan.Spec.GroupRefs))
	s.Problem = weightier(s.Problem, missing)
	return err
}

func (s *Subscription) gatherPlace(objects Objects, ref v1alpha1.PlaceReference, audience v1alpha1.Audience) error {
	place, problem, err := resolvePlace(objects, "placeRef", ref)
	if problem != nil || err != nil {
		s.Problem = weightier(s.Problem, problem)
		return err
	}
	groups, problem, err := audienceGroups(objects, place, audience)
	for _, name := range groups {
		s.Groups = appendGroups(s.Groups, []v1alpha1.GroupReference{{Name: name}})
	}
	s.Problem = weightier(s.Problem, problem)
	return err
}

// holders lists the people whom the subject means. A team's are those who stand for their address: what another Member
// of the same address lists does not count.
func holders(objects Objects, subject v1alpha1.Subject) ([]Invitee, error) {
	switch {
	case subject.Email != "":
		return []Invitee{{Address: Fold(subject.Email), Email: subject.Email, Name: subject.FullName}}, nil
	case subject.MemberRef != nil:
		member, _, err := resolveMember(objects, "subject.memberRef", *subject.MemberRef)
		if member == nil || err != nil {
			return nil, err
		}
		return []Invitee{inviteeOf(member)}, nil
	}
	found, err := objects.TeamMembers(subject.Team)
	if err != nil {
		return nil, fmt.Errorf("finding the Members of team %q: %w", subject.Team, err)
	}
	var people []Invitee
	for _, member := range present(found) {
		stands, err := standsAlone(objects, member)
		if err != nil {
			return nil, err
		}
		if stands {
			people = append(people, inviteeOf(member))
		}
	}
	return people, nil
}

func inviteeOf(member *v1alpha1.Member) Invitee {
	return Invitee{Address: Fold(member.Spec.Email), Email: member.Spec.Email, Name: member.Spec.FullName}
}

// standsAlone reports whether the Member is an explicit one who stands for its address.
func standsAlone(objects Objects, member *v1alpha1.Member) (bool, error) {
	members, err := objects.Members(Fold(member.Spec.Email))
	if err != nil {
		return false, fmt.Errorf("finding who stands for Member %s: %w", member.Name, err)
	}
	explicit := Explicit(members)
	return explicit != nil && explicit.Name == member.Name, nil
}

// PlanProblem says which groups of a plan do not exist. They may lie in several connections.
func PlanProblem(objects Objects, plan *v1alpha1.AccessPlan) (*Problem, error) {
	return GroupsProblem(objects, appendGroups(nil, plan.Spec.GroupRefs))
}

package entitlement

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
)

// Kinds as the ledger and messages name them.
const (
	KindMember             = "Member"
	KindPlaceMapping       = "PlaceMapping"
	KindAccessSubscription = "AccessSubscription"
	KindBookingGrant       = "BookingGrant"
	KindAccessPlan         = "AccessPlan"
	KindKisiGroup          = "KisiGroup"
	KindKisiConnection     = "KisiConnection"
)

// Entitlement is everything that one person should have in one group.
type Entitlement struct {
	Group v1alpha1.ObjectName
	// Windows are ordered, disjoint and not over.
	Windows []Sourced
}

// Entitlements is everything that one person should have.
type Entitlements struct {
	// Groups are sorted by name; a group without windows is absent.
	Groups []Entitlement
	// Frozen names the sources that contradict themselves: rows they gave stay as they are.
	Frozen map[string]Problem
	// Naming tells a source that takes back what it gave by its own word from one that disappeared.
	Naming Naming
	// Closed are the bookings and subscriptions that name the person and say of themselves, by state, dates, day passes or
	// who organizes them, that they give nothing, whichever groups they name by now.
	Closed map[string]bool
	// Problems are those of the Member's own spec, contradictions first; other sources report theirs on themselves.
	Problems []Problem
	// Inactive is set when the Member's state takes everything away.
	Inactive bool
	// Named reports whether any source names the person by address, whatever it gives.
	Named bool
	// Next is when the answer changes for a reason that no window shows; zero if it does not.
	Next time.Time
}

// Sooner returns the earlier of two times, where zero means never.
func Sooner(a, b time.Time) time.Time {
	if a.IsZero() || (!b.IsZero() && b.Before(a)) {
		return b
	}
	return a
}

// Claim is one window that one source gives in one group.
type Claim struct {
	Group  v1alpha1.ObjectName
	Window Window
	// Source as Kind/name.
	Source string
}

// collection is the evaluation of one person under way.
type collection struct {
	Entitlements
	objects Objects
	now     time.Time
	claims  []Claim
}

// For says what the person should have for whom the Member stands, at the time now. A Member that is being deleted is
// judged as the one that stands for the address then: what others still want, without its own references.
// It is asked only of Members that stand for their address, or are being deleted.
func For(objects Objects, member *v1alpha1.Member, now time.Time) (Entitlements, error) {
	entitlements, _, err := Explain(objects, member, now)
	return entitlements, err
}

// Explain is For, and the windows as each source gives them, before they are united. Those that have ended are among them;
// of a Member that is not Active all are, though they give nothing.
func Explain(objects Objects, member *v1alpha1.Member, now time.Time) (Entitlements, []Claim, error) {
	c := collection{objects: objects, now: now}
	err := c.collect(member)
	return c.Entitlements, c.claims, err
}

func (c *collection) collect(member *v1alpha1.Member) error {
	c.Frozen, c.Closed = map[string]Problem{}, map[string]bool{}
	address := Fold(member.Spec.Email)
	members, err := c.objects.Members(address)
	if err != nil {
		return fmt.Errorf("finding the person's Members: %w", err)
	}
	if !member.DeletionTimestamp.IsZero() {
		member = Explicit(members)
	} else if IsImplicit(member) {
		member = nil
	}
	explicit := member != nil
	if explicit {
		if err := c.own(member); err != nil {
			return err
		}
	}
	if err := c.subscribed(members, member, address); err != nil {
		return err
	}
	if err := c.booked(address); err != nil {
		return err
	}
	if explicit && member.Spec.State != v1alpha1.MemberActive {
		c.Inactive = true
		c.Frozen = map[string]Problem{} // the person's own state is no contradiction, whatever the sources are
		return nil
	}
	c.Groups = unite(c.claims, c.now)
	c.forgetInTime()
	return nil
}

// forgetInTime looks again when a source ends within a window that others keep open, and so is no reason for it any more.
func (c *collection) forgetInTime() {
	for _, claim := range c.claims {
		if until := claim.Window.Until; until.After(c.now) && !claim.Window.Empty() {
			for _, e := range c.Groups {
				if e.Group == claim.Group && !slices.ContainsFunc(e.Windows, func(w Sourced) bool { return w.Until.Equal(until) }) {
					c.Next = Sooner(c.Next, until)
				}
			}
		}
	}
}

// own collects what the Member's own spec gives.
func (c *collection) own(member *v1alpha1.Member) error {
	var names []v1alpha1.ObjectName
	for _, ref := range member.Spec.GroupRefs {
		window := NewWindow(ref.StartTime, ref.EndTime)
		c.Naming.add(SourceName(KindMember, member.Name), ref.Name)
		if window.Ended(c.now) {
			continue
		}
		names = append(names, ref.Name)
		c.give(SourceName(KindMember, member.Name), window, ref.Name)
	}
	missing, err := GroupsProblem(c.objects, names)
	if err != nil {
		return err
	}
	c.report(missing)
	for i, entry := range member.Spec.Places {
		if err := c.place(fmt.Sprintf("places[%d]", i), entry); err != nil {
			return err
		}
	}
	slices.SortStableFunc(c.Problems, func(a, b Problem) int { return cmp.Compare(weight(a), weight(b)) })
	return nil
}

func weight(p Problem) int {
	if p.Freezes {
		return 0
	}
	return 1
}

// place collects what one of the Member's places gives.
func (c *collection) place(field string, entry v1alpha1.MemberPlace) error {
	window := NewWindow(entry.StartTime, entry.EndTime)
	found, problem, err := findPlaces(c.objects, field+".placeRef", entry.PlaceRef)
	if err != nil {
		return err
	}
	c.namePlace(found, entry.Audience)
	if window.Ended(c.now) {
		return nil
	}
	var groups []v1alpha1.ObjectName
	if problem == nil {
		if groups, problem, err = audienceGroups(c.objects, found[0], entry.Audience); err != nil {
			return err
		}
	}
	if problem != nil {
		c.report(&Problem{Reason: problem.Reason, Message: qualified(field, problem.Message), Freezes: problem.Freezes})
		c.Next = Sooner(c.Next, window.Until)
	}
	if entry.State == v1alpha1.MemberPlacePending {
		return nil
	}
	for _, place := range found {
		source := SourceName(KindPlaceMapping, place.Name)
		if problem != nil && problem.Freezes {
			c.Frozen[source] = *problem
			continue
		}
		c.give(source, window, groups...)
	}
	return nil
}

// qualified says of which entry a message speaks, unless it does already.
func qualified(field, message string) string {
	if len(message) > len(field) && message[:len(field)] == field {
		return message
	}
	return field + ": " + message
}

// subscribed collects what subscriptions give to the person by address, by any Member of the address, and to the teams
// of the explicit Member that stands for it, if there is one.
func (c *collection) subscribed(members []*v1alpha1.Member, explicit *v1alpha1.Member, address Address) error {
	held, err := c.objects.SubscriptionsOf(address)
	if err != nil {
		return fmt.Errorf("finding the person's subscriptions: %w", err)
	}
	c.Named = len(present(held)) > 0
	for _, m := range present(members) {
		named, err := c.objects.SubscriptionsOfMember(m)
		if err != nil {
			return fmt.Errorf("finding the subscriptions of Member %s: %w", m.Name, err)
		}
		held = append(held[:len(held):len(held)], named...)
	}
	if explicit != nil {
		for _, team := range explicit.Spec.Teams {
			joined, err := c.objects.SubscriptionsOfTeam(team)
			if err != nil {
				return fmt.Errorf("finding the subscriptions of team %q: %w", team, err)
			}
			held = append(held[:len(held):len(held)], joined...)
		}
	}
	return c.hold(present(held))
}

// hold collects what the subscriptions give, each once. They are sorted by name.
func (c *collection) hold(subscriptions []*v1alpha1.AccessSubscription) error {
	last := ""
	for _, subscription := range subscriptions {
		if subscription.Name == last {
			continue
		}
		last = subscription.Name
		verdict, err := evaluateHolding(c.objects, subscription, c.now)
		if err != nil {
			return fmt.Errorf("evaluating AccessSubscription %s: %w", subscription.Name, err)
		}
		source := SourceName(KindAccessSubscription, subscription.Name)
		if err := c.nameSubscription(source, subscription, verdict); err != nil {
			return err
		}
		switch {
		case verdict.frozen():
			c.Frozen[source] = *verdict.Problem
			c.Next = Sooner(c.Next, verdict.Window.Until)
		case verdict.Open():
			c.give(source, verdict.Window, verdict.Groups...)
		default:
			c.Closed[source] = true
		}
	}
	return nil
}

// booked collects what bookings give to the person.
func (c *collection) booked(address Address) error {
	bookings, err := c.objects.Bookings(address)
	if err != nil {
		return fmt.Errorf("finding the person's bookings: %w", err)
	}
	for _, booking := range present(bookings) {
		c.Named = true
		verdict, err := EvaluateBooking(c.objects, booking, c.now)
		if err != nil {
			return fmt.Errorf("evaluating BookingGrant %s: %w", booking.Name, err)
		}
		source := SourceName(KindBookingGrant, booking.Name)
		named, err := c.nameBooking(source, booking, verdict)
		if err != nil {
			return err
		}
		c.Next = Sooner(c.Next, verdict.Next)
		switch {
		case verdict.frozen():
			c.Frozen[source] = *verdict.Problem
		case verdict.Open():
			c.give(source, verdict.Window, verdict.Groups...)
		case named:
			c.Closed[source] = true
		}
	}
	return nil
}

func (c *collection) give(source string, window Window, groups ...v1alpha1.ObjectName) {
	for _, group := range groups {
		c.claims = append(c.claims, Claim{group, window, source})
	}
}

func (c *collection) report(problem *Problem) {
	if problem != nil {
		c.Problems = append(c.Problems, *problem)
	}
}

func unite(claims []Claim, now time.Time) []Entitlement {
	byGroup := map[v1alpha1.ObjectName][]Sourced{}
	for _, c := range claims {
		byGroup[c.Group] = append(byGroup[c.Group], Sourced{c.Window, []string{c.Source}})
	}
	var groups []Entitlement
	for group, windows := range byGroup {
		if union := Union(windows, now); len(union) > 0 {
			groups = append(groups, Entitlement{Group: group, Windows: union})
		}
	}
	slices.SortFunc(groups, func(a, b Entitlement) int { return cmp.Compare(a.Group, b.Group) })
	return groups
}

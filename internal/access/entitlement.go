package access

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
)

// Kinds of sources as the ledger names them.
const (
	KindMember             = "Member"
	KindPlaceMapping       = "PlaceMapping"
	KindAccessSubscription = "AccessSubscription"
	KindBookingGrant       = "BookingGrant"
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
	// Problems are those of the Member's own spec; other sources report theirs on themselves.
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

// claim is one window that one source gives in one group.
type claim struct {
	group  v1alpha1.ObjectName
	window Sourced
}

// For says what the person should have for whom the Member stands, at the time now. A Member that is being deleted is
// judged as the implicit one that will stand for the address: what others still want, without its own references.
func For(objects Objects, member *v1alpha1.Member, now time.Time) (Entitlements, error) {
	result := Entitlements{Frozen: map[string]Problem{}}
	standsAlone := member.DeletionTimestamp.IsZero() && !IsImplicit(member)
	var claims []claim
	if standsAlone {
		own, problem, err := ownGroups(objects, member)
		if err != nil {
			return result, err
		}
		claims = append(claims, own...)
		if problem != nil {
			result.Problems = append(result.Problems, *problem)
		}
	}
	booked, err := result.booked(objects, Fold(member.Spec.Email), now)
	if err != nil {
		return result, err
	}
	claims = append(claims, booked...)
	result.Inactive = standsAlone && member.Spec.State != v1alpha1.MemberActive
	if result.Inactive {
		return result, nil
	}
	result.Groups = unite(claims, now)
	return result, nil
}

func ownGroups(objects Objects, member *v1alpha1.Member) ([]claim, *Problem, error) {
	var claims []claim
	var names []v1alpha1.ObjectName
	source := []string{SourceName(KindMember, member.Name)}
	for _, ref := range member.Spec.GroupRefs {
		names = append(names, ref.Name)
		claims = append(claims, claim{ref.Name, Sourced{NewWindow(ref.StartTime, ref.EndTime), source}})
	}
	problem, err := GroupsProblem(objects, names)
	return claims, problem, err
}

func (e *Entitlements) booked(objects Objects, address Address, now time.Time) ([]claim, error) {
	bookings, err := objects.Bookings(address)
	if err != nil {
		return nil, fmt.Errorf("finding the person's bookings: %w", err)
	}
	var claims []claim
	for _, booking := range bookings {
		if !booking.DeletionTimestamp.IsZero() {
			continue
		}
		e.Named = true
		verdict, err := EvaluateBooking(objects, booking, now)
		if err != nil {
			return nil, fmt.Errorf("evaluating BookingGrant %s: %w", booking.Name, err)
		}
		e.Next = Sooner(e.Next, verdict.Next)
		source := SourceName(KindBookingGrant, booking.Name)
		if !verdict.Open() {
			continue
		}
		if verdict.Problem != nil && verdict.Problem.Freezes {
			e.Frozen[source] = *verdict.Problem
			continue
		}
		for _, group := range verdict.Groups {
			claims = append(claims, claim{group, Sourced{verdict.Window, []string{source}}})
		}
	}
	return claims, nil
}

func unite(claims []claim, now time.Time) []Entitlement {
	byGroup := map[v1alpha1.ObjectName][]Sourced{}
	for _, c := range claims {
		byGroup[c.group] = append(byGroup[c.group], c.window)
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

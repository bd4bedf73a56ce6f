// Package entitlement decides, purely, what every person is entitled to: which groups, when, and why.
//
// It reads custom resources through Objects and knows neither Kisi nor a clock: time is an argument.
package entitlement

import (
	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
)

// Objects reads the custom resources of one namespace. What it returns must not be modified. An error means that the
// answer is unknown; it never stands for "there is none". Objects that are being deleted may be among the answers.
type Objects interface {
	// Members returns every Member of the address, whoever stands for it.
	Members(address Address) ([]*v1alpha1.Member, error)
	// MembersByReference returns every Member that the reference fits.
	MembersByReference(ref v1alpha1.MemberReference) ([]*v1alpha1.Member, error)
	// TeamMembers returns every Member that lists the team.
	TeamMembers(team v1alpha1.Team) ([]*v1alpha1.Member, error)
	// Bookings returns every BookingGrant that names the address.
	Bookings(address Address) ([]*v1alpha1.BookingGrant, error)
	// SubscriptionsOf returns every AccessSubscription whose subject is the address itself.
	SubscriptionsOf(address Address) ([]*v1alpha1.AccessSubscription, error)
	// SubscriptionsOfMember returns every AccessSubscription whose memberRef fits the Member, by name or by externalID.
	SubscriptionsOfMember(member *v1alpha1.Member) ([]*v1alpha1.AccessSubscription, error)
	// SubscriptionsOfTeam returns every AccessSubscription whose subject is the team.
	SubscriptionsOfTeam(team v1alpha1.Team) ([]*v1alpha1.AccessSubscription, error)
	// Places returns every PlaceMapping that the reference fits.
	Places(ref v1alpha1.PlaceReference) ([]*v1alpha1.PlaceMapping, error)
	// Plans returns every AccessPlan that the reference fits.
	Plans(ref v1alpha1.PlanReference) ([]*v1alpha1.AccessPlan, error)
	// Group returns the KisiGroup, or nil if there is none.
	Group(name v1alpha1.ObjectName) (*v1alpha1.KisiGroup, error)
}

// Problem is why a source does not give what it names. A problem that freezes is a contradiction: nothing is granted
// through the source, and nothing granted through it is changed or revoked.
type Problem struct {
	Reason  string
	Message string
	Freezes bool
}

// Stalled reports whether somebody has to change something. A Kisi place that is not there freezes what is given at it
// all the same, but heals by itself when it appears.
func (p Problem) Stalled() bool { return p.Freezes && p.Reason != v1alpha1.ReasonPlaceNotFound }

// weightier returns the problem to report of two: a contradiction before what is merely missing, else the first.
func weightier(a, b *Problem) *Problem {
	if a == nil || (b != nil && b.Freezes && !a.Freezes) {
		return b
	}
	return a
}

// SourceName is how the ledger names what gives the access.
func SourceName(kind, name string) string { return kind + "/" + name }

// Package access decides, purely, what every person is entitled to: which groups, when, and why.
//
// It reads custom resources through Objects and knows neither Kisi nor a clock: time is an argument.
package access

import (
	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
)

// Objects reads the custom resources of one namespace. What it returns must not be modified. An error means that the
// answer is unknown; it never stands for "there is none".
type Objects interface {
	// Members returns every Member of the address, whoever stands for it.
	Members(address Address) ([]*v1alpha1.Member, error)
	// Bookings returns every BookingGrant that names the address.
	Bookings(address Address) ([]*v1alpha1.BookingGrant, error)
	// SubscriptionsOf returns every AccessSubscription whose subject is the address itself.
	SubscriptionsOf(address Address) ([]*v1alpha1.AccessSubscription, error)
	// Places returns every PlaceMapping that the reference fits.
	Places(ref v1alpha1.PlaceReference) ([]*v1alpha1.PlaceMapping, error)
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

// SourceName is how the ledger names what gives the access.
func SourceName(kind, name string) string { return kind + "/" + name }

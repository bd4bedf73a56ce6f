package entitlement

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
)

// Address is an e-mail address trimmed and case-folded, so that equal addresses are equal strings.
type Address string

// Fold returns the address by which a person is known. Addresses that differ only in case fold to one, as
// strings.EqualFold compares them; ASCII becomes lower case.
func Fold(email v1alpha1.EmailAddress) Address {
	trimmed := strings.TrimSpace(string(email))
	for i := range len(trimmed) {
		if trimmed[i] >= utf8.RuneSelf {
			return Address(strings.Map(foldRune, trimmed))
		}
	}
	return Address(strings.ToLower(trimmed)) // as foldRune does, without a search for each letter
}

// foldRune picks one rune for all that differ only in case. Lower-casing alone would tell ſ from s, and would take the
// dotted İ for i, which is another letter.
func foldRune(r rune) rune {
	first := r
	for next := unicode.SimpleFold(r); next != r; next = unicode.SimpleFold(next) {
		first = min(first, next)
	}
	lower := unicode.ToLower(first)
	for next := unicode.SimpleFold(first); next != first; next = unicode.SimpleFold(next) {
		if next == lower {
			return lower
		}
	}
	return first
}

// ImplicitName is the name of the Member that stands for a person who is only named by address.
func ImplicitName(address Address) string {
	digest := sha256.Sum256([]byte(address))
	return "p-" + hex.EncodeToString(digest[:])[:20]
}

// ImplicitMember is the Member that stands for a person who is only named by address, as the operator makes it.
func ImplicitMember(namespace string, person Invitee) *v1alpha1.Member {
	return &v1alpha1.Member{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: namespace, Name: ImplicitName(person.Address),
			Labels:     map[string]string{v1alpha1.ImplicitLabel: "true"},
			Finalizers: []string{v1alpha1.Finalizer},
		},
		Spec: v1alpha1.MemberSpec{Email: person.Email, FullName: person.Name},
	}
}

// IsImplicit reports whether the operator made the Member for an address. The name counts beside the label, so that
// labelling a Member by hand does not hand it over to the operator.
func IsImplicit(member *v1alpha1.Member) bool {
	return member.Labels[v1alpha1.ImplicitLabel] == "true" && member.Name == ImplicitName(Fold(member.Spec.Email))
}

// Primary returns the one of an address's Members who stands for the person: the oldest explicit one that is not being
// deleted, ties by name; else the implicit one; else nil.
func Primary(members []*v1alpha1.Member) *v1alpha1.Member {
	var standing *v1alpha1.Member
	for _, m := range members {
		if m.DeletionTimestamp.IsZero() && (standing == nil || ComesBefore(m, standing)) {
			standing = m
		}
	}
	return standing
}

// Serving returns the Member whose rows let the person in: the one who stands, else an implicit one that is being deleted,
// which stays until the sources that name the person have let go of what it has in Kisi.
func Serving(members []*v1alpha1.Member) *v1alpha1.Member {
	if standing := Primary(members); standing != nil {
		return standing
	}
	for _, m := range members {
		if IsImplicit(m) {
			return m
		}
	}
	return nil
}

// Explicit returns the explicit Member who stands for the person, or nil.
func Explicit(members []*v1alpha1.Member) *v1alpha1.Member {
	if standing := Primary(members); standing != nil && !IsImplicit(standing) {
		return standing
	}
	return nil
}

// ComesBefore reports whether a comes before b in standing for their address, deleted or not: explicit ones first, then
// the older, ties by name.
func ComesBefore(a, b *v1alpha1.Member) bool {
	if IsImplicit(a) != IsImplicit(b) {
		return IsImplicit(b)
	}
	if !a.CreationTimestamp.Equal(&b.CreationTimestamp) {
		return a.CreationTimestamp.Before(&b.CreationTimestamp)
	}
	return a.Name < b.Name
}

// NameOf returns the full name of a person who is only named by address: the current one as long as a source gives it,
// else that of the youngest source that gives one, else the current one.
func NameOf(objects Objects, address Address, current v1alpha1.FullName) (v1alpha1.FullName, error) {
	subscriptions, err := objects.SubscriptionsOf(address)
	if err != nil {
		return current, fmt.Errorf("finding the person's subscriptions: %w", err)
	}
	bookings, err := objects.Bookings(address)
	if err != nil {
		return current, fmt.Errorf("finding the person's bookings: %w", err)
	}
	var youngest time.Time
	name, stays := v1alpha1.FullName(""), false
	give := func(given v1alpha1.FullName, created time.Time) {
		stays = stays || given == current
		if given != "" && (name == "" || created.After(youngest)) {
			name, youngest = given, created
		}
	}
	for _, subscription := range present(subscriptions) {
		give(subscription.Spec.Subject.FullName, subscription.CreationTimestamp.Time)
	}
	for _, booking := range present(bookings) {
		for _, invitee := range Invitees(booking) {
			if invitee.Address == address {
				give(invitee.Name, booking.CreationTimestamp.Time)
			}
		}
	}
	if name == "" || current != "" && stays {
		return current, nil
	}
	return name, nil
}

// IsImported reports whether the Member was made for a user whom Kisi had.
func IsImported(member *v1alpha1.Member) bool {
	return IsImplicit(member) && member.Labels[v1alpha1.ImportedLabel] == "true"
}

// KisiName is the person's name as Kisi shows it: the full name, else the address.
func KisiName(member *v1alpha1.Member) v1alpha1.FullName {
	if member.Spec.FullName != "" {
		return member.Spec.FullName
	}
	return v1alpha1.FullName(member.Spec.Email)
}

package access

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"unicode"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
)

// Address is an e-mail address trimmed and case-folded, so that equal addresses are equal strings.
type Address string

// Fold returns the address by which a person is known. Addresses that differ only in case fold to one, as
// strings.EqualFold compares them; ASCII becomes lower case.
func Fold(email v1alpha1.EmailAddress) Address {
	return Address(strings.Map(foldRune, strings.TrimSpace(string(email))))
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

// IsImplicit reports whether the operator made the Member for an address. The name counts beside the label, so that
// labelling a Member by hand does not hand it over to the operator.
func IsImplicit(member *v1alpha1.Member) bool {
	return member.Labels[v1alpha1.ImplicitLabel] == "true" && member.Name == ImplicitName(Fold(member.Spec.Email))
}

// Standing returns the one of an address's Members who stands for the person: the oldest explicit one that is not being
// deleted, ties by name; else the implicit one; else nil.
func Standing(members []*v1alpha1.Member) *v1alpha1.Member {
	var standing *v1alpha1.Member
	for _, m := range members {
		if m.DeletionTimestamp.IsZero() && (standing == nil || StandsBefore(m, standing)) {
			standing = m
		}
	}
	return standing
}

// Explicit returns the explicit Member who stands for the person, or nil.
func Explicit(members []*v1alpha1.Member) *v1alpha1.Member {
	if standing := Standing(members); standing != nil && !IsImplicit(standing) {
		return standing
	}
	return nil
}

// StandsBefore reports whether a comes before b in standing for their address, deleted or not: explicit ones first, then
// the older, ties by name.
func StandsBefore(a, b *v1alpha1.Member) bool {
	if IsImplicit(a) != IsImplicit(b) {
		return IsImplicit(b)
	}
	if !a.CreationTimestamp.Equal(&b.CreationTimestamp) {
		return a.CreationTimestamp.Before(&b.CreationTimestamp)
	}
	return a.Name < b.Name
}

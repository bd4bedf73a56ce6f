package entitlement_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
)

func TestAddressesThatDifferInCaseAreOne(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		text := rapid.StringOf(rapid.SampledFrom([]rune("aAkKsSſKiİıßΣσς@."))).Draw(rt, "address")
		other := rapid.StringOf(rapid.SampledFrom([]rune("aAkKsSſKiİıßΣσς@."))).Draw(rt, "other")
		if rapid.Bool().Draw(rt, "in upper case") {
			other = strings.ToUpper(text)
		}
		a, b := entitlement.Fold(v1alpha1.EmailAddress(text)), entitlement.Fold(v1alpha1.EmailAddress(" "+other+"\t"))
		if (a == b) != strings.EqualFold(text, other) {
			rt.Fatalf("%q and %q fold to %q and %q", text, other, a, b)
		}
		if entitlement.Fold(v1alpha1.EmailAddress(a)) != a {
			rt.Fatalf("%q folds to %q and then to %q", text, a, entitlement.Fold(v1alpha1.EmailAddress(a)))
		}
	})
}

func TestAnAddressInASCIIFoldsToLowerCase(t *testing.T) {
	t.Parallel()
	if got := entitlement.Fold("  ANA.KISS@Example.COM "); got != "ana.kiss@example.com" {
		t.Error(got)
	}
}

func TestWhoStandsForAnAddress(t *testing.T) {
	t.Parallel()
	created := func(m *v1alpha1.Member, minute int) *v1alpha1.Member {
		m.CreationTimestamp = *when(at(minute))
		return m
	}
	labelled := explicitMember("zoe", "ana@example.com")
	labelled.Labels = map[string]string{v1alpha1.ImplicitLabel: "true"}
	implicit := created(implicitMember("ana@example.com"), 0)
	for _, c := range []struct {
		name    string
		members []*v1alpha1.Member
		want    string
	}{
		{name: "nobody", want: ""},
		{name: "the implicit one alone", members: []*v1alpha1.Member{implicit}, want: implicit.Name},
		{name: "an explicit one before an older implicit one", members: []*v1alpha1.Member{implicit, created(explicitMember("ana", "ana@example.com"), 9)}, want: "ana"},
		{name: "the oldest explicit one", members: []*v1alpha1.Member{created(explicitMember("a", "ana@example.com"), 9), created(explicitMember("b", "ana@example.com"), 8)}, want: "b"},
		{name: "the first by name of equally old ones", members: []*v1alpha1.Member{created(explicitMember("b", "ana@example.com"), 9), created(explicitMember("a", "ana@example.com"), 9)}, want: "a"},
		{name: "not one that is being deleted", members: []*v1alpha1.Member{deleting(created(explicitMember("a", "ana@example.com"), 1)), implicit}, want: implicit.Name},
		{name: "nobody while all are being deleted", members: []*v1alpha1.Member{deleting(explicitMember("a", "ana@example.com"))}, want: ""},
		{name: "one labelled by hand is explicit", members: []*v1alpha1.Member{implicit, labelled}, want: "zoe"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := entitlement.Primary(c.members)
			if got == nil && c.want != "" || got != nil && got.Name != c.want {
				t.Errorf("%v stands", got)
			}
		})
	}
}

func TestTheNameOfSomebodyWhoIsOnlyNamedByAddress(t *testing.T) {
	t.Parallel()
	subscription := func(name v1alpha1.FullName, minute int) *v1alpha1.AccessSubscription {
		s := &v1alpha1.AccessSubscription{}
		s.CreationTimestamp = *when(at(minute))
		s.Spec.Subject = v1alpha1.Subject{Email: "Ana@example.com", FullName: name}
		return s
	}
	booking := func(name v1alpha1.FullName, minute int) *v1alpha1.BookingGrant {
		b := &v1alpha1.BookingGrant{}
		b.CreationTimestamp = *when(at(minute))
		b.Spec.Organizer = v1alpha1.Person{Email: "gil@example.com", FullName: "Gil"}
		b.Spec.Attendees = []v1alpha1.Person{{Email: "ana@example.com", FullName: name}}
		return b
	}
	going := subscription("Ana Gone", 9)
	deleting(going)
	for _, c := range []struct {
		shows         string
		current, want v1alpha1.FullName
		subscriptions []*v1alpha1.AccessSubscription
		bookings      []*v1alpha1.BookingGrant
	}{
		{shows: "nothing names the person", current: "Ana", want: "Ana"},
		{shows: "nothing gives a name", current: "Ana", want: "Ana", bookings: []*v1alpha1.BookingGrant{booking("", 1)}},
		{shows: "a name comes", want: "Ana", bookings: []*v1alpha1.BookingGrant{booking("", 2), booking("Ana", 1)}},
		{shows: "a name changes", current: "Ana", want: "Ana Pop", subscriptions: []*v1alpha1.AccessSubscription{subscription("Ana Pop", 1)}},
		{shows: "a second name", current: "Ana", want: "Ana", subscriptions: []*v1alpha1.AccessSubscription{subscription("Ana Pop", 2)}, bookings: []*v1alpha1.BookingGrant{booking("Ana", 1)}},
		{shows: "the youngest of several", current: "Ana", want: "Ana Pop", subscriptions: []*v1alpha1.AccessSubscription{subscription("Ana P.", 1)}, bookings: []*v1alpha1.BookingGrant{booking("Ana Pop", 2)}},
		{shows: "one that is being deleted", current: "Ana", want: "Ana", subscriptions: []*v1alpha1.AccessSubscription{going}},
	} {
		t.Run(c.shows, func(t *testing.T) {
			t.Parallel()
			got, err := entitlement.NameOf(&world{subscriptions: c.subscriptions, bookings: c.bookings}, "ana@example.com", c.current)
			if err != nil || got != c.want {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
}

func TestPlainAddressesFoldAsAllOthersDo(t *testing.T) {
	for r := range rune(128) {
		if r == ' ' || r >= '\t' && r <= '\r' {
			continue // trimmed
		}
		alone := entitlement.Fold(v1alpha1.EmailAddress(string(r)))
		if beside := entitlement.Fold(v1alpha1.EmailAddress(string(r) + "é")); beside != alone+"é" {
			t.Errorf("%q folds to %q, and beside another letter to %q", r, alone, beside)
		}
	}
}

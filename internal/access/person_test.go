package access_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/access"
)

func TestAddressesThatDifferInCaseAreOne(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		text := rapid.StringOf(rapid.SampledFrom([]rune("aAkKsSſKiİıßΣσς@."))).Draw(rt, "address")
		other := rapid.StringOf(rapid.SampledFrom([]rune("aAkKsSſKiİıßΣσς@."))).Draw(rt, "other")
		if rapid.Bool().Draw(rt, "in upper case") {
			other = strings.ToUpper(text)
		}
		a, b := access.Fold(v1alpha1.EmailAddress(text)), access.Fold(v1alpha1.EmailAddress(" "+other+"\t"))
		if (a == b) != strings.EqualFold(text, other) {
			rt.Fatalf("%q and %q fold to %q and %q", text, other, a, b)
		}
		if access.Fold(v1alpha1.EmailAddress(a)) != a {
			rt.Fatalf("%q folds to %q and then to %q", text, a, access.Fold(v1alpha1.EmailAddress(a)))
		}
	})
}

func TestAnAddressInASCIIFoldsToLowerCase(t *testing.T) {
	t.Parallel()
	if got := access.Fold("  ANA.KISS@Example.COM "); got != "ana.kiss@example.com" {
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
			got := access.Standing(c.members)
			if got == nil && c.want != "" || got != nil && got.Name != c.want {
				t.Errorf("%v stands", got)
			}
		})
	}
}

package loginsecret

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/validation"
	"pgregory.net/rapid"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
)

func TestTheSecretOfALoginIsNamedAfterMemberAndConnection(t *testing.T) {
	if got := Name("ana", "hq"); got != "ana-hq-kisi-login" {
		t.Errorf("got %s", got)
	}
}

func TestANameOfASecretIsValidHoweverLongItsPartsAre(t *testing.T) {
	part := rapid.StringMatching(`[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?`).Filter(func(s string) bool {
		return len(validation.IsDNS1123Subdomain(s)) == 0
	})
	long := rapid.Custom(func(t *rapid.T) string { // dots and dashes near the cut
		return strings.Repeat("a", rapid.IntRange(1, 230).Draw(t, "length")) + part.Draw(t, "end")
	}).Filter(func(s string) bool { return len(validation.IsDNS1123Subdomain(s)) == 0 })
	names := rapid.OneOf(part, long)
	rapid.Check(t, func(t *rapid.T) {
		member, connection := names.Draw(t, "member"), names.Draw(t, "connection")
		name := string(Name(member, v1alpha1.ObjectName(connection)))
		if problems := validation.IsDNS1123Subdomain(name); len(problems) > 0 {
			t.Fatalf("%s: %v", name, problems)
		}
		if !strings.HasSuffix(name, "-kisi-login") {
			t.Fatalf("%s has another end", name)
		}
		if len(member)+len(connection) > longestName {
			other := string(Name(member, v1alpha1.ObjectName(connection+"x")))
			if other == name {
				t.Fatalf("%s is the name for two connections", name)
			}
		}
	})
}

package loginsecret

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/utils/ptr"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/tenant"
)

// Whatever somebody writes on a Secret: it holds a login only by a number that can be an id, which the status of the Member
// takes, and only if it is the Member's.
func FuzzLoginID(f *testing.F) {
	for _, value := range []string{"7", "0", "-1", "+7", "007", "9007199254740991", "9007199254740992", "9223372036854775807", "9223372036854775808", " 7", "0x7", "7_0", ""} {
		f.Add(value, true)
		f.Add(value, false)
	}
	f.Fuzz(func(t *testing.T, value string, owned bool) {
		member := &v1alpha1.Member{ObjectMeta: metav1.ObjectMeta{Name: "ana", UID: "u"}}
		secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{v1alpha1.LoginIDAnnotation: value}}}
		if owned {
			secret.OwnerReferences = []metav1.OwnerReference{{UID: member.UID, Controller: ptr.To(true)}}
		}
		id := LoginIn(secret, member)
		if id < 0 || id > 1<<53-1 || id != 0 && !owned {
			t.Fatalf("%q of a Secret is the login %d", value, id)
		}
		if id != 0 && strings.TrimLeft(value, "+0") != tenant.IDText(id) {
			t.Fatalf("%q was read as %d", value, id)
		}
	})
}

// However long the names are, that of the Secret is one, ends as it should and differs where they do.
func FuzzName(f *testing.F) {
	f.Add("ana", "default")
	f.Add(strings.Repeat("a", 253), strings.Repeat("b", 253))
	f.Add(strings.Repeat("a.b-", 63), "c")
	f.Fuzz(func(t *testing.T, member, connection string) {
		if len(validation.IsDNS1123Subdomain(member)) > 0 || len(validation.IsDNS1123Subdomain(connection)) > 0 {
			t.Skip("no names of objects")
		}
		name := string(Name(member, v1alpha1.ObjectName(connection)))
		if wrong := validation.IsDNS1123Subdomain(name); len(wrong) > 0 || !strings.HasSuffix(name, suffix) {
			t.Fatalf("%q: %v", name, wrong)
		}
		if longer := string(Name(member+"x", v1alpha1.ObjectName(connection))); len(member) < longestName && longer == name {
			t.Fatalf("two Members have the Secret %q", name)
		}
	})
}

package report

import (
	"strings"
	"testing"
	"time"
	"unicode"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/tenant"
)

// Whatever somebody writes into the annotations: what is told of it is short, does not quote it, and is told only of what has no
// effect.
func FuzzAnnotations(f *testing.F) {
	for _, value := range []string{"true", "false", "True", "", "yes", "2026-12-01T12:00:00Z", "\x1b[2J\u202e", strings.Repeat("x", 65), strings.Repeat("é", 300), "\xff"} {
		f.Add(value, "")
		f.Add(value, value)
	}
	f.Fuzz(func(t *testing.T, value, earlier string) {
		all := func(value string) map[string]string {
			return map[string]string{
				v1alpha1.AbandonAnnotation: value, v1alpha1.ApproveRevocationsUntilAnnotation: value, v1alpha1.ClaimAnnotation: value, v1alpha1.RebindAnnotation: value,
			}
		}
		now := time.Date(2026, 12, 1, 11, 0, 0, 0, time.UTC)
		for _, object := range []client.Object{&v1alpha1.KisiConnection{}, &v1alpha1.KisiGroup{}, &v1alpha1.Member{}, &v1alpha1.AccessPlan{}} {
			object.SetAnnotations(all(value))
			told := []*news{
				abandonNews(object, all(earlier)), approvalNews(object, all(earlier), now), claimNews(object, all(earlier)), rebindNews(object, all(earlier)),
			}
			if told[0] != nil && tenant.Abandons(object) {
				t.Fatalf("%q abandons, and is told to abandon nothing", value)
			}
			for _, n := range told {
				switch {
				case n == nil:
				case value == earlier:
					t.Fatalf("told again: %+v", n)
				case len(n.message) > 500 || strings.ContainsFunc(n.message, func(r rune) bool { return !unicode.IsPrint(r) }):
					t.Fatalf("%q", n.message)
				case len(value) > 30 && strings.Contains(n.message, value):
					t.Fatalf("%q quotes the value", n.message)
				}
			}
		}
	})
}

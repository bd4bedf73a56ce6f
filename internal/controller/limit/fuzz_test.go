package limit

import (
	"strings"
	"testing"
	"time"
	"unicode"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
)

// Whatever stands in the annotation: it approves only as a time within the next 24 hours, and why not is said without its value.
func FuzzApproval(f *testing.F) {
	now := time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC).Unix()
	for _, value := range []string{
		"2026-12-01T13:00:00Z", "2026-12-01T12:00:00Z", "2026-12-02T12:00:01Z", "9999-12-31T23:59:59-23:59", "0000-01-01T00:00:00+23:59",
		"2026-12-01T13:00:00.999999999+01:00", "2026-12-01", "yes", "", "\x1b[2J", strings.Repeat("9", 1<<10), "2026-12-01T24:00:00Z", "2026-12-01T13:00:60Z",
	} {
		f.Add(value, now)
	}
	f.Add("1970-01-01T00:00:01Z", int64(-1<<62))
	f.Fuzz(func(t *testing.T, value string, seconds int64) {
		now := time.Unix(seconds, 0)
		group := &v1alpha1.KisiGroup{ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{v1alpha1.ApproveRevocationsUntilAnnotation: value}}}
		got := ApprovalOf(group, now)
		until, err := time.Parse(time.RFC3339, value)
		if right := err == nil && until.After(now) && !until.After(now.Add(24*time.Hour)); got.Given != right {
			t.Fatalf("%q at %s: given is %v", value, now, got.Given)
		}
		if got.Given != (got.Problem == "") {
			t.Fatalf("given is %v, and %q", got.Given, got.Problem)
		}
		if len(got.Problem) > 300 || strings.ContainsFunc(got.Problem, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Fatalf("%q", got.Problem)
		}
		if !got.Begins.IsZero() && (got.Given || !got.Begins.After(now)) {
			t.Fatalf("begins %s at %s", got.Begins, now)
		}
	})
}

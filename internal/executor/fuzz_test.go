package executor

import (
	"encoding/json"
	"regexp"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kisi-operator/kisi-operator/internal/kisi"
)

// ledgerTime is the pattern of the bounds in a Member's status.
var ledgerTime = regexp.MustCompile(`^"[1-9][0-9]{3}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z"$`)

// Whatever bounds Kisi gives a role assignment: a ledger takes them, and those that it can hold are the same instants to the
// second.
func FuzzWindow(f *testing.F) {
	for _, bound := range []string{
		"2026-12-01T12:00:00Z", "9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00Z", "0000-01-01T00:00:00+23:59", "0999-12-31T23:59:59Z", "9999-12-31T23:59:59.999999999Z",
		"1000-01-01T00:00:00+00:01", "2026-03-29T02:30:00.5+05:30",
	} {
		f.Add(bound, bound)
	}
	f.Fuzz(func(t *testing.T, from, until string) {
		var a kisi.RoleAssignment
		body, err := json.Marshal(map[string]any{"id": 1, "valid_from": from, "valid_until": until})
		if err != nil || json.Unmarshal(body, &a) != nil {
			t.Skip("no times")
		}
		w := AssignmentWindow(a)
		for got, said := range map[*time.Time]*time.Time{&w.From: a.ValidFrom, &w.Until: a.ValidUntil} {
			if got.IsZero() {
				if said.UTC().Truncate(time.Second).IsZero() {
					continue
				}
				t.Fatalf("%s became no bound", said)
			}
			written, err := json.Marshal(metav1.NewTime(*got))
			if err != nil || !ledgerTime.Match(written) {
				t.Fatalf("%s is written as %s, %v", said, written, err)
			}
			if year := said.UTC().Year(); year >= 1000 && year <= 9999 && !got.Equal(said.Truncate(time.Second)) {
				t.Fatalf("%s became %s", said, got)
			}
		}
	})
}

package executor_test

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
	"github.com/kisi-operator/kisi-operator/internal/plan"
)

func (w *world) describe() string {
	var text strings.Builder
	for _, row := range w.stored.Status.Grants {
		fmt.Fprintf(&text, "%s %d %s; ", row.State, row.RoleAssignmentID, row.Group)
	}
	for _, group := range groups {
		fmt.Fprintf(&text, "Kisi %d: %+v; ", group, w.rows(group))
	}
	return text.String()
}

// queued reports whether the window waits for another one of the group to end, where Kisi takes one assignment at a time.
func (w *world) queued(want want) bool {
	if w.oneAtATime {
		return slices.ContainsFunc(w.stored.Status.Grants, func(row v1alpha1.MemberGrant) bool {
			return row.Group == want.group && row.State == v1alpha1.GrantQueued && plan.RowWindow(row).Equal(want.window) && len(w.rows(groups[want.group])) == 1
		})
	}
	return false
}

// mustBeRight checks that Kisi holds exactly what Ana should have, that the ledger says so, and that nothing of others is
// another than before.
func (w *world) mustBeRight() {
	w.t.Helper()
	if user, exists := w.kisi.User("acme", address); len(w.wants) > 0 && (!exists || !user.AccessEnabled) {
		w.t.Fatalf("the user has no access in Kisi: %+v; %s", user, w.describe())
	}
	for group, id := range groups {
		var wanted []entitlement.Window
		for _, want := range w.wants {
			if want.group == group && !w.queued(want) {
				wanted = append(wanted, want.window)
			}
		}
		rows := w.granted(id)
		if len(rows) != len(wanted) {
			w.t.Fatalf("%s: %d assignments in Kisi instead of %d: %s", group, len(rows), len(wanted), w.describe())
		}
		for _, row := range rows {
			if !slices.ContainsFunc(wanted, func(window entitlement.Window) bool { return plan.SameBounds(windowOf(row), window, w.clock.Now()) }) {
				w.t.Fatalf("%s: assignment %d has the window %+v: %s", group, row.ID, windowOf(row), w.describe())
			}
			if !slices.ContainsFunc(w.stored.Status.Grants, func(known v1alpha1.MemberGrant) bool {
				return int(known.RoleAssignmentID) == row.ID && plan.InKisi(known)
			}) {
				w.t.Fatalf("%s: assignment %d is in no ledger: %s", group, row.ID, w.describe())
			}
		}
		known := 0
		for _, row := range w.stored.Status.Grants {
			if row.Group == group && plan.InKisi(row) {
				known++
			}
		}
		if known != len(rows) {
			w.t.Fatalf("%s: the ledger has %d assignments, Kisi %d: %s", group, known, len(rows), w.describe())
		}
	}
}

package plan

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
)

// RowWindow is the window of a row.
func RowWindow(row v1alpha1.MemberGrant) entitlement.Window {
	return entitlement.NewWindow(row.ValidFrom, row.ValidUntil)
}

// SameBounds reports whether a row of one window serves for the other: their ends are equal, and their starts are equal
// or both past.
func SameBounds(a, b entitlement.Window, now time.Time) bool {
	starts := a.From.Equal(b.From) || (a.Opened(now) && b.Opened(now))
	return starts && a.Until.Equal(b.Until)
}

// Over reports whether all that the row may give has ended.
func Over(row v1alpha1.MemberGrant, now time.Time) bool { return mayGive(row).Ended(now) }

// Bounds returns the window of bounds in the ledger.
func Bounds(w v1alpha1.GrantWindow) entitlement.Window {
	return entitlement.NewWindow(w.ValidFrom, w.ValidUntil)
}

// mayGive is all that a row may give: its window, and while that is being changed the new one too.
func mayGive(row v1alpha1.MemberGrant) entitlement.Window {
	if row.ChangingTo == nil {
		return RowWindow(row)
	}
	return hull(RowWindow(row), Bounds(*row.ChangingTo))
}

// hull is the smallest window that contains both.
func hull(a, b entitlement.Window) entitlement.Window {
	wide := a
	if !wide.From.IsZero() && (b.From.IsZero() || b.From.Before(wide.From)) {
		wide.From = b.From
	}
	if !wide.Until.IsZero() && (b.Until.IsZero() || b.Until.After(wide.Until)) {
		wide.Until = b.Until
	}
	return wide
}

// serves reports whether the row may have bounds that serve for the window.
func serves(row v1alpha1.MemberGrant, window entitlement.Window, now time.Time) bool {
	return SameBounds(RowWindow(row), window, now) || row.ChangingTo != nil && SameBounds(Bounds(*row.ChangingTo), window, now)
}

func timeOf(t time.Time) *metav1.Time {
	if t.IsZero() {
		return nil
	}
	return &metav1.Time{Time: t}
}

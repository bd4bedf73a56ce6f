package source

import (
	"context"
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/controller/internal/conditions"
	"github.com/kisi-operator/kisi-operator/internal/controller/internal/conflicts"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
	"github.com/kisi-operator/kisi-operator/internal/plan"
	"github.com/kisi-operator/kisi-operator/internal/tenant"
)

// lifetime is how long a booking stays.
type lifetime struct {
	// expires is when the time to live is over; zero: never.
	expires time.Time
	// kept is the reason why the booking is not deleted then; empty: it is. message says what to do about it.
	kept, message string
}

// lifetimeOf says how long the booking stays. What is only the last that is known of its window, or a default, ends nothing;
// and what GitOps tracks would come back at once, so that needs the booking's own word.
func (r *BookingReconciler) lifetimeOf(booking *v1alpha1.BookingGrant, verdict entitlement.Booking) lifetime {
	ttl, own := r.DefaultTTL, booking.Spec.TTLSecondsAfterEnd
	if own != nil {
		ttl = time.Duration(*own) * time.Second
	}
	if own != nil && *own < 0 || own == nil && ttl <= 0 || !verdict.Known {
		return lifetime{}
	}
	life := lifetime{expires: verdict.Window.Until.Add(ttl)}
	switch mark := gitOpsMarkOf(booking); {
	case own == nil && mark != "":
		life.kept, life.message = v1alpha1.ReasonTrackedByGitOps, fmt.Sprintf(
			"GitOps tracks the booking (%s), and would make it again, so --booking-ttl does not delete it; take it out of the repository, or set spec.ttlSecondsAfterEnd", mark)
	case r.deletions.undone(booking, life.expires):
		life.kept, life.message = v1alpha1.ReasonDeletionUndone, undoneMessage
	}
	return life
}

const undoneMessage = "the booking was deleted after its time to live, and was made again, twice, so it is not deleted any more; take it out of what makes it " +
	"(a Git repository, an adapter) and then delete it, or set spec.ttlSecondsAfterEnd to -1 there"

// keptBy says why the booking stays although its time to live is over; empty: it does not.
func (l lifetime) keptBy(now time.Time) conditions.Verdict {
	if l.kept == "" || l.expires.After(now) {
		return conditions.Verdict{}
	}
	return conditions.Verdict{Reason: l.kept, Message: l.message}
}

// isObserved reports whether the status tells the window already, from whose end the time to live counts.
func isObserved(booking *v1alpha1.BookingGrant, verdict entitlement.Booking) bool {
	return booking.Status.ObservedGeneration == booking.Generation && equality.Semantic.DeepEqual(booking.Status.Window, windowOf(verdict))
}

// letsIn reports whether a ledger has a row that the booking gave and that is not over, as when its window was cut short, and
// until when one of them lasts; zero is no end. While the booking is there, taking that back is its own word.
func letsIn(in tenant.Objects, booking *v1alpha1.BookingGrant, people []entitlement.Invitee, now time.Time) (open bool, until time.Time, err error) {
	source := entitlement.SourceName(entitlement.KindBookingGrant, booking.Name)
	for _, invitee := range people {
		members, err := in.Members(invitee.Address)
		if err != nil {
			return false, until, err
		}
		for _, member := range members {
			for _, row := range member.Status.Grants {
				if window := plan.RowWindow(row); slices.Contains(row.Sources, source) && !window.Ended(now) {
					open, until = true, entitlement.Sooner(until, window.Until)
				}
			}
		}
	}
	return open, until, nil
}

// expire deletes the booking, and remembers that it did.
func (r *BookingReconciler) expire(ctx context.Context, booking *v1alpha1.BookingGrant, expired time.Time) error {
	err := r.Delete(ctx, booking, client.Preconditions{UID: &booking.UID, ResourceVersion: &booking.ResourceVersion})
	if err == nil {
		r.deletions.note(booking, expired)
	}
	return conflicts.Ignore(err, "deleting the booking after its time to live")
}

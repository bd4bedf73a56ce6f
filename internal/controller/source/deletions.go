package source

import (
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/lru"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
)

// deletions remembers which bookings were deleted after their time to live, to notice those that are made again each time. It
// is kept in memory only, and bounded: what is forgotten costs two deletions more. That a booking is not deleted any more
// stands in its status, which a restart does not lose.
type deletions struct {
	once sync.Once
	of   *lru.Cache // by name
}

// mostDeletions is far more than are deleted in the time in which a tool makes one of them again.
const mostDeletions = 10_000

// deletionsUndone is how many deletions of one booking are undone before it stays.
const deletionsUndone = 2

// deleted is what became of the bookings of one name.
type deleted struct {
	expired time.Time // of the last one
	times   int       // that one with this time to live was deleted
}

// note takes note of a deletion.
func (d *deletions) note(booking *v1alpha1.BookingGrant, expired time.Time) {
	name := client.ObjectKeyFromObject(booking)
	times := 1
	if before, known := d.get(name); known && before.expired.Equal(expired) {
		times += before.times
	}
	d.cache().Add(name, deleted{expired, times})
}

// undone reports whether the booking, with the same time to live, was deleted and made again so often that it stays. Another
// booking by the same name, or another time to live, is not the same.
func (d *deletions) undone(booking *v1alpha1.BookingGrant, expires time.Time) bool {
	kept := meta.FindStatusCondition(booking.Status.Conditions, v1alpha1.ConditionKept)
	if kept != nil && kept.Reason == v1alpha1.ReasonDeletionUndone && kept.ObservedGeneration == booking.Generation {
		return true // as an operator has found before this one
	}
	before, known := d.get(client.ObjectKeyFromObject(booking))
	return known && before.times >= deletionsUndone && before.expired.Equal(expires)
}

func (d *deletions) get(name types.NamespacedName) (deleted, bool) {
	found, known := d.cache().Get(name)
	if !known {
		return deleted{}, false
	}
	return found.(deleted), true
}

func (d *deletions) cache() *lru.Cache {
	d.once.Do(func() { d.of = lru.New(mostDeletions) })
	return d.of
}

package source

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
)

func TestHowLongABookingStays(t *testing.T) {
	t.Parallel()
	over := time.Date(2026, 12, 1, 17, 0, 0, 0, time.UTC)
	week := 7 * 24 * time.Hour
	kept := func(reason string, generation int64) func(*v1alpha1.BookingGrant) {
		return func(b *v1alpha1.BookingGrant) {
			b.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionKept, Status: metav1.ConditionTrue, Reason: reason, ObservedGeneration: generation}}
		}
	}
	tracked := func(b *v1alpha1.BookingGrant) {
		b.Labels = map[string]string{"kustomize.toolkit.fluxcd.io/name": "house"}
	}
	own := func(seconds int64) func(*v1alpha1.BookingGrant) {
		return func(b *v1alpha1.BookingGrant) { b.Spec.TTLSecondsAfterEnd = ptr.To(seconds) }
	}
	for _, c := range []struct {
		name     string
		standard time.Duration
		edits    []func(*v1alpha1.BookingGrant)
		unknown  bool
		deleted  []time.Duration // for how long after its end it stayed, each time that one of the name was deleted
		expires  time.Duration   // after its end; -1: never
		kept     string
	}{
		{name: "as long as the operator says", standard: week, expires: week},
		{name: "for ever where the operator says nothing", expires: -1},
		{name: "as long as it says itself", standard: week, edits: []func(*v1alpha1.BookingGrant){own(60)}, expires: time.Minute},
		{name: "no time by its own word", standard: week, edits: []func(*v1alpha1.BookingGrant){own(0)}},
		{name: "for ever by its own word", standard: week, edits: []func(*v1alpha1.BookingGrant){own(-1)}, expires: -1},
		{name: "while its window is not certain", standard: week, unknown: true, expires: -1},
		{name: "while Git tracks it", standard: week, edits: []func(*v1alpha1.BookingGrant){tracked}, expires: week, kept: v1alpha1.ReasonTrackedByGitOps},
		{name: "as long as it says itself, though Git tracks it", standard: week, edits: []func(*v1alpha1.BookingGrant){tracked, own(60)}, expires: time.Minute},
		{name: "for ever where the operator says nothing, and Git tracks it", edits: []func(*v1alpha1.BookingGrant){tracked}, expires: -1},
		{name: "as ever when it was made again once", standard: week, deleted: []time.Duration{week}, expires: week},
		{name: "when it was made again twice", standard: week, deleted: []time.Duration{week, week}, expires: week, kept: v1alpha1.ReasonDeletionUndone},
		{name: "when it was made again twice, by its own word", edits: []func(*v1alpha1.BookingGrant){own(0)}, deleted: []time.Duration{0, 0}, kept: v1alpha1.ReasonDeletionUndone},
		{name: "as ever after two others of its name", standard: week, deleted: []time.Duration{time.Minute, 2 * time.Minute}, expires: week},
		{name: "as ever after another in between", standard: week, deleted: []time.Duration{week, time.Minute, week}, expires: week},
		{name: "where an operator before has found that", standard: week, edits: []func(*v1alpha1.BookingGrant){kept(v1alpha1.ReasonDeletionUndone, 3)}, expires: week, kept: v1alpha1.ReasonDeletionUndone},
		{name: "as ever when it was edited since", standard: week, edits: []func(*v1alpha1.BookingGrant){kept(v1alpha1.ReasonDeletionUndone, 2)}, expires: week},
		{name: "as ever when Git has let it go", standard: week, edits: []func(*v1alpha1.BookingGrant){kept(v1alpha1.ReasonTrackedByGitOps, 3)}, expires: week},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			booking := &v1alpha1.BookingGrant{ObjectMeta: metav1.ObjectMeta{Namespace: "house", Name: "b1", UID: types.UID("b1"), Generation: 3}}
			for _, edit := range c.edits {
				edit(booking)
			}
			r := &BookingReconciler{DefaultTTL: c.standard}
			for _, after := range c.deleted {
				r.deletions.note(booking, over.Add(after))
			}
			life := r.lifetimeOf(booking, entitlement.Booking{Known: !c.unknown, Window: entitlement.Window{From: over.Add(-time.Hour), Until: over}})
			var expires time.Time
			if c.expires >= 0 {
				expires = over.Add(c.expires)
			}
			if !life.expires.Equal(expires) || life.kept != c.kept {
				t.Errorf("until %s, kept by %q", life.expires, life.kept)
			}
			if life.keptBy(expires.Add(-time.Second)).Reason != "" || life.keptBy(expires).Reason != c.kept {
				t.Error("it is said too soon, or not when the time is over")
			}
		})
	}
}

func TestDeletionsAreRememberedWithinBounds(t *testing.T) {
	t.Parallel()
	var d deletions
	for i := range mostDeletions + 100 {
		d.note(&v1alpha1.BookingGrant{ObjectMeta: metav1.ObjectMeta{Namespace: "house", Name: time.Duration(i).String()}}, time.Time{})
	}
	if d.cache().Len() != mostDeletions {
		t.Errorf("%d are remembered", d.cache().Len())
	}
}

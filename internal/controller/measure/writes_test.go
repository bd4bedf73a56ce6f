package measure

import (
	"fmt"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
)

var begin = time.Date(2026, 10, 25, 12, 0, 0, 0, time.UTC)

func second(n int) time.Time { return begin.Add(time.Duration(n) * time.Second) }

func booking(uid string, created int, entries ...metav1.ManagedFieldsEntry) *v1alpha1.BookingGrant {
	return &v1alpha1.BookingGrant{ObjectMeta: metav1.ObjectMeta{UID: types.UID(uid), CreationTimestamp: metav1.Time{Time: second(created)}, ManagedFields: entries}}
}

func by(manager string, at int, subresource string) metav1.ManagedFieldsEntry {
	return metav1.ManagedFieldsEntry{Manager: manager, Time: &metav1.Time{Time: second(at)}, Subresource: subresource}
}

func TestWhenAnObjectWasWritten(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		object *v1alpha1.BookingGrant
		comes  time.Duration // after begin
		want   time.Duration
	}{
		{"made just now", booking("a", 0, by("kubectl", 0, "")), 300 * time.Millisecond, 300 * time.Millisecond},
		{"made while nobody looked", booking("a", 0, by("kubectl", 0, "")), time.Minute, time.Second},
		{"made long ago", booking("a", -7200), 0, -7200 * time.Second},
		{"changed while nobody looked", booking("a", -7200, by("kubectl", -60, "")), 0, -59 * time.Second},
		{"changed just now", booking("a", -7200, by("kubectl", 0, "")), 700 * time.Millisecond, 700 * time.Millisecond},
		{"its status was written", booking("a", -7200, by("kubectl", -600, ""), by("kubectl", -10, "status")), 0, -599 * time.Second},
		{"this operator has given it a finalizer", booking("a", -7200, by("kubectl", -600, ""), by("kisi-operator", -10, "")), 0, -599 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := &Writes{Own: "kisi-operator"}
			w.note(c.object, begin.Add(c.comes))
			w.note(c.object, begin.Add(c.comes+time.Hour/2)) // it comes again with every change of its status
			if got := w.Of(c.object).Sub(begin); got != c.want {
				t.Errorf("written at %s, want %s", got, c.want)
			}
		})
	}
}

func TestTheCacheKeepsNoManagedFields(t *testing.T) {
	t.Parallel()
	w := &Writes{}
	object, err := w.Transform(booking("a", 0, by("kubectl", 0, "")))
	if err != nil || len(object.(*v1alpha1.BookingGrant).ManagedFields) > 0 {
		t.Errorf("%v, %v", object, err)
	}
}

func TestWritesAreForgottenInTimeAndWithTheirObjects(t *testing.T) {
	t.Parallel()
	w := &Writes{}
	for hour := range 100 {
		w.note(booking(fmt.Sprint("made-", hour), hour*3600), second(hour*3600))
		w.note(booking(fmt.Sprint("changed-", hour), 0, by("kubectl", hour*3600+1, "")), second(hour*3600+1))
	}
	size := func(g generations) int { return len(g.young) + len(g.old) }
	if made, changed := size(w.creations), size(w.edits); made > 2 || changed > 51 {
		t.Errorf("%d objects made and %d changed are remembered", made, changed)
	}
	w.forget("changed-99")
	w.forget("made-99")
	for _, name := range []types.UID{"made-99", "changed-99"} {
		_, made := w.creations.of(name)
		_, changed := w.edits.of(name)
		if made || changed {
			t.Errorf("%s is remembered", name)
		}
	}
}

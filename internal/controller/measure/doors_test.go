package measure

import (
	"context"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
	"github.com/kisi-operator/kisi-operator/internal/executor"
	"github.com/kisi-operator/kisi-operator/internal/metrics"
)

// created reads objects by name of which only the age counts.
type created struct {
	client.Reader
	at map[string]int
}

func (c created) Get(_ context.Context, key client.ObjectKey, object client.Object, _ ...client.GetOption) error {
	at, exists := c.at[key.Name]
	if !exists {
		return apierrors.NewNotFound(schema.GroupResource{}, key.Name)
	}
	object.SetUID(types.UID(key.Name))
	object.SetCreationTimestamp(metav1.Time{Time: second(at)})
	return nil
}

func TestSinceWhenADoorCouldHaveBeenOpen(t *testing.T) {
	t.Parallel()
	reader := created{at: map[string]int{"hq": -900, "booking": 0, "late-place": 20, "place": -500, "group": -600, "plan": 50}}
	member := func(implicit bool, at int) *v1alpha1.Member {
		m := &v1alpha1.Member{ObjectMeta: metav1.ObjectMeta{UID: "ana", CreationTimestamp: metav1.Time{Time: second(at)}}}
		if implicit {
			m.Name, m.Labels = entitlement.ImplicitName(""), map[string]string{v1alpha1.ImplicitLabel: "true"}
		}
		return m
	}
	booked := [][]string{{"BookingGrant/booking", "PlaceMapping/place", "KisiGroup/group"}}
	for _, c := range []struct {
		name   string
		access executor.NewAccess
		window metrics.Window
		since  int
	}{
		{"from when the booking was made", executor.NewAccess{Member: member(false, -999), Causes: booked}, metrics.Open, 0},
		{"from when the window opened", executor.NewAccess{Member: member(false, -999), Causes: booked, Opens: second(60)}, metrics.Open, 60},
		{"from when the place was there", executor.NewAccess{Member: member(false, -999), Causes: [][]string{{"BookingGrant/booking", "PlaceMapping/late-place", "KisiGroup/group"}}}, metrics.Open, 20},
		{"from when the person was there", executor.NewAccess{Member: member(false, 30), Causes: booked}, metrics.Open, 30},
		{"not from when this operator made the Member", executor.NewAccess{Member: member(true, 30), Causes: booked}, metrics.Open, 0},
		{"from the first of two ways", executor.NewAccess{Member: member(false, -999), Causes: [][]string{{"AccessPlan/plan", "KisiGroup/group"}, booked[0]}}, metrics.Open, 0},
		{"not by a way that is gone", executor.NewAccess{Member: member(false, -999), Causes: [][]string{{"AccessPlan/plan", "KisiGroup/group"}, {"BookingGrant/gone"}}}, metrics.Open, 50},
		{"ahead, from when it was possible", executor.NewAccess{Member: member(false, -999), Causes: booked, Opens: second(3600), GrantAhead: 58 * time.Minute}, metrics.Ahead, 120},
		{"ahead, from when it was wished", executor.NewAccess{Member: member(false, -999), Causes: booked, Opens: second(3600), GrantAhead: 24 * time.Hour}, metrics.Ahead, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.access.Connection = types.NamespacedName{Namespace: "gym", Name: "hq"}
			c.access.At = second(600)
			d := Doors{Reader: reader, Writes: &Writes{}}
			window, since := latency(c.access, d.wished(t.Context(), c.access))
			if window != c.window || !since.Equal(second(c.since)) {
				t.Errorf("%s since %s, want %s since %d s", window, since.Sub(begin), c.window, c.since)
			}
		})
	}
}

func TestAccessWhoseSourcesHaveGoneIsNotMeasured(t *testing.T) {
	t.Parallel()
	d := Doors{Reader: created{at: map[string]int{"hq": 0}}, Writes: &Writes{}}
	access := executor.NewAccess{Member: &v1alpha1.Member{}, Connection: types.NamespacedName{Name: "hq"}, Causes: [][]string{{"BookingGrant/gone", "KisiGroup/gone"}}}
	if wished := d.wished(t.Context(), access); !wished.IsZero() {
		t.Errorf("wished at %s", wished)
	}
}

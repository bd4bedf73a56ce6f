package bench

import (
	"context"
	"fmt"
	"math"
	"time"

	"k8s.io/apimachinery/pkg/types"
	ctrlclient "sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
)

// takeoverRate is what Kisi allows a second during a takeover.
const takeoverRate = 50

// inhabited is a Kisi in which half of the people are in one group, and half in the other.
func inhabited(size scale) (*kisi, error) { return newKisi(takeoverRate, halves(size.takeover)) }

func halves(n int) map[string][]string {
	people := addresses("person", n)
	return map[string][]string{groupNames[0]: people[:n/2], groupNames[1]: people[n/2:]}
}

// takeover gives the operator an organization in which everybody has what they should have, in Exclusive groups, and
// suspends one person while it takes over.
func takeover(ctx context.Context, r *run, w *world) error {
	n, k := r.scale.takeover, w.kisi
	if err := w.people(ctx, "person", n, nil); err != nil {
		return err
	}
	for i, group := range groupNames {
		if err := each(ctx, n/2, func(ctx context.Context, j int) error { return w.subscribeOne(ctx, "person", i*n/2+j, group) }); err != nil {
			return err
		}
	}
	if err := w.start(ctx); err != nil {
		return err
	}
	begun := time.Now()
	err := w.connect(ctx, takeoverRate, func(group *v1alpha1.KisiGroup) { group.Spec.Assignments = v1alpha1.AssignmentsExclusive })
	if err != nil {
		return err
	}
	if err := w.bound(ctx); err != nil {
		return err
	}
	suspended := time.Now()
	last := &v1alpha1.Member{ObjectMeta: w.meta(nameOf("person", n-1))}
	if err := w.admin.Patch(ctx, last, ctrlclient.RawPatch(types.MergePatchType, []byte(`{"spec":{"state":"Suspended"}}`))); err != nil {
		return err
	}
	err = w.until(ctx, 20*time.Minute, "the suspended person's row to go", func(context.Context) (bool, error) { return k.asked("DELETE /role_assignments/*") > 0, nil })
	if err != nil {
		return err
	}
	urgent := time.Since(suspended)
	if err := w.allGranted(ctx, n-1, 30*time.Minute); err != nil {
		return err
	}
	lasted := time.Since(begun)
	r.say("  requests: %s", k.kinds())

	plainKisi, err := newKisi(-1, halves(n))
	if err != nil {
		return err
	}
	defer plainKisi.Close() //nolint:errcheck // the measurement is done
	plain := newPeer(plainKisi, 0)
	for i := range n {
		plain.wanted = append(plain.wanted, wish{email: addressOf("person", i), group: groupNames[i/(n/2)]})
	}
	if err := plain.pass(ctx); err != nil {
		return err
	}
	floor := 2 * (math.Ceil(float64(n)/2/250) + math.Ceil(float64(n)/2/100))
	people := fmt.Sprintf("taking over %d people who are all right already: ", n)
	r.figure(Figure{
		Name: "takeover/requests", What: people + "requests, as a multiple of the pages that hold them",
		Value: float64(k.asked()) / floor, Peer: of(float64(plainKisi.asked()) / floor),
	})
	r.figure(Figure{
		Name: "takeover/time", What: people + fmt.Sprintf("time at %d requests a second", takeoverRate), Unit: "s",
		Value: lasted.Seconds(), Peer: of(float64(plainKisi.asked()) / takeoverRate),
	})
	r.figure(Figure{Name: "takeover/urgent", What: people + "a suspension meanwhile, until the row is gone", Unit: "s", Value: urgent.Seconds()})
	return nil
}

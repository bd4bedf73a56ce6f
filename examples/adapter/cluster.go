package main

import (
	"context"
	"fmt"
	"io"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
)

// Cluster is where the objects go.
type Cluster struct {
	client.WithWatch

	Namespace string
}

// Apply says what the object should be. It makes it or changes it; a second time it changes nothing.
func (c *Cluster) Apply(ctx context.Context, object runtime.ApplyConfiguration) error {
	return c.WithWatch.Apply(ctx, object, client.FieldOwner(Manager), client.ForceOwnership)
}

// Follow tells how the bookings of this adapter stand, each when that is known, and ends when it has told of all.
func (c *Cluster) Follow(ctx context.Context, out io.Writer) error {
	mine := []client.ListOption{client.InNamespace(c.Namespace), client.MatchingLabels{ManagedByLabel: Manager}}
	var list v1alpha1.BookingGrantList
	if err := c.List(ctx, &list, mine...); err != nil {
		return err
	}
	open := map[string]bool{}
	tell := func(b *v1alpha1.BookingGrant) {
		if said, known := standing(b); known && open[b.Name] {
			delete(open, b.Name)
			fmt.Fprintf(out, "%s: %s\n", b.Spec.ExternalID, said)
		}
	}
	for i := range list.Items {
		open[list.Items[i].Name] = true
		tell(&list.Items[i])
	}
	if len(open) == 0 {
		return nil
	}
	// From where the list ended, so that nothing is missed in between.
	changes, err := c.Watch(ctx, &list, append(mine, &client.ListOptions{Raw: &metav1.ListOptions{ResourceVersion: list.ResourceVersion}})...)
	if err != nil {
		return err
	}
	defer changes.Stop()
	for len(open) > 0 {
		select {
		case <-ctx.Done():
			return fmt.Errorf("%d bookings are not settled yet: %w", len(open), context.Cause(ctx))
		case event, more := <-changes.ResultChan():
			if !more {
				return fmt.Errorf("the watch ended with %d bookings to go", len(open))
			}
			if booking, is := event.Object.(*v1alpha1.BookingGrant); is {
				tell(booking)
			}
		}
	}
	return nil
}

// standing says how a booking stands, once the operator has seen what is in it by now and is done with it.
func standing(b *v1alpha1.BookingGrant) (said string, known bool) {
	switch ready := v1alpha1.Settled(b); {
	case ready == nil:
		return "", false
	case ready.Status == metav1.ConditionTrue:
		return ready.Reason, true
	default:
		return ready.Reason + ": " + ready.Message, true
	}
}

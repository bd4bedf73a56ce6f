package measure

import (
	"context"
	"strings"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/internal/entitlement"
	"github.com/kisi-operator/kisi-operator/internal/executor"
	"github.com/kisi-operator/kisi-operator/internal/metrics"
)

// Doors measures how long it takes from a wish to the role assignment in Kisi.
type Doors struct {
	client.Reader
	Writes *Writes
}

// Opened takes note of new access.
func (d Doors) Opened(ctx context.Context, access executor.NewAccess) {
	wished := d.wished(ctx, access)
	if wished.IsZero() {
		return // its sources have gone meanwhile
	}
	window, since := latency(access, wished)
	metrics.DoorLatency(access.Connection, window, access.At.Sub(since))
}

// latency tells access that is open from access that is written ahead, and says since when it could have been in Kisi.
func latency(access executor.NewAccess, wished time.Time) (metrics.Window, time.Time) {
	window, possible := metrics.Open, access.Opens
	if access.Opens.After(access.At) {
		window, possible = metrics.Ahead, access.Opens.Add(-access.GrantAhead)
	}
	if possible.After(wished) {
		return window, possible
	}
	return window, wished
}

// wished is when the first of the ways to the group was complete: when the latest of the objects on it was written. The
// person's own Member, unless the operator made it, and the connection are on every way.
func (d Doors) wished(ctx context.Context, access executor.NewAccess) (first time.Time) {
	common := d.written(ctx, access.Connection.Namespace, entitlement.SourceName(entitlement.KindKisiConnection, access.Connection.Name))
	if !entitlement.IsImplicit(access.Member) {
		common = latest(common, d.Writes.Of(access.Member))
	}
	for _, way := range access.Causes {
		complete, whole := common, true
		for _, cause := range way {
			written := d.written(ctx, access.Connection.Namespace, cause)
			whole = whole && !written.IsZero()
			complete = latest(complete, written)
		}
		if whole {
			first = entitlement.Sooner(first, complete)
		}
	}
	return first
}

// written is when an object, Kind/name, was last written; zero if there is none.
func (d Doors) written(ctx context.Context, namespace, kindAndName string) time.Time {
	kind, name, _ := strings.Cut(kindAndName, "/")
	prototype, known := kinds[kind]
	if !known {
		return time.Time{}
	}
	object := prototype.DeepCopyObject().(client.Object)
	if err := d.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, object); err != nil {
		return time.Time{}
	}
	return d.Writes.Of(object)
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

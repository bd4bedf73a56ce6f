package connection

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/util/sets"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/tenant"
)

func (r *Reconciler) membersOf(ctx context.Context, connection *v1alpha1.KisiConnection) ([]v1alpha1.Member, error) {
	var members v1alpha1.MemberList
	organization := tenant.IDText(connection.Status.Organization.ID)
	err := r.List(ctx, &members, client.InNamespace(connection.Namespace), client.MatchingFields{tenant.ByOrganization: organization}, client.UnsafeDisableDeepCopy)
	if err != nil {
		return nil, fmt.Errorf("listing the Members of organization %s: %w", organization, err)
	}
	return members.Items, nil
}

// count says what the ledgers come to, at most every few seconds, and when to do so again.
func (r *Reconciler) count(ctx context.Context, connection *v1alpha1.KisiConnection, now time.Time) (time.Duration, error) {
	if connection.Status.Organization == nil {
		return 0, nil
	}
	if wait := r.throttle.Wait(client.ObjectKeyFromObject(connection)); wait > 0 {
		return wait, nil
	}
	var groups v1alpha1.KisiGroupList
	if err := r.List(ctx, &groups, client.InNamespace(connection.Namespace), client.MatchingFields{tenant.ByConnection: connection.Name}, client.UnsafeDisableDeepCopy); err != nil {
		return 0, fmt.Errorf("listing the connection's groups: %w", err)
	}
	counts := v1alpha1.ConnectionCounts{}
	if known := connection.Status.Counts; known != nil {
		counts.ForeignAssignments = known.ForeignAssignments
	}
	own := sets.New[v1alpha1.ObjectName]()
	for i := range groups.Items {
		own.Insert(v1alpha1.ObjectName(groups.Items[i].Name))
		if groups.Items[i].Status.KisiGroupID != 0 {
			counts.Groups++
		}
	}
	r.counts.of(connection, own.Has, &counts).Describe(connection, now)
	if connection.Status.Counts != nil && *connection.Status.Counts != counts {
		r.throttle.Note(client.ObjectKeyFromObject(connection))
	}
	connection.Status.Counts = &counts
	return 0, nil
}

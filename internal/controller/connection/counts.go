package connection

import (
	"context"
	"fmt"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/controller/limit"
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

// count sums up the ledgers, at most every few seconds, and says when to do so again.
func (r *Reconciler) count(ctx context.Context, connection *v1alpha1.KisiConnection) (time.Duration, error) {
	if connection.Status.Organization == nil {
		return 0, nil
	}
	if wait := r.throttle.Wait(client.ObjectKeyFromObject(connection)); wait > 0 {
		return wait, nil
	}
	members, err := r.membersOf(ctx, connection)
	if err != nil {
		return 0, err
	}
	counts := v1alpha1.ConnectionCounts{}
	if known := connection.Status.Counts; known != nil {
		counts.ForeignAssignments = known.ForeignAssignments
	}
	held := limit.HeldRows{}
	for i := range members {
		countMember(&counts, &members[i], connection.Status.Organization.ID)
		held.Add(&members[i], connection.Status.Organization.ID)
	}
	held.Describe(connection, time.Now())
	var groups v1alpha1.KisiGroupList
	if err := r.List(ctx, &groups, client.InNamespace(connection.Namespace), client.MatchingFields{tenant.ByConnection: connection.Name}, client.UnsafeDisableDeepCopy); err != nil {
		return 0, fmt.Errorf("listing the connection's groups: %w", err)
	}
	for i := range groups.Items {
		if groups.Items[i].Status.KisiGroupID != 0 {
			counts.Groups++
		}
	}
	if err := r.countPlanned(ctx, &counts, connection, groups.Items); err != nil {
		return 0, err
	}
	if connection.Status.Counts != nil && *connection.Status.Counts != counts {
		r.throttle.Note(client.ObjectKeyFromObject(connection))
	}
	connection.Status.Counts = &counts
	return 0, nil
}

func countMember(counts *v1alpha1.ConnectionCounts, member *v1alpha1.Member, organizationID v1alpha1.KisiID) {
	for _, account := range member.Status.Accounts {
		if account.OrganizationID == organizationID {
			counts.Members++
		}
	}
	for _, row := range member.Status.Grants {
		if row.OrganizationID != organizationID {
			continue
		}
		switch row.State {
		case v1alpha1.GrantActive, v1alpha1.GrantScheduled:
			counts.Grants++
		case v1alpha1.GrantPending:
			counts.PendingGrants++
		case v1alpha1.GrantRevoking:
			counts.Grants++
			counts.PendingRevocations++
		case v1alpha1.GrantHeld:
			counts.Grants++
			counts.HeldRevocations++
		}
	}
}

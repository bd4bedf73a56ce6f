// Package outside follows what others change in Kisi, and has those looked at whom it concerns.
package outside

import (
	"context"
	"fmt"

	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/controller/enqueue"
	"github.com/kisi-operator/kisi-operator/internal/controller/imports"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
	"github.com/kisi-operator/kisi-operator/internal/mirror"
	"github.com/kisi-operator/kisi-operator/internal/session"
	"github.com/kisi-operator/kisi-operator/internal/tenant"
)

// Changes wakes the objects that a change in Kisi concerns, and no others.
type Changes struct {
	client.Client
	Enqueuers *enqueue.Enqueuers
	Imports   *imports.Users
}

// Changed is told of every change that somebody else made in an organization.
func (o *Changes) Changed(scope session.Scope, change mirror.Change) {
	ctx := log.IntoContext(context.Background(), log.Log.WithName("outside"))
	if err := o.wake(ctx, scope, change); err != nil {
		// What was not woken is compared again at the next complete read.
		log.FromContext(ctx).Error(err, "Cannot find what a change in Kisi concerns", "organizationID", scope.OrganizationID)
	}
}

func (o *Changes) wake(ctx context.Context, scope session.Scope, change mirror.Change) error {
	organizationID := v1alpha1.KisiID(scope.OrganizationID)
	for _, user := range change.Users {
		members, err := o.members(ctx, tenant.ByUser, tenant.UserIndex(organizationID, v1alpha1.KisiID(user)))
		if err != nil {
			return err
		}
		if len(members) == 0 {
			scope.Mirror.SettleUser(user) // nobody relies on what is recorded of that user
		}
		o.Enqueuers.Members.Enqueue(members...)
	}
	for _, user := range change.Made {
		importing := o.Imports.Heard(organizationID, imports.User{
			ID: user.ID, Email: v1alpha1.EmailAddress(user.Address), Name: v1alpha1.FullName(user.Name), Enabled: user.Enabled, DirectoryOff: user.OffInDirectory,
		})
		for _, name := range importing {
			o.Enqueuers.Imports.Enqueue(reconcile.Request{NamespacedName: name})
		}
	}
	for _, address := range change.Addresses {
		if err := o.wakeAddress(ctx, organizationID, scope.Mirror, address); err != nil {
			return err
		}
	}
	if change.WebhookDisabled {
		if err := o.doubtHooks(ctx, organizationID); err != nil {
			return err
		}
	}
	if change.GroupsNamed {
		if err := o.doubtUnbound(ctx, organizationID); err != nil {
			return err
		}
	}
	for _, id := range change.FirstRead {
		if err := o.firstRead(ctx, organizationID, scope.Mirror, id); err != nil {
			return err
		}
	}
	for _, id := range append(change.Groups, change.FirstRead...) {
		groups, err := o.groups(ctx, organizationID, id)
		if err != nil {
			return err
		}
		o.Enqueuers.Groups.Enqueue(enqueue.RequestsFor(groups)...)
	}
	for _, id := range change.DoubtedGroups {
		groups, err := o.groups(ctx, organizationID, id)
		if err != nil {
			return err
		}
		for _, group := range groups {
			o.Enqueuers.DoubtGroup(client.ObjectKeyFromObject(group))
		}
	}
	return nil
}

// Known reports whether a Member stands for the user.
func (o *Changes) Known(scope session.Scope, userID int64) bool {
	members, err := o.members(context.Background(), tenant.ByUser, tenant.UserIndex(v1alpha1.KisiID(scope.OrganizationID), v1alpha1.KisiID(userID)))
	return err == nil && len(members) > 0
}

// wakeAddress wakes the Members of an address that a user of Kisi has, who may be another user than theirs: somebody
// whom an admin had removed may have been made again.
func (o *Changes) wakeAddress(ctx context.Context, organizationID v1alpha1.KisiID, m *mirror.Mirror, address string) error {
	members, err := tenant.Ledgers{Reader: o}.By(ctx, tenant.ByAddress, string(entitlement.Fold(v1alpha1.EmailAddress(address))))
	if err != nil {
		return err
	}
	for _, member := range members {
		for _, account := range member.Status.Accounts {
			if account.OrganizationID == organizationID && account.Access != v1alpha1.AccountEnabled {
				m.DoubtUser(int64(account.UserID))
			}
		}
	}
	o.Enqueuers.Members.Enqueue(enqueue.RequestsFor(members)...)
	return nil
}

// firstRead wakes everybody whose ledger names the group, or who has a row in it: until now nothing was known to compare
// one with the other.
func (o *Changes) firstRead(ctx context.Context, organizationID v1alpha1.KisiID, from *mirror.Mirror, id int64) error {
	rows, _ := from.Rows(id)
	ledgers := tenant.Ledgers{Reader: tenant.Cached(o)} // whoever writes just now is looked at anyway
	for _, row := range rows {
		members, err := ledgers.By(ctx, tenant.ByUser, tenant.UserIndex(organizationID, v1alpha1.KisiID(row.UserID)))
		if err != nil {
			return err
		}
		o.Enqueuers.Members.EnqueueBehind(enqueue.RequestsFor(members)...)
	}
	groups, err := o.groups(ctx, organizationID, id)
	if err != nil {
		return err
	}
	for _, group := range groups {
		var members v1alpha1.MemberList
		if err := tenant.In(ctx, o.Client, group.Namespace).List(&members, tenant.ByLedgerGroup, group.Name); err != nil {
			return err
		}
		o.Enqueuers.Members.EnqueueBehind(enqueue.RequestsFor(tenant.Pointers(members.Items))...)
	}
	return nil
}

// doubtHooks has the webhooks of an organization's connections looked at: an event does not say whose was switched off.
func (o *Changes) doubtHooks(ctx context.Context, organizationID v1alpha1.KisiID) error {
	var connections v1alpha1.KisiConnectionList
	if err := o.List(ctx, &connections, client.UnsafeDisableDeepCopy); err != nil {
		return fmt.Errorf("listing the connections: %w", err)
	}
	for i := range connections.Items {
		connection := &connections.Items[i]
		if connection.Spec.Webhook != nil && connection.Status.Organization != nil && connection.Status.Organization.ID == organizationID {
			o.Enqueuers.DoubtHook(connection)
		}
	}
	return nil
}

// doubtUnbound has the KisiGroups looked up again that have not found their group in Kisi yet.
func (o *Changes) doubtUnbound(ctx context.Context, organizationID v1alpha1.KisiID) error {
	var all v1alpha1.KisiGroupList
	if err := o.List(ctx, &all, client.UnsafeDisableDeepCopy); err != nil {
		return fmt.Errorf("listing the groups: %w", err)
	}
	for i := range all.Items {
		group := &all.Items[i]
		if group.Spec.Existing == nil || group.Status.KisiGroupID != 0 && !tenant.Frozen(group) {
			continue
		}
		same, err := o.inOrganization(ctx, group, organizationID)
		if err != nil {
			return err
		}
		if same {
			o.Enqueuers.DoubtGroup(client.ObjectKeyFromObject(group))
		}
	}
	return nil
}

// inOrganization reports whether the group's connection is one to the organization. Ids are unique within an organization
// for certain; across organizations nobody says so.
func (o *Changes) inOrganization(ctx context.Context, group *v1alpha1.KisiGroup, organizationID v1alpha1.KisiID) (bool, error) {
	connection := &v1alpha1.KisiConnection{}
	found, err := tenant.In(ctx, o.Client, group.Namespace).Get(group.Spec.ConnectionRef.Name, connection)
	return found && connection.Status.Organization != nil && connection.Status.Organization.ID == organizationID, err
}

// members finds the Members of every namespace that an index leads to.
func (o *Changes) members(ctx context.Context, index, value string) ([]reconcile.Request, error) {
	members, err := tenant.Ledgers{Reader: o}.By(ctx, index, value)
	return enqueue.RequestsFor(members), err
}

// groups finds the KisiGroups that are bound to a group of the organization.
func (o *Changes) groups(ctx context.Context, organizationID v1alpha1.KisiID, id int64) ([]*v1alpha1.KisiGroup, error) {
	bound, err := tenant.GroupsBoundTo(ctx, o, v1alpha1.KisiID(id))
	if err != nil {
		return nil, err
	}
	var groups []*v1alpha1.KisiGroup
	for _, group := range bound {
		same, err := o.inOrganization(ctx, group, organizationID)
		if err != nil {
			return nil, err
		}
		if same {
			groups = append(groups, group)
		}
	}
	return groups, nil
}

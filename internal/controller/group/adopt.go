package group

import (
	"context"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/controller/enqueue"
	"github.com/kisi-operator/kisi-operator/internal/controller/internal/conditions"
	"github.com/kisi-operator/kisi-operator/internal/controller/internal/implicit"
	"github.com/kisi-operator/kisi-operator/internal/controller/internal/requeue"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
	"github.com/kisi-operator/kisi-operator/internal/mirror"
	"github.com/kisi-operator/kisi-operator/internal/plan"
	"github.com/kisi-operator/kisi-operator/internal/session"
	"github.com/kisi-operator/kisi-operator/internal/tenant"
)

// exclude asks, once, about the assignments that an Exclusive group is found with. It returns why the group may not be
// Exclusive, nil if it may or need not.
func (r *Reconciler) exclude(ctx context.Context, s *session.Session, group *v1alpha1.KisiGroup, connection *v1alpha1.KisiConnection, found groupFound, now time.Time) (problem *conditions.Verdict, again time.Duration, err error) {
	again = connection.Spec.ChangePollInterval.Duration
	if group.Spec.Assignments != v1alpha1.AssignmentsExclusive {
		group.Status.Assignments = v1alpha1.AssignmentsShared
		return nil, 0, nil
	}
	if group.Status.Assignments == v1alpha1.AssignmentsExclusive && !moves(group, connection, found) {
		return nil, 0, nil
	}
	rows, known := s.Mirror().Rows(int64(found.id))
	switch why := s.Mirror().Unread(int64(found.id)); {
	case why == tenant.UnreadTooLarge:
		v := conditions.Stalled(v1alpha1.ReasonGroupNotExclusive, fmt.Sprintf(
			"spec.assignments: the Kisi group %d has more assignments than can be listed (%d at most), so it cannot be told which of them nothing here asks for; set assignments: Shared, or spread its people over several groups", found.id, tenant.LargestReadableGroup))
		return &v, again, nil
	case !known || why != "":
		v := conditions.Reconciling(v1alpha1.ReasonConnecting, "the group's assignments could not be read completely: "+why+"; an Exclusive group is not bound before, trying again")
		return &v, again, nil
	}
	if group.Spec.AtBinding != v1alpha1.BindingTakeOver {
		unasked, wait, err := r.asking.run(client.ObjectKeyFromObject(group), func() (int, error) { return r.unasked(ctx, s, group, rows, now) })
		if err != nil {
			return nil, 0, err
		}
		if unasked > 0 {
			v := conditions.Stalled(v1alpha1.ReasonGroupNotExclusive, fmt.Sprintf(
				"spec.assignments: the Kisi group %d has %d assignment(s) that nothing here asks for; set atBinding: TakeOver to have them removed within the revocation limit, or remove them in Kisi, or create Members that ask for them", found.id, unasked))
			return &v, requeue.Sooner(again, wait), nil
		}
		r.asking.forget(client.ObjectKeyFromObject(group)) // the next time asks about other assignments
	}
	group.Status.Assignments = v1alpha1.AssignmentsExclusive
	return nil, 0, nil
}

// moves reports whether another Kisi group was found than the one that the KisiGroup is bound to.
func moves(group *v1alpha1.KisiGroup, connection *v1alpha1.KisiConnection, found groupFound) bool {
	return tenant.BoundID(group, connection) != found.id
}

// unasked counts the people's assignments that no ledger has and that nobody in this namespace should have.
func (r *Reconciler) unasked(ctx context.Context, s *session.Session, group *v1alpha1.KisiGroup, rows []mirror.Row, now time.Time) (int, error) {
	count := 0
	for _, row := range rows {
		if !row.Basic || !row.Until.IsZero() && !row.Until.After(now) {
			continue
		}
		asked, err := r.asked(ctx, s, group, row, now)
		if err != nil {
			return 0, err
		}
		if !asked {
			count++
		}
	}
	return count, nil
}

// asked reports whether a ledger has the assignment, or its person should be in the group.
func (r *Reconciler) asked(ctx context.Context, s *session.Session, group *v1alpha1.KisiGroup, row mirror.Row, now time.Time) (bool, error) {
	if claimed, err := r.claimed(ctx, s, row); claimed || err != nil {
		return claimed, err
	}
	members, err := r.membersFor(ctx, s, group.Namespace, row)
	if err != nil || len(members) == 0 {
		return false, err
	}
	standing := entitlement.Primary(members)
	if standing == nil {
		return false, nil
	}
	entitlements, err := entitlement.For(tenant.In(ctx, tenant.Pin(tenant.Cached(r), standing), group.Namespace), standing, now)
	if err != nil {
		return false, fmt.Errorf("deciding what the person of role assignment %d should have: %w", row.ID, err)
	}
	for _, e := range entitlements.Groups {
		if string(e.Group) == group.Name {
			return true, nil
		}
	}
	return false, nil
}

// claimed reports whether some ledger has the role assignment.
func (r *Reconciler) claimed(ctx context.Context, s *session.Session, row mirror.Row) (bool, error) {
	organization := v1alpha1.KisiID(s.Verdict().Identity.OrganizationID)
	members, err := tenant.Ledgers{Reader: tenant.Cached(r)}.By(ctx, tenant.ByAssignment, tenant.AssignmentIndex(organization, v1alpha1.KisiID(row.ID)))
	return len(members) > 0, err
}

// membersFor finds the Members of whoever has the role assignment: by the user, whose address may have changed in Kisi
// since, else by the address.
func (r *Reconciler) membersFor(ctx context.Context, s *session.Session, namespace string, row mirror.Row) ([]*v1alpha1.Member, error) {
	in := tenant.In(ctx, tenant.Cached(r), namespace)
	var members v1alpha1.MemberList
	organization := v1alpha1.KisiID(s.Verdict().Identity.OrganizationID)
	if err := in.List(&members, tenant.ByUser, tenant.UserIndex(organization, v1alpha1.KisiID(row.UserID))); err != nil {
		return nil, err
	}
	if len(members.Items) > 0 {
		return in.Members(entitlement.Fold(members.Items[0].Spec.Email))
	}
	if row.Address == "" {
		return nil, nil
	}
	return in.Members(entitlement.Address(row.Address))
}

// adopt sees to it that every assignment which no ledger has, and which is this operator's all the same, has a Member that
// takes it into its ledger. It reports whether none is left, and when to look again, zero if an event will tell.
func (r *Reconciler) adopt(ctx context.Context, group *v1alpha1.KisiGroup) (done bool, again time.Duration, err error) {
	ownership := tenant.OwnershipOf(group)
	if ownership == plan.OwnsLedger || group.Status.KisiGroupID == 0 || tenant.Frozen(group) {
		return false, 0, nil
	}
	s := tenant.SessionOf(r.Sessions, client.ObjectKey{Namespace: group.Namespace, Name: string(group.Spec.ConnectionRef.Name)})
	if s == nil {
		return false, 0, nil
	}
	id := int64(group.Status.KisiGroupID)
	if s.Mirror().ReadAt(id).IsZero() {
		return false, 0, nil
	}
	waiting, again, err := r.adopting.run(client.ObjectKeyFromObject(group), func() (int, error) { return r.assignAll(ctx, s, group, ownership) })
	return err == nil && again == 0 && waiting == 0 && s.Mirror().Unread(id) == "", again, err
}

// assignAll finds a Member for each assignment that no ledger has, and counts those that wait until it has taken them.
func (r *Reconciler) assignAll(ctx context.Context, s *session.Session, group *v1alpha1.KisiGroup, ownership plan.Ownership) (waiting int, err error) {
	listed := r.counts.listed(group)
	rows, _ := s.Mirror().Rows(int64(group.Status.KisiGroupID))
	owner := s.Verdict().Identity.UserID
	for _, row := range rows {
		if listed.Has(row.ID) || !row.Basic || ownership == plan.OwnsMadeWithKey && row.CreatedBy != owner {
			continue
		}
		waits, err := r.assign(ctx, s, group, row)
		if err != nil {
			return 0, err
		}
		if waits {
			waiting++
		}
	}
	return waiting, nil
}

// assign wakes the Member of whoever has the role assignment, or makes one. It reports whether it is still to be taken
// into a ledger; nobody can where Kisi does not say whose it is.
func (r *Reconciler) assign(ctx context.Context, s *session.Session, group *v1alpha1.KisiGroup, row mirror.Row) (waits bool, err error) {
	if claimed, err := r.claimed(ctx, s, row); claimed || err != nil {
		return false, err
	}
	members, err := r.membersFor(ctx, s, group.Namespace, row)
	if err != nil {
		return false, err
	}
	if entitlement.Primary(members) != nil {
		r.Enqueuers.Members.EnqueueBehind(enqueue.RequestsFor(members)...)
		return true, nil
	}
	if row.Address == "" {
		return false, nil
	}
	address := entitlement.Address(row.Address)
	err = implicit.Ensure(ctx, r.Client, group.Namespace, entitlement.Invitee{Address: address, Email: v1alpha1.EmailAddress(address)})
	if apierrors.IsInvalid(err) || implicit.IsNameTaken(err) {
		return false, nil // nobody whose ledger could have it; the row stays counted as foreign
	}
	return true, err
}

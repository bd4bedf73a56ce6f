package group

import (
	"context"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/controller/enqueue"
	"github.com/kisi-operator/kisi-operator/internal/controller/internal/conditions"
	"github.com/kisi-operator/kisi-operator/internal/executor"
	"github.com/kisi-operator/kisi-operator/internal/kisi"
	"github.com/kisi-operator/kisi-operator/internal/lookup"
	"github.com/kisi-operator/kisi-operator/internal/mirror"
	"github.com/kisi-operator/kisi-operator/internal/plan"
	"github.com/kisi-operator/kisi-operator/internal/session"
	"github.com/kisi-operator/kisi-operator/internal/tenant"
)

// withRows has every row of a group read into the mirror after the group itself, where that is due. A read that failed or
// fell short leaves what was known, and does not keep the group from being bound.
func (r *Reconciler) withRows(s *session.Session, group *v1alpha1.KisiGroup, connection *v1alpha1.KisiConnection, q lookup.Question[groupFound]) func(context.Context, *kisi.Client) (groupFound, error) {
	maxAge := tenant.FreshFor(connection, s)
	adopts := group.Spec.Assignments == v1alpha1.AssignmentsExclusive || tenant.ClaimPending(group)
	bound, of := group.Status.KisiGroupID != 0 && conditions.IsReady(group.Status.Conditions), client.ObjectKeyFromObject(group)
	return func(ctx context.Context, client *kisi.Client) (groupFound, error) {
		defer r.tidy(q.Key)
		found, err := q.Read(ctx, client)
		if err == nil && found.problem != nil && bound {
			err = client.Confirm(ctx) // a group that was found before may only be hidden by now
		}
		if err != nil || found.problem != nil {
			return found, err
		}
		m, id := s.Mirror(), int64(found.id)
		list := func(ctx context.Context, rows []mirror.Row) userList {
			switch {
			case len(usersOf(rows, time.Now())) == 0:
				return userList{asked: true}
			case adopts:
				return r.listForAdopting(ctx, client, s, id, rows)
			}
			return listUsers(ctx, client, s, kisi.UserFilter{GroupID: id})
		}
		version, _ := r.rowsRead.Load(q.Key)
		if version == q.Version && time.Since(m.ReadAt(id)) < maxAge && m.Unread(id) == "" && !m.DoubtedGroup(id) {
			if _, owed := r.usersOwed.Load(q.Key); owed {
				rows, _ := m.Rows(id)
				found.short = !r.withUsers(ctx, s, q.Key, id, list(ctx, rows))
			}
			return found, nil
		}
		if version == q.Version {
			s.ProbeEvery(maxAge)
		} else {
			s.ProbeEvery(0) // somebody asks for a fresh look
		}
		var users userList
		read := r.readRows(ctx, client, s, of, id, found.users, q.Still, func(rows []mirror.Row) {
			if adopts { // before the rows count, so that nobody is looked at alone who is on the list
				users = list(ctx, rows)
			}
		})
		switch {
		case read:
			if !users.asked {
				rows, _ := m.Rows(id)
				users = list(ctx, rows)
			}
			found.short = !r.withUsers(ctx, s, q.Key, id, users)
		case m.Unread(id) == tenant.UnreadTooLarge:
			if version != q.Version {
				m.DoubtGroup(id) // a full read is asked for: everybody is read again, one by one
			}
		default:
			found.short = true
			return found, nil
		}
		r.rowsRead.Store(q.Key, q.Version)
		return found, nil
	}
}

// tidy drops what was remembered of the rows of a group that was let go while they were read.
func (r *Reconciler) tidy(key string) {
	if _, asked, _ := r.found.Known(key); !asked {
		r.rowsRead.Delete(key)
		r.usersOwed.Delete(key)
	}
}

// withUsers compares the users of a group whose rows were just read with the ledgers, and reports whether it could. If not,
// they are owed: the rows are not read again for that.
func (r *Reconciler) withUsers(ctx context.Context, s *session.Session, key string, groupID int64, users userList) bool {
	r.usersOwed.Store(key, true)
	rows, _ := s.Mirror().Rows(groupID)
	if !r.doubtUsers(ctx, s, users, usersOf(rows, time.Now())) {
		return false
	}
	r.usersOwed.Delete(key)
	return true
}

// readRows reads a group completely, and reports whether it did. What it says of a failure does not change from one
// attempt to the next. users is how many people Kisi said the group has just before; still reports whether the KisiGroup is
// the same. beside reads what has to be known before the rows count.
func (r *Reconciler) readRows(ctx context.Context, kisiClient *kisi.Client, s *session.Session, group client.ObjectKey, groupID int64, users int, still func(context.Context) bool, beside func([]mirror.Row)) bool {
	expected, err := r.expected(ctx, s, group, groupID)
	if err != nil {
		enqueue.LogMapError(ctx, "the ledger rows of a group", err)
		return false
	}
	reading := s.Mirror().Begin(groupID)
	if !still(ctx) { // asked only now: whoever lets the group go from here on ends the reading too
		reading.Cancel()
		return false
	}
	listing, err := kisiClient.ListRoleAssignments(ctx, kisi.RoleAssignmentFilter{AppliesToType: kisi.TypeGroup, AppliesToID: groupID})
	if err == nil && listing.Complete() && executor.LacksAny(listing.Items, expected) {
		err = kisiClient.Confirm(ctx)
	}
	switch {
	case err != nil:
		s.Report(err)
		reading.Abandon(tenant.UnreadFailed)
		return false
	case listing.TooLong, !listing.Complete() && listing.Total > tenant.LargestReadableGroup:
		reading.Abandon(tenant.UnreadTooLarge)
		return false
	case !listing.Complete():
		reading.Abandon(tenant.UnreadShort)
		return false
	}
	read, rows := time.Now(), mirrorRows(listing.Items)
	beside(rows)
	reading.Counted(users)
	reading.Finish(rows, read)
	return !s.Mirror().ReadAt(groupID).IsZero() // unless another KisiGroup of the Kisi group was let go meanwhile
}

// expected are the role assignments that a complete list of the group shows unless somebody took them away: those that it
// showed before, and those in the ledgers. Ones that have ended may be swept away by Kisi itself.
func (r *Reconciler) expected(ctx context.Context, s *session.Session, group client.ObjectKey, groupID int64) (map[int64]bool, error) {
	now := time.Now()
	expected := map[int64]bool{}
	known, _ := s.Mirror().Rows(groupID)
	for _, row := range known {
		if row.Until.IsZero() || row.Until.After(now) {
			expected[row.ID] = true
		}
	}
	rows, err := r.rowsOf(ctx, group)
	for _, row := range rows {
		if int64(row.KisiGroupID) == groupID && plan.InKisi(row) && !plan.RowWindow(row).Ended(now) {
			expected[int64(row.RoleAssignmentID)] = true
		}
	}
	return expected, err
}

// untilRowsDue is how long it is until the group's rows are to be read again. Whether a group that is too large still is
// comes with looking at the group itself.
func untilRowsDue(s *session.Session, group *v1alpha1.KisiGroup, connection *v1alpha1.KisiConnection, now time.Time) time.Duration {
	if tenant.TooLarge(s, group) {
		return tenant.FreshFor(connection, s)
	}
	return tenant.FreshFor(connection, s) - now.Sub(s.Mirror().ReadAt(int64(group.Status.KisiGroupID)))
}

func mirrorRows(assignments []kisi.RoleAssignment) []mirror.Row {
	rows := make([]mirror.Row, 0, len(assignments))
	for _, a := range assignments {
		rows = append(rows, executor.MirrorRow(a))
	}
	return rows
}

// countOthers counts the rows of the group in Kisi that no ledger lists.
func (r *Reconciler) countOthers(group *v1alpha1.KisiGroup, counts *v1alpha1.GroupCounts) {
	s := tenant.SessionOf(r.Sessions, client.ObjectKey{Namespace: group.Namespace, Name: string(group.Spec.ConnectionRef.Name)})
	if s == nil {
		return // what was counted before stands
	}
	if inKisi, known := s.Mirror().Rows(int64(group.Status.KisiGroupID)); known {
		counts.Foreign, counts.Unclaimed = r.counts.ofOthers(group, inKisi, s.Verdict().Identity.UserID)
	}
}

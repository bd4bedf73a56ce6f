package controller

import (
	"context"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/access"
	"github.com/kisi-operator/kisi-operator/internal/kisi"
	"github.com/kisi-operator/kisi-operator/internal/mirror"
	"github.com/kisi-operator/kisi-operator/internal/session"
)

// withRows has every row of a group read into the mirror after the group itself. A read that failed or fell short
// leaves what was known, and does not keep the group from being bound.
func withRows(s *session.Session, read func(context.Context, *kisi.Client) (groupFound, error)) func(context.Context, *kisi.Client) (groupFound, error) {
	return func(ctx context.Context, client *kisi.Client) (groupFound, error) {
		found, err := read(ctx, client)
		if err != nil || found.problem != nil {
			return found, err
		}
		readRows(ctx, client, s.Mirror(), int64(found.id))
		return found, nil
	}
}

// readRows reads a group completely. What it says of a failure does not change from one attempt to the next.
func readRows(ctx context.Context, client *kisi.Client, into *mirror.Mirror, groupID int64) {
	reading := into.Begin(groupID)
	listing, err := client.ListRoleAssignments(ctx, kisi.RoleAssignmentFilter{AppliesToType: kisi.TypeGroup, AppliesToID: groupID})
	switch {
	case err != nil:
		reading.Abandon(unreadFailed)
		return
	case listing.Total > largestReadableGroup:
		reading.Abandon(unreadTooLarge)
		return
	case !listing.Complete():
		reading.Abandon(unreadShort)
		return
	}
	rows := make([]mirror.Row, 0, len(listing.Items))
	for _, assignment := range listing.Items {
		rows = append(rows, mirrorRow(assignment))
	}
	reading.Finish(rows, time.Now())
}

// Why a group's rows are not known.
const (
	unreadFailed   = "the request failed"
	unreadShort    = "the list was incomplete"
	unreadTooLarge = "it has more rows than Kisi lists"
)

// largestReadableGroup is Kisi's ceiling for the offset of a list.
const largestReadableGroup = 20000

// readAgain reports whether the latest reading of the group failed for a reason that may pass.
func readAgain(s *session.Session, group *v1alpha1.KisiGroup) bool {
	why := s.Mirror().Unread(int64(group.Status.KisiGroupID))
	return why != "" && why != unreadTooLarge
}

// RowOf reads a role assignment as the mirror keeps it.
func RowOf(a kisi.RoleAssignment) mirror.Row { return mirrorRow(a) }

func mirrorRow(a kisi.RoleAssignment) mirror.Row {
	window := assignmentWindow(a)
	row := mirror.Row{ID: a.ID, GroupID: a.AppliesToID, From: window.From, Until: window.Until}
	if a.AssigneeType == kisi.TypeUser {
		row.UserID = a.AssigneeID
		row.Address = string(access.Fold(v1alpha1.EmailAddress(a.Assignee.Email)))
		row.Basic = a.RoleID == kisi.RoleGroupBasic
	}
	if a.CreatedByID != nil {
		row.CreatedBy = *a.CreatedByID
	}
	return row
}

// countOthers counts the rows of the group in Kisi that no ledger lists: foreign ones, and those that were made with
// this connection's key.
func (r *GroupReconciler) countOthers(ctx context.Context, group *v1alpha1.KisiGroup, counts *v1alpha1.GroupCounts) error {
	s := sessionOf(r.Sessions, client.ObjectKey{Namespace: group.Namespace, Name: string(group.Spec.ConnectionRef.Name)})
	if s == nil {
		return nil // what was counted before stands
	}
	inKisi, known := s.Mirror().Rows(int64(group.Status.KisiGroupID))
	if !known {
		return nil
	}
	rows, err := r.rows(ctx, group)
	if err != nil {
		return err
	}
	listed, inDoubt := map[int64]bool{}, map[int64]bool{}
	for _, row := range rows {
		listed[int64(row.RoleAssignmentID)] = true
		if row.State == v1alpha1.GrantPending {
			inDoubt[int64(row.UserID)] = true
		}
	}
	owner := s.Verdict().Identity.UserID
	counts.Foreign, counts.Unclaimed = 0, 0
	for _, row := range inKisi {
		switch {
		case listed[row.ID] || (inDoubt[row.UserID] && row.CreatedBy == owner):
		case row.Basic && row.CreatedBy == owner:
			counts.Unclaimed++
		default:
			counts.Foreign++
		}
	}
	return nil
}

package group

import (
	"context"
	"errors"
	"time"

	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/controller/enqueue"
	"github.com/kisi-operator/kisi-operator/internal/kisi"
	"github.com/kisi-operator/kisi-operator/internal/lookup"
	"github.com/kisi-operator/kisi-operator/internal/mirror"
	"github.com/kisi-operator/kisi-operator/internal/session"
	"github.com/kisi-operator/kisi-operator/internal/tenant"
)

// peopleAtOnce is how many people one task reads. Kisi lists as many users by id on one page.
const peopleAtOnce = 100

// readPeople has those whose ledgers name a group that is too large read one by one, where that is due. It returns when to
// look again.
func (r *Reconciler) readPeople(ctx context.Context, s *session.Session, group *v1alpha1.KisiGroup, connection *v1alpha1.KisiConnection, now time.Time) (time.Duration, error) {
	rows, err := r.rows(ctx, group)
	if err != nil {
		return 0, err
	}
	users := sets.Set[int64]{}
	for _, row := range rows {
		if row.KisiGroupID == group.Status.KisiGroupID && row.UserID != 0 {
			users.Insert(int64(row.UserID))
		}
	}
	id, maxAge := int64(group.Status.KisiGroupID), tenant.FreshFor(connection, s)
	again := maxAge
	var due []int64
	for _, user := range sets.List(users) {
		if left := maxAge - now.Sub(s.Mirror().PersonReadAt(id, user)); left > 0 {
			again = min(again, left)
		} else {
			due = append(due, user)
		}
	}
	if len(due) == 0 {
		return wait.Jitter(max(again, lookup.RetryFailed), 0.1), nil
	}
	due = due[:min(len(due), peopleAtOnce)]
	client, queue := s.Client()
	read, still := false, lookup.Unchanged(r.Client, group, connection)
	queue.Submit(kisi.Task{
		Key: "people/" + enqueue.RequestFor(group).String(), Class: kisi.Class{Priority: kisi.Background, Connection: s.Name().String()},
		Run: func(ctx context.Context) {
			if !still(ctx) {
				return
			}
			known := readEach(ctx, client, s, id, due, still)
			if len(known) > 0 {
				r.doubtUsers(ctx, s, listUsers(ctx, client, s, kisi.UserFilter{IDs: known}), known)
			}
			read = len(known) > 0
		},
		Done: func() {
			if read { // else those who are left are tried again when the group is looked at anyway
				r.Enqueuers.Groups.Enqueue(enqueue.RequestFor(group))
			}
		},
	})
	return connection.Spec.ChangePollInterval.Duration, nil
}

// readEach reads people's rows in a group, and returns those whose rows it read. One who cannot be read keeps nobody else
// from it, unless Kisi is down. Nobody is read any more once the KisiGroup is not the same.
func readEach(ctx context.Context, client *kisi.Client, s *session.Session, groupID int64, users []int64, still func(context.Context) bool) (read []int64) {
	for _, user := range users {
		reading := s.Mirror().BeginPerson(groupID, user)
		if !still(ctx) { // asked only now: whoever lets the group go from here on ends the reading too
			reading.Cancel()
			return read
		}
		err := readPerson(ctx, client, reading, groupID, user)
		s.Report(err)
		switch {
		case err == nil:
			read = append(read, user)
		case errors.Is(err, kisi.ErrOutage):
			return read
		}
	}
	return read
}

// readPerson reads a person's rows in a group completely.
func readPerson(ctx context.Context, client *kisi.Client, reading *mirror.Reading, groupID, userID int64) error {
	listing, err := client.ListRoleAssignments(ctx, kisi.RoleAssignmentFilter{
		AssigneeType: kisi.TypeUser, AssigneeID: userID, AppliesToType: kisi.TypeGroup, AppliesToID: groupID,
	})
	if err == nil && !listing.Complete() {
		err = errors.New("reading a person's rows in a group: " + listing.Incomplete)
	}
	if err == nil && len(listing.Items) == 0 {
		err = client.Confirm(ctx) // only people whose ledger says otherwise are read like this
	}
	if err != nil {
		reading.Abandon(tenant.UnreadFailed)
		return err
	}
	reading.Finish(mirrorRows(listing.Items), time.Now())
	return nil
}

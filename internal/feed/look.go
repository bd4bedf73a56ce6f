package feed

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/kisi-operator/kisi-operator/internal/kisi"
	"github.com/kisi-operator/kisi-operator/internal/mirror"
)

// look looks at what a number of events are about.
type look struct {
	feed   *Feed
	ctx    context.Context
	by     follower
	asked  time.Time // before the first question
	digest digest
	change mirror.Change
	// leaveOut: what cannot be read is left out.
	leaveOut bool
}

func (l *look) all() error {
	l.usersChanged()
	l.groups()
	l.rowsGone()
	return errors.Join(l.groupLocks(), l.rowsChanged(), l.rowsOfUsers(), l.usersMade())
}

// leavesOut reports whether something that could not be read is left out. Then the counts are compared instead.
func (l *look) leavesOut(err error) bool {
	if !l.leaveOut || silenced(err) {
		return false
	}
	l.digest.obscure = true
	return true
}

// usersChanged doubts them before anything about them is told, so that nobody acts on what is recorded of them.
func (l *look) usersChanged() {
	for _, id := range of(l.digest.users, changed, gone) {
		l.feed.options.Mirror.DoubtUser(id)
		l.change.Users = append(l.change.Users, id)
	}
}

func (l *look) groups() {
	l.change.GroupsNamed = len(of(l.digest.groups, made, changed)) > 0
	for id := range l.digest.rowsOfGroups {
		l.feed.options.Mirror.DoubtGroup(id)
		l.digest.groups[id] = max(l.digest.groups[id], changed)
	}
	l.change.DoubtedGroups = append(l.change.DoubtedGroups, of(l.digest.groups, changed, gone)...)
	l.change.WebhookDisabled = l.digest.webhookDisabled
}

// rowsGone takes rows out. Those of a group that is gone with them stay: what that means is decided by who looks at the
// group.
func (l *look) rowsGone() {
	for _, id := range of(l.digest.assignments, gone) {
		row, known := l.feed.options.Mirror.Row(id)
		if known && l.digest.groups[row.GroupID] == gone {
			continue
		}
		if row, known = l.feed.options.Mirror.Lose(id); known {
			l.differs(row)
		}
	}
}

func (l *look) differs(row mirror.Row) {
	l.change.Groups = append(l.change.Groups, row.GroupID)
	if row.UserID != 0 {
		l.change.Users = append(l.change.Users, row.UserID)
	}
	if row.Address != "" {
		l.change.Addresses = append(l.change.Addresses, row.Address)
	}
}

// rowsChanged reads the rows that were made or changed, except those that are known since they were made.
func (l *look) rowsChanged() error {
	m := l.feed.options.Mirror
	ids := slices.DeleteFunc(of(l.digest.assignments, made, changed), func(id int64) bool {
		_, known := m.Row(id)
		return known && l.digest.assignments[id] == made
	})
	strange := false // a row that is left out may be in any group, and be one more of somebody whom the counts have already
	found, err := readEach(l.ctx, ids, func(chunk []int64) (kisi.Listing[kisi.RoleAssignment], error) {
		return l.by.client.ListRoleAssignments(l.ctx, kisi.RoleAssignmentFilter{IDs: chunk})
	}, func(ctx context.Context, id int64) (*kisi.RoleAssignment, error) {
		return l.by.client.RoleAssignment(ctx, id, kisi.RoleAssignmentFilter{})
	}, func(id int64, err error) bool {
		if !l.leavesOut(err) {
			return false
		}
		if row, known := m.Row(id); known {
			l.doubtGroup(row.GroupID)
		} else if id != 0 {
			strange = true
		}
		return true
	})
	if err != nil {
		return err
	}
	if strange {
		l.feed.rereadAll()
	}
	for _, id := range ids {
		assignment, answered := found[id]
		switch {
		case assignment != nil:
			l.see(*assignment)
		case answered:
			if row, known := m.Lose(id); known {
				l.differs(row)
			}
		}
	}
	return nil
}

func (l *look) see(assignment kisi.RoleAssignment) {
	if assignment.AppliesToType != kisi.TypeGroup {
		return
	}
	row := l.feed.options.RowOf(assignment)
	before, known := l.feed.options.Mirror.Row(row.ID)
	if l.feed.options.Mirror.See(row, l.asked) {
		l.differs(row)
		if known && before.UserID != row.UserID {
			l.differs(before)
		}
	}
}

// rowsOfUsers reads all rows of the people of whom an event said no more.
func (l *look) rowsOfUsers() error {
	for id := range l.digest.rowsOfUsers {
		listing, err := l.by.client.ListRoleAssignments(l.ctx, kisi.RoleAssignmentFilter{AssigneeType: kisi.TypeUser, AssigneeID: id})
		if err == nil && !listing.Complete() {
			err = errors.New("reading a person's rows: " + listing.Incomplete)
		}
		if err != nil && l.leavesOut(err) {
			for _, row := range l.feed.options.Mirror.RowsOf(id) {
				l.doubtGroup(row.GroupID)
			}
			continue
		}
		if err != nil {
			return err
		}
		left := map[int64]bool{}
		for _, assignment := range listing.Items {
			left[assignment.ID] = true
			l.see(assignment)
		}
		confirmed := false
		for _, row := range l.feed.options.Mirror.RowsOf(id) {
			written := l.feed.options.Mirror.Wrote(mirror.Subject{Kind: mirror.Assignment, ID: row.ID})
			if left[row.ID] || written.After(l.asked) {
				continue
			}
			if !confirmed {
				if err := l.by.client.Confirm(l.ctx); err != nil {
					return err
				}
				confirmed = true
			}
			if lost, known := l.feed.options.Mirror.Lose(row.ID); known {
				l.differs(lost)
			}
		}
	}
	return nil
}

// usersMade reads the addresses of users whom nobody stands for: somebody may be waited for.
func (l *look) usersMade() error {
	ids := slices.DeleteFunc(of(l.digest.users, made), func(id int64) bool {
		return l.feed.options.Known != nil && l.feed.options.Known(id)
	})
	found, err := readEach(l.ctx, ids, func(chunk []int64) (kisi.Listing[kisi.User], error) {
		return l.by.client.ListUsers(l.ctx, kisi.UserFilter{IDs: chunk})
	}, l.by.client.User, func(_ int64, err error) bool { return l.leavesOut(err) })
	if err != nil {
		return err
	}
	for _, id := range ids {
		if user := found[id]; user != nil {
			l.change.Addresses = append(l.change.Addresses, user.Email)
			l.change.Made = append(l.change.Made, mirror.MadeUser{ID: user.ID, Address: user.Email, Name: user.Name, Enabled: user.AccessEnabled, OffInDirectory: !user.SCIMAccessEnabled})
		}
	}
	return nil
}

// groupLocks finds the groups whose doors have changed. Of a door that is gone only its id is told.
func (l *look) groupLocks() error {
	m := l.feed.options.Mirror
	for _, id := range of(l.digest.groupLocks, made, changed, gone) {
		groupID, known := m.Door(id)
		switch {
		case known && l.digest.groupLocks[id] == made:
		case known:
			l.change.DoubtedGroups = append(l.change.DoubtedGroups, groupID)
		case l.digest.groupLocks[id] != gone:
			groupLock, err := l.by.client.GroupLock(l.ctx, id)
			switch {
			case err == nil:
				l.change.DoubtedGroups = append(l.change.DoubtedGroups, groupLock.GroupID)
			case !kisi.IsNotFound(err) && !kisi.IsForbidden(err) && !l.leavesOut(err):
				return err
			}
		}
	}
	return nil
}

func (l *look) doubtGroup(id int64) {
	l.feed.options.Mirror.DoubtGroup(id)
	l.change.DoubtedGroups = append(l.change.DoubtedGroups, id)
}

// chunkSize is how many ids are asked for at once.
const chunkSize = 100

// readEach reads things by their ids: several at once where Kisi understands that, else one by one. What separates ids in
// a list of them is not documented, so what a list does not show may be there all the same. In the answer a thing that is
// gone (404) is nil, and one that may not be read (403), or is left out after another error, is absent.
func readEach[T any](ctx context.Context, ids []int64, list func([]int64) (kisi.Listing[T], error), one func(context.Context, int64) (*T, error), leaveOut func(id int64, err error) bool) (map[int64]*T, error) {
	found := map[int64]*T{}
	if len(ids) > 1 {
		for part := range slices.Chunk(ids, chunkSize) {
			listing, err := list(part)
			if err != nil && !kisi.IsForbidden(err) && !kisi.IsInvalid(err) && !leaveOut(0, err) {
				return nil, err
			}
			for i := range listing.Items {
				found[idOf(&listing.Items[i])] = &listing.Items[i]
			}
		}
	}
	for _, id := range ids {
		if found[id] != nil {
			continue
		}
		thing, err := one(ctx, id)
		switch {
		case err == nil:
			found[id] = thing
		case kisi.IsNotFound(err):
			found[id] = nil
		case !kisi.IsForbidden(err) && !leaveOut(id, err):
			return nil, err
		}
	}
	return found, nil
}

func idOf(thing any) int64 {
	switch thing := thing.(type) {
	case *kisi.RoleAssignment:
		return thing.ID
	case *kisi.User:
		return thing.ID
	}
	return 0
}

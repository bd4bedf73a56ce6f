// Package migrate writes the objects for what a Kisi organization has, so that kisi-operator takes it over and nobody loses
// access on the way.
package migrate

import (
	"context"
	"fmt"

	"github.com/kisi-operator/kisi-operator/internal/kisi"
)

// Organization is what Kisi has.
type Organization struct {
	Organization kisi.Organization
	Places       []kisi.Place
	Locks        []kisi.Lock
	Groups       []kisi.Group
	GroupLocks   []kisi.GroupLock
	Users        []kisi.User
	Assignments  []kisi.RoleAssignment
}

// Read reads all of an organization. What cannot be proven to be complete is an error: objects that lack somebody would let
// that person be taken for one whom nothing asks for.
func Read(ctx context.Context, client *kisi.Client) (*Organization, error) {
	organization, err := client.Organization(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the organization: %w", err)
	}
	o := &Organization{Organization: *organization}
	if o.Places, err = all(client.ListPlaces(ctx, kisi.PlaceFilter{})); err != nil {
		return nil, err
	}
	if o.Locks, err = all(client.ListLocks(ctx, kisi.LockFilter{})); err != nil {
		return nil, err
	}
	if o.Groups, err = all(client.ListGroups(ctx, kisi.GroupFilter{})); err != nil {
		return nil, err
	}
	if o.Users, err = all(client.ListUsers(ctx, kisi.UserFilter{})); err != nil {
		return nil, err
	}
	for _, group := range o.Groups {
		locks, err := all(client.ListGroupLocks(ctx, group.ID))
		if err != nil {
			return nil, err
		}
		o.GroupLocks = append(o.GroupLocks, locks...)
		assignments, err := all(client.ListRoleAssignments(ctx, kisi.RoleAssignmentFilter{AppliesToType: kisi.TypeGroup, AppliesToID: group.ID}))
		if err != nil {
			return nil, err
		}
		o.Assignments = append(o.Assignments, assignments...)
	}
	return o, nil
}

// all returns the items of a list that is proven to be complete.
func all[T any](listing kisi.Listing[T], err error) ([]T, error) {
	switch {
	case err != nil:
		return nil, err
	case !listing.Complete():
		return nil, fmt.Errorf("Kisi's answer is not complete, so nothing is written: %s; try again", listing.Incomplete)
	}
	return listing.Items, nil
}

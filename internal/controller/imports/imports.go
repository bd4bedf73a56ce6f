// Package imports knows the users of Kisi whom connections take in with users.existing: Import.
package imports

import (
	"maps"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
	"github.com/kisi-operator/kisi-operator/internal/kisi"
	"github.com/kisi-operator/kisi-operator/internal/plan"
)

// Users knows the users of Kisi whom connections with users.existing: Import have read. The zero value is ready to use.
type Users struct {
	mu    sync.Mutex
	lists map[types.NamespacedName]*connectionUsers
}

// connectionUsers are all users of one connection's organization, as of the last complete read and what was heard since.
type connectionUsers struct {
	organizationID v1alpha1.KisiID
	readAt         time.Time // zero: never completely
	users          map[entitlement.Address]User
	// refused are users for whom no Member can be made.
	refused sets.Set[int64]
	problem string // why the latest read brought nothing
}

// User is a user whom Kisi has.
type User struct {
	ID      int64
	Email   v1alpha1.EmailAddress
	Name    v1alpha1.FullName
	Enabled bool
	// DirectoryOff says that a directory, if the organization has one, has switched the user off.
	DirectoryOff bool
}

func importedFrom(user kisi.User) User {
	return User{
		ID: user.ID, Email: v1alpha1.EmailAddress(user.Email), Name: v1alpha1.FullName(user.Name), Enabled: user.AccessEnabled, DirectoryOff: !user.SCIMAccessEnabled,
	}
}

// Account is what the ledger says of the user of whom nothing else is known; directory says whether the organization has
// one.
func (u User) Account(connection v1alpha1.ObjectName, organizationID v1alpha1.KisiID, directory bool) v1alpha1.MemberAccount {
	account := v1alpha1.MemberAccount{
		Connection: connection, OrganizationID: organizationID, Email: u.Email, UserID: v1alpha1.KisiID(u.ID),
		Origin: v1alpha1.AccountFound, Access: v1alpha1.AccountEnabled, Notified: v1alpha1.NotifiedNo, EmailMatches: v1alpha1.AddressMatches,
	}
	account, _ = plan.See(account, &plan.UserSeen{Enabled: u.Enabled, OffInDirectory: directory && u.DirectoryOff, Address: entitlement.Fold(u.Email)}, false)
	return account
}

func (i *Users) list(connection types.NamespacedName, organizationID v1alpha1.KisiID) *connectionUsers {
	if i.lists == nil {
		i.lists = map[types.NamespacedName]*connectionUsers{}
	}
	known := i.lists[connection]
	if known == nil || known.organizationID != organizationID {
		known = &connectionUsers{organizationID: organizationID, users: map[entitlement.Address]User{}, refused: sets.New[int64]()}
		i.lists[connection] = known
	}
	return known
}

// Read takes in a complete list. Of two users with one address none is meant. It returns the addresses of whom something
// differs from what was known.
func (i *Users) Read(connection types.NamespacedName, organizationID v1alpha1.KisiID, users []kisi.User, at time.Time) []entitlement.Address {
	i.mu.Lock()
	defer i.mu.Unlock()
	known := i.list(connection, organizationID)
	if !at.After(known.readAt) {
		return nil // the answer that was taken in before
	}
	fresh := map[entitlement.Address]User{}
	known.refused = sets.New[int64]()
	for _, user := range users {
		address := entitlement.Fold(v1alpha1.EmailAddress(user.Email))
		if twin, taken := fresh[address]; taken || address == "" {
			known.refused.Insert(user.ID)
			if taken {
				known.refused.Insert(twin.ID)
			}
			continue
		}
		fresh[address] = importedFrom(user)
	}
	maps.DeleteFunc(fresh, func(_ entitlement.Address, user User) bool { return known.refused.Has(user.ID) })
	var differing []entitlement.Address
	for address, user := range fresh {
		if before, had := known.users[address]; !had || before != user {
			differing = append(differing, address)
		}
	}
	for address := range known.users {
		if _, has := fresh[address]; !has {
			differing = append(differing, address)
		}
	}
	known.users, known.readAt, known.problem = fresh, at, ""
	slices.Sort(differing)
	return differing
}

// Failed notes why a read brought nothing. What was known before stays.
func (i *Users) Failed(connection types.NamespacedName, organizationID v1alpha1.KisiID, problem string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.list(connection, organizationID).problem = problem
}

// Refuse notes that no Member can be made for the user.
func (i *Users) Refuse(connection types.NamespacedName, address entitlement.Address) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if known := i.lists[connection]; known != nil {
		if user, has := known.users[address]; has {
			known.refused.Insert(user.ID)
			delete(known.users, address)
		}
	}
}

// Heard adds a user who was made since the last read, and returns the connections that import him.
func (i *Users) Heard(organizationID v1alpha1.KisiID, user User) []types.NamespacedName {
	i.mu.Lock()
	defer i.mu.Unlock()
	var importing []types.NamespacedName
	for name, known := range i.lists {
		if known.organizationID == organizationID && !known.readAt.IsZero() && !known.refused.Has(user.ID) {
			known.users[entitlement.Fold(user.Email)] = user
			importing = append(importing, name)
		}
	}
	return importing
}

// Gone takes out a user whom Kisi does not have any more.
func (i *Users) Gone(organizationID v1alpha1.KisiID, userID int64) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, known := range i.lists {
		if known.organizationID == organizationID {
			maps.DeleteFunc(known.users, func(_ entitlement.Address, user User) bool { return user.ID == userID })
		}
	}
}

// Forget drops what is known through a connection.
func (i *Users) Forget(connection types.NamespacedName) {
	i.mu.Lock()
	defer i.mu.Unlock()
	delete(i.lists, connection)
}

// User returns the user of an address, and whether the users were read at all.
func (i *Users) User(connection types.NamespacedName, address entitlement.Address) (user User, found, read bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	known := i.lists[connection]
	if known == nil || known.readAt.IsZero() {
		return user, false, false
	}
	user, found = known.users[address]
	return user, found, true
}

// Addresses lists the addresses of all users.
func (i *Users) Addresses(connection types.NamespacedName) []entitlement.Address {
	i.mu.Lock()
	defer i.mu.Unlock()
	known := i.lists[connection]
	if known == nil {
		return nil
	}
	return slices.Sorted(maps.Keys(known.users))
}

// Standing sums up a connection's import.
func (i *Users) Standing(connection types.NamespacedName) (read bool, problem string, imported int, refused []int64) {
	i.mu.Lock()
	defer i.mu.Unlock()
	known := i.lists[connection]
	if known == nil {
		return false, "", 0, nil
	}
	return !known.readAt.IsZero(), known.problem, len(known.users), sets.List(known.refused)
}

// Wanted reports whether the connection has Members made for the users of Kisi.
func Wanted(connection *v1alpha1.KisiConnection) bool {
	return connection.Spec.Users.Existing == v1alpha1.ExistingUsersImport && connection.DeletionTimestamp.IsZero()
}

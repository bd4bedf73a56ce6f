package executor

import (
	"context"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
	"github.com/kisi-operator/kisi-operator/internal/failure"
	"github.com/kisi-operator/kisi-operator/internal/kisi"
	"github.com/kisi-operator/kisi-operator/internal/mirror"
	"github.com/kisi-operator/kisi-operator/internal/plan"
)

// Keys of a Kisi user's metadata, by which the operator knows a user that it made. They hold that and no personal data.
const (
	metadataNamespace = "kisi-operator-namespace"
	metadataName      = "kisi-operator-name"
	metadataUID       = "kisi-operator-uid"
)

// ensureUser makes the person's user in Kisi: create first, look up on conflict, or where the key's owner may not make
// users, as a place administrator may not.
func (e *execution) ensureUser(ctx context.Context, settings v1alpha1.KisiConnectionSpec) (*v1alpha1.MemberAccount, error) {
	member := e.Member
	silent := settings.Users.Type == v1alpha1.UserTypeManaged || settings.Notifications == v1alpha1.NotificationsNever
	create := kisi.UserCreate{
		Email: string(member.Spec.Email), Name: string(entitlement.KisiName(member)),
		SendEmails: ptr.To(!silent),
		Metadata: map[string]any{
			metadataNamespace: member.Namespace, metadataName: member.Name, metadataUID: string(member.UID),
		},
	}
	if silent {
		create.Confirm = ptr.To(true)
	}
	user, err := e.makeOrFind(ctx, create)
	if err != nil {
		return nil, err
	}
	account := e.accountOf(user, member.Spec.Email)
	if plan.Withholds(account) {
		ours, err := e.suspendedByUs(ctx, account)
		if err != nil {
			return nil, err
		}
		account, _ = plan.See(account, SeenUser(e.Session, user), ours)
	}
	return &account, nil
}

// wroteUser keeps the event about a user whom this process has just written from being taken for somebody else's doing.
func (e *execution) wroteUser(id v1alpha1.KisiID, act mirror.Act) {
	e.Session.Mirror().NoteWrite(mirror.Subject{Kind: mirror.User, ID: int64(id)}, act)
}

// accountOf is the account of a user whom Kisi has for an address of the person. Only the metadata says who made it.
func (e *execution) accountOf(user *kisi.User, email v1alpha1.EmailAddress) v1alpha1.MemberAccount {
	member := e.Member
	account := v1alpha1.MemberAccount{
		Connection: e.Operation.Row.Connection, OrganizationID: e.Operation.Row.OrganizationID,
		Email: email, UserID: v1alpha1.KisiID(user.ID),
		Origin: v1alpha1.AccountFound, Notified: v1alpha1.NotifiedNo,
	}
	if user.Metadata[metadataNamespace] == member.Namespace && user.Metadata[metadataName] == member.Name && user.Metadata[metadataUID] == string(member.UID) {
		account.Origin = v1alpha1.AccountCreated
		account.FullName = v1alpha1.FullName(user.Name)
	}
	account, _ = plan.See(account, SeenUser(e.Session, user), false)
	return account
}

// makeOrFind makes a user, or finds the one of the address where Kisi refuses to make one: because there is one, or
// because it makes none at all, which says nothing about those whom it has.
func (e *execution) makeOrFind(ctx context.Context, create kisi.UserCreate) (*kisi.User, error) {
	user, refusal := e.kisi.CreateUser(ctx, create)
	switch {
	case refusal == nil:
		e.wroteUser(v1alpha1.KisiID(user.ID), mirror.Made)
		return user, nil
	case kisi.OutcomeUnknown(refusal): // looking tells at once whether it was made after all
		if known, err := e.userOf(ctx, e.Member.Spec.Email); err == nil && known != nil {
			e.wroteUser(v1alpha1.KisiID(known.ID), mirror.Made)
			return known, nil
		}
		return nil, refusal
	case !kisi.IsConflict(refusal) && !kisi.IsInvalid(refusal) && !kisi.IsForbidden(refusal) && !kisi.IsLimit(refusal):
		return nil, refusal
	}
	known, err := e.userOf(ctx, e.Member.Spec.Email)
	switch {
	case kisi.IsForbidden(err): // whoever may not read users may hardly make them
		return nil, refusal
	case err != nil:
		return nil, err
	case known == nil:
		return nil, &failure.UserRefusedError{Cause: refusal}
	}
	return known, nil
}

// userOf finds the user of exactly the address, nil if Kisi has none: by the address, and where that finds nothing by a
// search, since Kisi may tell capitals from small letters. A list that may lack somebody is an error.
func (e *execution) userOf(ctx context.Context, email v1alpha1.EmailAddress) (*kisi.User, error) {
	for _, filter := range []kisi.UserFilter{{Email: string(email)}, {Query: string(email)}} {
		listing, err := listed(func() (kisi.Listing[kisi.User], error) { return e.kisi.ListUsers(ctx, filter) })
		if err != nil {
			return nil, err
		}
		user, err := userAmong(listing, email)
		if user != nil || err != nil {
			return user, err
		}
	}
	return nil, nil
}

// userAmong picks the user of an address from a list, which may be one of more than that: the one of the very spelling,
// else the only one of the address.
func userAmong(listing kisi.Listing[kisi.User], email v1alpha1.EmailAddress) (*kisi.User, error) {
	var found []int64
	var only *kisi.User
	for i := range listing.Items {
		switch user := &listing.Items[i]; {
		case user.Email == string(email):
			return user, nil // whoever else there is, this one is there
		case entitlement.Fold(v1alpha1.EmailAddress(user.Email)) == entitlement.Fold(email):
			found, only = append(found, user.ID), user
		}
	}
	switch {
	case !listing.Complete():
		return nil, &failure.IncompleteListError{Doing: "finding the user", Why: listing.Incomplete}
	case len(found) > 1:
		return nil, &failure.AmbiguousUserError{IDs: found}
	}
	return only, nil
}

// instant is the bound of a row as a request carries it.
func instant(t *metav1.Time) *time.Time {
	if t == nil {
		return nil
	}
	return ptr.To(t.UTC())
}

package controller

import (
	"context"
	"errors"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/access"
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
func (d doing) ensureUser(ctx context.Context, settings v1alpha1.KisiConnectionSpec) (*v1alpha1.MemberAccount, error) {
	member := d.p.member
	silent := settings.Users.Type == v1alpha1.UserTypeManaged || settings.Notifications == v1alpha1.NotificationsNever
	create := kisi.UserCreate{
		Email: string(member.Spec.Email), Name: string(kisiName(member)),
		SendEmails: ptr.To(!silent),
		Metadata: map[string]any{
			metadataNamespace: member.Namespace, metadataName: member.Name, metadataUID: string(member.UID),
		},
	}
	if silent {
		create.Confirm = ptr.To(true)
	}
	user, err := d.kisi.CreateUser(ctx, create)
	if err == nil {
		d.wroteUser(v1alpha1.KisiID(user.ID))
	}
	switch {
	case kisi.IsAlreadyExists(err):
		user, err = d.findUser(ctx)
	case kisi.IsForbidden(err):
		if known, lookupErr := d.findUser(ctx); lookupErr == nil {
			user, err = known, nil
		}
	}
	if err != nil {
		return nil, err
	}
	account := d.accountOf(user, member.Spec.Email)
	if plan.Withholds(account) {
		ours, err := d.suspendedByUs(ctx, account)
		if err != nil {
			return nil, err
		}
		account, _ = plan.See(account, seenUser(user), ours)
	}
	return &account, nil
}

// wroteUser keeps the event about a user whom this process has just written from being taken for somebody else's doing.
func (d doing) wroteUser(id v1alpha1.KisiID) {
	d.session.Mirror().NoteWrite(mirror.Subject{Kind: mirror.User, ID: int64(id)})
}

// accountOf is the account of a user whom Kisi has for an address of the person. Only the metadata says who made it.
func (d doing) accountOf(user *kisi.User, email v1alpha1.EmailAddress) v1alpha1.MemberAccount {
	member := d.p.member
	account := v1alpha1.MemberAccount{
		Connection: d.operation.Row.Connection, OrganizationID: d.operation.Row.OrganizationID,
		Email: email, UserID: v1alpha1.KisiID(user.ID),
		Origin: v1alpha1.AccountFound, Notified: v1alpha1.NotifiedNo,
	}
	if user.Metadata[metadataNamespace] == member.Namespace && user.Metadata[metadataName] == member.Name && user.Metadata[metadataUID] == string(member.UID) {
		account.Origin = v1alpha1.AccountCreated
		account.FullName = v1alpha1.FullName(user.Name)
	}
	account, _ = plan.See(account, seenUser(user), false)
	return account
}

// findUser finds the user of exactly the person's address, where Kisi refuses to make one.
func (d doing) findUser(ctx context.Context) (*kisi.User, error) {
	found, err := d.userOf(ctx, d.p.member.Spec.Email)
	if err == nil && found == nil {
		err = errors.New("finding the user: Kisi refuses to make a user of this address and does not list one")
	}
	return found, err
}

// userOf finds the user of exactly the address, nil if none is listed; Kisi's own filter may be a search.
func (d doing) userOf(ctx context.Context, email v1alpha1.EmailAddress) (*kisi.User, error) {
	address := access.Fold(email)
	listing, err := d.kisi.ListUsers(ctx, kisi.UserFilter{Email: string(email)})
	if err != nil {
		return nil, err
	}
	var found *kisi.User
	for i := range listing.Items {
		if access.Fold(v1alpha1.EmailAddress(listing.Items[i].Email)) != address {
			continue
		}
		if found != nil {
			return nil, errors.New("finding the user: Kisi has two users of this address")
		}
		found = &listing.Items[i]
	}
	return found, nil
}

// instant is the bound of a row as a request carries it.
func instant(t *metav1.Time) *time.Time {
	if t == nil {
		return nil
	}
	return ptr.To(t.UTC())
}

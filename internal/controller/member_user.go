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
	account := &v1alpha1.MemberAccount{
		Connection: d.operation.Row.Connection, OrganizationID: d.operation.Row.OrganizationID,
		Email: member.Spec.Email, UserID: v1alpha1.KisiID(user.ID),
		Origin: v1alpha1.AccountFound, Access: v1alpha1.AccountEnabled, Notified: v1alpha1.NotifiedNo,
	}
	if user.Metadata[metadataNamespace] == member.Namespace && user.Metadata[metadataName] == member.Name && user.Metadata[metadataUID] == string(member.UID) {
		account.Origin = v1alpha1.AccountCreated
		account.FullName = v1alpha1.FullName(user.Name)
	}
	return account, nil
}

// findUser finds the user of exactly the person's address; Kisi's own filter may be a search.
func (d doing) findUser(ctx context.Context) (*kisi.User, error) {
	address := access.Fold(d.p.member.Spec.Email)
	listing, err := d.kisi.ListUsers(ctx, kisi.UserFilter{Email: string(d.p.member.Spec.Email)})
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
	if found == nil {
		return nil, errors.New("finding the user: Kisi refuses to make a user of this address and does not list one")
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

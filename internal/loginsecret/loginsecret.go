// Package loginsecret stores the login that Kisi has made on a person's behalf in a Secret of the person's Member.
package loginsecret

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/kisi"
	"github.com/kisi-operator/kisi-operator/internal/secrets"
	"github.com/kisi-operator/kisi-operator/internal/tenant"
)

// Keys of the Secret that holds a login: its secret, and whose it is.
const (
	SecretKey = "secret"
	UserIDKey = "userID"
	EmailKey  = "email"
)

const (
	suffix      = "-kisi-login"
	longestName = 253 // of a DNS subdomain, which is what a Secret's name must be
	hashBytes   = 10
)

// Name returns the name of the Secret that holds a Member's login: <member>-<connection>-kisi-login. Where that is too long
// it is cut, and a hash of the whole tells it from others that begin alike.
func Name(member string, connection v1alpha1.ObjectName) v1alpha1.ObjectName {
	whole := member + "-" + string(connection)
	if len(whole)+len(suffix) <= longestName {
		return v1alpha1.ObjectName(whole + suffix)
	}
	sum := sha256.Sum256([]byte(member + "/" + string(connection)))
	hash := "-" + hex.EncodeToString(sum[:hashBytes])
	begin := strings.TrimRight(whole[:longestName-len(hash)-len(suffix)], "-.")
	return v1alpha1.ObjectName(begin + hash + suffix)
}

// LoginIn returns the id of the login that a Secret of the Member's holds; 0 if it is not the Member's, or holds none.
func LoginIn(secret client.Object, member *v1alpha1.Member) v1alpha1.KisiID {
	if !metav1.IsControlledBy(secret, member) || !secret.GetDeletionTimestamp().IsZero() {
		return 0
	}
	id, err := strconv.ParseInt(secret.GetAnnotations()[v1alpha1.LoginIDAnnotation], 10, 64)
	if err != nil || !kisi.IsID(id) { // anybody may write one on a Secret
		return 0
	}
	return v1alpha1.KisiID(id)
}

// Store keeps login Secrets.
type Store struct {
	client.Client
	// APIReader reads past the cache.
	APIReader client.Reader
}

// Has reports whether the Member's Secret is there and holds the login, as far as the cache knows.
func (s Store) Has(ctx context.Context, member *v1alpha1.Member, login v1alpha1.MemberLogin) (bool, error) {
	return has(ctx, s.Client, member, login)
}

// HasNow is Has past the cache.
func (s Store) HasNow(ctx context.Context, member *v1alpha1.Member, login v1alpha1.MemberLogin) (bool, error) {
	return has(ctx, s.APIReader, member, login)
}

func has(ctx context.Context, reader client.Reader, member *v1alpha1.Member, login v1alpha1.MemberLogin) (bool, error) {
	secret := secrets.Metadata()
	err := reader.Get(ctx, types.NamespacedName{Namespace: member.Namespace, Name: string(login.SecretName)}, secret)
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("looking for Secret %s: %w", login.SecretName, err)
	}
	return login.LoginID != 0 && LoginIn(secret, member) == login.LoginID, nil
}

// secretOf makes the Secret of a login. It is immutable: a Secret is one login, and another login another Secret, so
// its content never needs to be read again to know that it is whole.
func secretOf(c client.Client, member *v1alpha1.Member, login v1alpha1.MemberLogin, data map[string][]byte) (*corev1.Secret, error) {
	secret := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: member.Namespace, Name: string(login.SecretName),
			Labels:      map[string]string{v1alpha1.LoginLabel: "true", "app.kubernetes.io/managed-by": "kisi-operator"},
			Annotations: map[string]string{v1alpha1.LoginIDAnnotation: tenant.IDText(login.LoginID)},
		},
		Immutable: ptr.To(true),
		Data:      data,
	}
	if err := controllerutil.SetControllerReference(member, secret, c.Scheme()); err != nil {
		return nil, fmt.Errorf("making the Member the owner of Secret %s: %w", login.SecretName, err)
	}
	return secret, nil
}

// Read reads the Secret of a name past the cache, with its content.
func (s Store) Read(ctx context.Context, member *v1alpha1.Member, name v1alpha1.ObjectName) (*corev1.Secret, error) {
	secret := &corev1.Secret{}
	return secret, s.APIReader.Get(ctx, types.NamespacedName{Namespace: member.Namespace, Name: string(name)}, secret)
}

// LoginNow returns the id of the login in the Member's Secret of a name, past the cache; 0 if it is not there.
func (s Store) LoginNow(ctx context.Context, member *v1alpha1.Member, name v1alpha1.ObjectName) (v1alpha1.KisiID, error) {
	secret := secrets.Metadata()
	err := s.APIReader.Get(ctx, types.NamespacedName{Namespace: member.Namespace, Name: string(name)}, secret)
	if apierrors.IsNotFound(err) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("looking for Secret %s: %w", name, err)
	}
	return LoginIn(secret, member), nil
}

// Await waits until the cache has seen the Secret, so that the next plan does not take it for lost. It gives up soon: a
// lost Secret is looked for past the cache before anything is done about it.
func (s Store) Await(ctx context.Context, member *v1alpha1.Member, login v1alpha1.MemberLogin) {
	const patience = 2 * time.Second
	_ = wait.PollUntilContextTimeout(ctx, 10*time.Millisecond, patience, true, func(ctx context.Context) (bool, error) {
		return s.Has(ctx, member, login)
	})
}

// Create stores a login. With client.DryRunAll it only tries whether that would succeed.
func (s Store) Create(ctx context.Context, member *v1alpha1.Member, login v1alpha1.MemberLogin, data map[string][]byte, options ...client.CreateOption) error {
	secret, err := secretOf(s.Client, member, login, data)
	if err != nil {
		return err
	}
	// Consistency with an own write would be bought with an informer that caches the content of every Secret.
	return s.Client.Create(ctx, secret, append(options, client.DisableReadYourWritesConsistency)...)
}

// Delete deletes the Secret of a login, if it is the Member's and still holds that login.
func (s Store) Delete(ctx context.Context, member *v1alpha1.Member, login v1alpha1.MemberLogin) error {
	secret := secrets.Metadata()
	err := s.APIReader.Get(ctx, types.NamespacedName{Namespace: member.Namespace, Name: string(login.SecretName)}, secret)
	if err != nil {
		return client.IgnoreNotFound(err)
	}
	if login.LoginID == 0 || LoginIn(secret, member) != login.LoginID {
		return nil
	}
	uid, version := secret.GetUID(), secret.GetResourceVersion()
	return client.IgnoreNotFound(s.Client.Delete(ctx, secret, client.DisableReadYourWritesConsistency, client.Preconditions{UID: &uid, ResourceVersion: &version}))
}

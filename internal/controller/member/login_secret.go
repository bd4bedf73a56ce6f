package member

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/controller/internal/secrets"
	"github.com/kisi-operator/kisi-operator/internal/tenant"
)

// Keys of the Secret that holds a login.
const (
	loginSecretKey = "secret"
	loginUserIDKey = "userID"
	loginEmailKey  = "email"
)

const (
	loginSecretSuffix   = "-kisi-login"
	longestSecretName   = 253 // of a DNS subdomain, which is what a Secret's name must be
	secretNameHashBytes = 10
)

// loginSecretName names the Secret that holds a Member's login: <member>-<connection>-kisi-login. Where that is too long
// it is cut, and a hash of the whole tells it from others that begin alike.
func loginSecretName(member string, connection v1alpha1.ObjectName) v1alpha1.ObjectName {
	whole := member + "-" + string(connection)
	if len(whole)+len(loginSecretSuffix) <= longestSecretName {
		return v1alpha1.ObjectName(whole + loginSecretSuffix)
	}
	sum := sha256.Sum256([]byte(member + "/" + string(connection)))
	hash := "-" + hex.EncodeToString(sum[:secretNameHashBytes])
	begin := strings.TrimRight(whole[:longestSecretName-len(hash)-len(loginSecretSuffix)], "-.")
	return v1alpha1.ObjectName(begin + hash + loginSecretSuffix)
}

// loginIn returns the id of the login that a Secret of the Member's holds; 0 if it is not the Member's, or holds none.
func loginIn(secret client.Object, member *v1alpha1.Member) v1alpha1.KisiID {
	if !metav1.IsControlledBy(secret, member) || !secret.GetDeletionTimestamp().IsZero() {
		return 0
	}
	id, err := strconv.ParseInt(secret.GetAnnotations()[v1alpha1.LoginIDAnnotation], 10, 64)
	if err != nil || id < 0 {
		return 0
	}
	return v1alpha1.KisiID(id)
}

// loginStored reports whether the Member's Secret is there and holds the login, as far as a reader of metadata knows.
func loginStored(ctx context.Context, reader client.Reader, member *v1alpha1.Member, login v1alpha1.MemberLogin) (bool, error) {
	secret := secrets.Metadata()
	err := reader.Get(ctx, types.NamespacedName{Namespace: member.Namespace, Name: string(login.SecretName)}, secret)
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("looking for Secret %s: %w", login.SecretName, err)
	}
	return login.LoginID != 0 && loginIn(secret, member) == login.LoginID, nil
}

// loginSecret makes the Secret of a login. It is immutable: a Secret is one login, and another login another Secret, so
// its content never needs to be read again to know that it is whole.
func loginSecret(c client.Client, member *v1alpha1.Member, login v1alpha1.MemberLogin, data map[string][]byte) (*corev1.Secret, error) {
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

// createLoginSecret stores a login.
func createLoginSecret(ctx context.Context, c client.Client, member *v1alpha1.Member, login v1alpha1.MemberLogin, data map[string][]byte, options ...client.CreateOption) error {
	secret, err := loginSecret(c, member, login, data)
	if err != nil {
		return err
	}
	// Consistency with an own write would be bought with an informer that caches the content of every Secret.
	return c.Create(ctx, secret, append(options, client.DisableReadYourWritesConsistency)...)
}

// deleteLoginSecret deletes the Secret of a login, if it is the Member's and still holds that login.
func deleteLoginSecret(ctx context.Context, c client.Client, live client.Reader, member *v1alpha1.Member, login v1alpha1.MemberLogin) error {
	secret := secrets.Metadata()
	err := live.Get(ctx, types.NamespacedName{Namespace: member.Namespace, Name: string(login.SecretName)}, secret)
	if err != nil {
		return client.IgnoreNotFound(err)
	}
	if login.LoginID == 0 || loginIn(secret, member) != login.LoginID {
		return nil
	}
	uid, version := secret.GetUID(), secret.GetResourceVersion()
	return client.IgnoreNotFound(c.Delete(ctx, secret, client.DisableReadYourWritesConsistency, client.Preconditions{UID: &uid, ResourceVersion: &version}))
}

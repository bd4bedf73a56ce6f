package connection

import (
	"context"
	"fmt"
	"sync"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/controller/internal/conditions"
	"github.com/kisi-operator/kisi-operator/internal/kisi"
	"github.com/kisi-operator/kisi-operator/internal/secrets"
)

// keyring reads API keys out of Secrets: by name, past the cache, and only when the Secret's resourceVersion has changed.
// It keeps the last key, so that a connection can be let go when its Secret was deleted before it.
type keyring struct {
	mu    sync.Mutex
	held  map[types.NamespacedName]heldKey
	looks map[types.NamespacedName]string
}

type heldKey struct {
	ref     v1alpha1.APIKeySecretReference
	version string // resourceVersion of the Secret
	key     kisi.APIKey
	problem *conditions.Verdict
}

// read returns the connection's key, or what is wrong with its Secret. The cache knows metadata of Secrets only.
func (k *keyring) read(ctx context.Context, cache, live client.Reader, connection *v1alpha1.KisiConnection) (kisi.APIKey, *conditions.Verdict, error) {
	ref := connection.Spec.APIKeySecretRef
	name := types.NamespacedName{Namespace: connection.Namespace, Name: string(ref.Name)}
	metadata := secrets.Metadata()
	if err := cache.Get(ctx, name, metadata); apierrors.IsNotFound(err) {
		return k.missing(connection)
	} else if err != nil {
		return kisi.APIKey{}, nil, fmt.Errorf("looking for Secret %s: %w", ref.Name, err)
	}
	k.mu.Lock()
	held, known := k.held[client.ObjectKeyFromObject(connection)]
	k.mu.Unlock()
	if known && held.ref == ref && held.version == metadata.ResourceVersion {
		return held.key, held.problem, nil
	}
	secret := &corev1.Secret{}
	if err := live.Get(ctx, name, secret); apierrors.IsNotFound(err) {
		return k.missing(connection)
	} else if err != nil {
		return kisi.APIKey{}, nil, fmt.Errorf("reading Secret %s: %w", ref.Name, err)
	}
	held = heldKey{ref: ref, version: secret.ResourceVersion}
	held.key, held.problem = keyIn(secret, ref)
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.held == nil {
		k.held = map[types.NamespacedName]heldKey{}
	}
	k.held[client.ObjectKeyFromObject(connection)] = held
	return held.key, held.problem, nil
}

func keyIn(secret *corev1.Secret, ref v1alpha1.APIKeySecretReference) (kisi.APIKey, *conditions.Verdict) {
	value, present := secret.Data[ref.Key]
	if !present {
		missing := conditions.Waiting(v1alpha1.ReasonSecretKeyMissing,
			fmt.Sprintf("spec.apiKeySecretRef: Secret %q has no key %q; add it, or correct apiKeySecretRef.key", ref.Name, ref.Key))
		return kisi.APIKey{}, &missing
	}
	key, err := kisi.NewAPIKey(value)
	if err != nil {
		unusable := conditions.Waiting(v1alpha1.ReasonSecretKeyMissing, fmt.Sprintf("spec.apiKeySecretRef: key %q of Secret %q: %s", ref.Key, ref.Name, err))
		return kisi.APIKey{}, &unusable
	}
	return key, nil
}

// missing says that there is no Secret, unless the connection is going and its last key is known.
func (k *keyring) missing(connection *v1alpha1.KisiConnection) (kisi.APIKey, *conditions.Verdict, error) {
	if key, known := k.kept(connection); known {
		return key, nil, nil
	}
	ref := connection.Spec.APIKeySecretRef
	problem := conditions.Waiting(v1alpha1.ReasonSecretNotFound,
		fmt.Sprintf("spec.apiKeySecretRef: there is no Secret %q in this namespace; create it with the API key under %q", ref.Name, ref.Key))
	return kisi.APIKey{}, &problem, nil
}

// kept returns the last key of a connection that is going, so that a Secret deleted with it does not hold it up.
func (k *keyring) kept(connection *v1alpha1.KisiConnection) (kisi.APIKey, bool) {
	if connection.DeletionTimestamp.IsZero() {
		return kisi.APIKey{}, false
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	held, known := k.held[client.ObjectKeyFromObject(connection)]
	return held.key, known && held.problem == nil
}

// freshLook reports whether the connection's reconcile-at annotation has changed since it was last asked.
func (k *keyring) freshLook(connection *v1alpha1.KisiConnection) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.looks == nil {
		k.looks = map[types.NamespacedName]string{}
	}
	name, value := client.ObjectKeyFromObject(connection), connection.Annotations[v1alpha1.ReconcileAtAnnotation]
	before, known := k.looks[name]
	k.looks[name] = value
	return known && before != value
}

func (k *keyring) forget(name types.NamespacedName) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.held, name)
	delete(k.looks, name)
}

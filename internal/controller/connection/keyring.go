package connection

import (
	"bytes"
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

// keyring reads keys of one sort out of Secrets: by name, past the cache, and only when the Secret's resourceVersion has
// changed. It keeps the last key, so that a connection can be let go when its Secret was deleted before it.
type keyring[K any] struct {
	mu   sync.Mutex
	held map[types.NamespacedName]heldKey[K]
}

type heldKey[K any] struct {
	ref     secretKey
	version string // resourceVersion of the Secret
	key     K
	problem *conditions.Verdict
}

// secretKey is a key of a Secret, as both references of the spec name one.
type secretKey struct {
	Name v1alpha1.ObjectName
	Key  string
}

// keySort is what is different about the keys of one sort.
type keySort[K any] struct {
	field, name string // of the spec; for people
	in          func(*corev1.Secret, secretKey) (K, *conditions.Verdict)
}

var (
	apiKeys       = keySort[kisi.APIKey]{"spec.apiKeySecretRef", "API key", apiKeyIn}
	signatureKeys = keySort[kisi.Secret]{"spec.webhook.signatureKeySecretRef", "signature key", signatureKeyIn}
)

// read returns the connection's key, or what is wrong with its Secret. The cache knows metadata of Secrets only.
func (k *keyring[K]) read(ctx context.Context, cache, live client.Reader, connection *v1alpha1.KisiConnection, sort keySort[K], ref secretKey) (key K, problem *conditions.Verdict, err error) {
	name := types.NamespacedName{Namespace: connection.Namespace, Name: string(ref.Name)}
	metadata := secrets.Metadata()
	if err := cache.Get(ctx, name, metadata); apierrors.IsNotFound(err) {
		key, problem = k.missing(connection, sort, ref)
		return key, problem, nil
	} else if err != nil {
		return key, nil, fmt.Errorf("looking for Secret %s: %w", ref.Name, err)
	}
	k.mu.Lock()
	held, known := k.held[client.ObjectKeyFromObject(connection)]
	k.mu.Unlock()
	if known && held.ref == ref && held.version == metadata.ResourceVersion {
		return held.key, held.problem, nil
	}
	secret := &corev1.Secret{}
	if err := live.Get(ctx, name, secret); apierrors.IsNotFound(err) {
		key, problem = k.missing(connection, sort, ref)
		return key, problem, nil
	} else if err != nil {
		return key, nil, fmt.Errorf("reading Secret %s: %w", ref.Name, err)
	}
	held = heldKey[K]{ref: ref, version: secret.ResourceVersion}
	held.key, held.problem = sort.in(secret, ref)
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.held == nil {
		k.held = map[types.NamespacedName]heldKey[K]{}
	}
	k.held[client.ObjectKeyFromObject(connection)] = held
	return held.key, held.problem, nil
}

// missing says that there is no Secret, unless the connection is going and its last key is known: then a Secret deleted
// with it does not hold it up.
func (k *keyring[K]) missing(connection *v1alpha1.KisiConnection, sort keySort[K], ref secretKey) (key K, problem *conditions.Verdict) {
	k.mu.Lock()
	held, known := k.held[client.ObjectKeyFromObject(connection)]
	k.mu.Unlock()
	if known && held.problem == nil && !connection.DeletionTimestamp.IsZero() {
		return held.key, nil
	}
	absent := conditions.Waiting(v1alpha1.ReasonSecretNotFound,
		fmt.Sprintf("%s: there is no Secret %q in this namespace; create it with the %s under %q", sort.field, ref.Name, sort.name, ref.Key))
	return key, &absent
}

func (k *keyring[K]) forget(name types.NamespacedName) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.held, name)
}

func apiKeyIn(secret *corev1.Secret, ref secretKey) (kisi.APIKey, *conditions.Verdict) {
	value, present := secret.Data[ref.Key]
	if !present {
		return kisi.APIKey{}, noKey("spec.apiKeySecretRef: Secret %q has no key %q; add it, or correct apiKeySecretRef.key", ref.Name, ref.Key)
	}
	key, err := kisi.NewAPIKey(value)
	if err != nil {
		return kisi.APIKey{}, noKey("spec.apiKeySecretRef: key %q of Secret %q: %s", ref.Key, ref.Name, err)
	}
	return key, nil
}

func signatureKeyIn(secret *corev1.Secret, ref secretKey) (kisi.Secret, *conditions.Verdict) {
	value := bytes.TrimSpace(secret.Data[ref.Key])
	if len(value) == 0 {
		return kisi.Secret{}, noKey("spec.webhook.signatureKeySecretRef: Secret %q has nothing under %q; add the key, or correct signatureKeySecretRef.key", ref.Name, ref.Key)
	}
	return kisi.NewSecret(string(value)), nil
}

func noKey(message string, about ...any) *conditions.Verdict {
	problem := conditions.Waiting(v1alpha1.ReasonSecretKeyMissing, fmt.Sprintf(message, about...))
	return &problem
}

package cluster

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"
)

// SecretValue reads one entry of a Secret.
func SecretValue(ctx context.Context, config *rest.Config, namespace, name, entry string) ([]byte, error) {
	client, err := corev1client.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("connecting to the Kubernetes API: %w", err)
	}
	secret, err := client.Secrets(namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return nil, fmt.Errorf("reading Secret %s: %w", name, err)
	}
	value, found := secret.Data[entry]
	if !found {
		return nil, fmt.Errorf("the Secret %s has no entry %q; name the one that holds the API key, as --secret %s:KEY", name, entry, name)
	}
	return value, nil
}

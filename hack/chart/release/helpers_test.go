package release

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"sync"
	"testing"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/kisi-operator/kisi-operator/hack/chart/chart"
	"github.com/kisi-operator/kisi-operator/internal/demo"
	"github.com/kisi-operator/kisi-operator/internal/testing/deployment"
)

func TestMain(m *testing.M) {
	log.SetLogger(logr.Discard())
	os.Exit(m.Run())
}

// output takes what a demo tells, also while it is read.
type output struct {
	mu   sync.Mutex
	told bytes.Buffer
}

func (o *output) Write(text []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.told.Write(text)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.told.String()
}

func eachItem(list client.ObjectList, do func(client.Object)) error {
	return meta.EachListItem(list, func(item runtime.Object) error {
		object, isObject := item.(client.Object)
		if !isObject {
			return fmt.Errorf("a list holds a %T", item)
		}
		do(object)
		return nil
	})
}

// readsSecretsOnlyThere says that the operator can list Secrets in its namespace, and nowhere else.
func (i *installed) readsSecretsOnlyThere(ctx context.Context, stage *demo.Stage) error {
	config, err := stage.Cluster().ServiceAccountConfig(ctx, chart.Namespace, deployment.ServiceAccount)
	if err != nil {
		return err
	}
	operator, err := client.New(config, client.Options{})
	if err != nil {
		return err
	}
	for namespace, allowed := range map[string]bool{"default": true, chart.Namespace: false, "kube-system": false, "": false} {
		err := operator.List(ctx, &corev1.SecretList{}, client.InNamespace(namespace))
		if allowed && err != nil {
			return fmt.Errorf("the operator cannot list Secrets in its namespace: %w", err)
		}
		if !allowed && !apierrors.IsForbidden(err) {
			i.t.Errorf("listing Secrets in namespace %q is not forbidden: %v", namespace, err)
		}
	}
	return nil
}

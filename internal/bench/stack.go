package bench

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/testing/controlplane"
	"github.com/kisi-operator/kisi-operator/internal/testing/controlplane/binaries"
	"github.com/kisi-operator/kisi-operator/internal/testing/deployment"
)

// stack is what all scenarios share: the built operator, and a control plane at a time.
type stack struct {
	root       string
	dir        string // of logs and kubeconfigs
	operator   string // the executable
	kubeconfig string // of the operator's service account
	plane      *controlplane.ControlPlane
	admin      client.Client
	worlds     int
}

func newStack(ctx context.Context, say func(string, ...any)) (_ *stack, err error) {
	s := &stack{}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.stop())
		}
	}()
	if s.root, err = binaries.RepositoryRoot(); err != nil {
		return nil, err
	}
	if s.dir, err = os.MkdirTemp("", "kisi-bench-*"); err != nil {
		return nil, err
	}
	say("Building the operator and, the very first time, Kubernetes, which takes minutes ...")
	s.operator = filepath.Join(s.dir, "kisi-operator")
	if err := deployment.Build(ctx, s.root, s.dir, "./cmd/kisi-operator"); err != nil {
		return nil, err
	}
	_, err = binaries.Ensure(ctx, os.Stderr, binaries.KubeAPIServer, binaries.Etcd)
	return s, err
}

// startPlane starts a control plane with nothing in it, and ends the one before: the operator looks at all namespaces.
func (s *stack) startPlane(ctx context.Context) (err error) {
	if err := s.stopPlane(); err != nil {
		return err
	}
	if s.plane, err = deployment.Start(ctx, s.root, controlplane.Options{WithoutControllerManager: true}); err != nil {
		return err
	}
	if s.kubeconfig, err = deployment.Kubeconfig(ctx, s.plane, s.dir); err != nil {
		return err
	}
	scheme := runtime.NewScheme()
	utilruntime.Must(v1alpha1.AddToScheme(scheme))
	utilruntime.Must(corev1.AddToScheme(scheme))
	s.admin, err = client.New(s.plane.AdminConfig(), client.Options{Scheme: scheme})
	return err
}

func (s *stack) stopPlane() error {
	if s.plane == nil {
		return nil
	}
	err := s.plane.Stop()
	s.plane = nil
	return err
}

func (s *stack) stop() error {
	errs := []error{s.stopPlane()}
	if s.dir != "" {
		errs = append(errs, os.RemoveAll(s.dir))
	}
	return errors.Join(errs...)
}

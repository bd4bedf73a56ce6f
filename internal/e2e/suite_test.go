// Package e2e shows what the operator does, against a real Kubernetes API server and a simulated Kisi. The operator
// always acts under its own generated role, never as an administrator.
package e2e

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"

	"github.com/kisi-operator/kisi-operator/internal/operator"
	"github.com/kisi-operator/kisi-operator/internal/testing/controlplane"
	"github.com/kisi-operator/kisi-operator/internal/testing/controlplane/binaries"
	"github.com/kisi-operator/kisi-operator/internal/testing/deployment"
)

// What every spec shares: one control plane, and the identity of the operator.
var (
	root           string
	plane          *controlplane.ControlPlane
	admin          client.Client
	operatorConfig *rest.Config
)

func TestEndToEnd(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "End to end")
}

// The first process builds the operator and runs the control plane; all of them use both. Each runs operators of its own,
// one tenant at a time.
var _ = SynchronizedBeforeSuite(func(ctx SpecContext) []byte {
	findRoot()
	auditLog := filepath.Join(GinkgoT().TempDir(), "audit.log")
	started, err := deployment.Start(context.Background(), root, controlplane.Options{
		AuditLog: auditLog,
		// As on OpenShift: who makes an object that keeps its owner from going must be allowed to set the owner's finalizers.
		APIServerArgs: []string{"--enable-admission-plugins=OwnerReferencesPermissionEnforcement"},
	})
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func() { Expect(started.Stop()).To(Succeed()) }) // once every process is done
	DeferCleanup(func() { expectEveryRightUsed(started.Dir(), auditLog) })
	Expect(deployment.Build(ctx, root, started.Dir(), "./cmd/kisi-operator", "./cmd/kubectl-kisi", "./cmd/kisi-feed")).To(Succeed())
	handle, err := started.Handle()
	Expect(err).NotTo(HaveOccurred())
	return handle
}, func(ctx SpecContext, handle []byte) {
	ctrl.SetLogger(zap.New(zap.WriteTo(io.MultiWriter(GinkgoWriter, operatorLog)), zap.UseDevMode(true)))
	SetDefaultEventuallyTimeout(30 * time.Second) // on a busy machine; what holds is seen in milliseconds
	SetDefaultEventuallyPollingInterval(20 * time.Millisecond)
	SetDefaultConsistentlyDuration(time.Second)
	SetDefaultConsistentlyPollingInterval(20 * time.Millisecond)

	findRoot()
	var err error
	plane, err = controlplane.Attach(handle)
	Expect(err).NotTo(HaveOccurred())
	admin, err = client.New(plane.AdminConfig(), client.Options{Scheme: operator.Scheme()})
	Expect(err).NotTo(HaveOccurred())
	operatorConfig, err = plane.ServiceAccountConfig(ctx, deployment.Namespace, deployment.ServiceAccount)
	Expect(err).NotTo(HaveOccurred())
}, NodeTimeout(20*time.Minute))

func findRoot() {
	GinkgoHelper()
	var err error
	root, err = binaries.RepositoryRoot()
	Expect(err).NotTo(HaveOccurred())
}

// read returns a file of the repository.
func read(path string) string {
	GinkgoHelper()
	content, err := os.ReadFile(filepath.Join(root, path))
	Expect(err).NotTo(HaveOccurred())
	return string(content)
}

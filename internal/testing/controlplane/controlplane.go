// Package controlplane runs a real Kubernetes control plane on this machine: etcd, kube-apiserver with RBAC and
// kube-controller-manager, so that namespaces really go, owners' objects are really collected, and service accounts
// really have tokens. There are no nodes; a pod never runs.
//
// Tests, benchmarks and, on request, the demo use it; hack/cluster leaves one running for a person.
package controlplane

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/internal/testing/process"
)

// startTimeout bounds the start of one component. Two seconds are usual; a machine that also compiles needs more.
const startTimeout = 2 * time.Minute

// Options adjust a control plane. The zero value is right for most uses.
type Options struct {
	// CRDs are files or directories of CustomResourceDefinitions to install before the controllers start.
	CRDs []string
	// AuditLog is the path of a file to which the API server appends one line of JSON for each request: who did what to
	// which object. Empty: no audit log. AuditEvents reads it.
	AuditLog string
	// WithoutControllerManager leaves kube-controller-manager out: minutes less to build, a second faster to start, and enough
	// for those who need nothing cleared away. Deleted namespaces then stay forever, and nothing is garbage-collected.
	WithoutControllerManager bool
	// MemoryAPIServer is the path of an executable to run in place of all three: internal/simulation/cmd/memory-apiserver, which
	// compiles in a fraction of their time. It serves custom resources and what config/ holds, and clears nothing away. Without
	// kube-apiserver's flags and audit log.
	MemoryAPIServer string
	// APIServerArgs are more flags for kube-apiserver, as --flag=value. The last of equal flags counts.
	APIServerArgs []string
	// Progress is told about a build of the executables, should one be necessary. Default: os.Stderr.
	Progress io.Writer
}

// ControlPlane is a running control plane. All its methods may be called by several goroutines at once.
type ControlPlane struct {
	options   Options
	assets    string
	dir       string
	release   func()
	host      string
	authority *authority
	admin     keyPair
	// attached: another process runs it; see Attach.
	attached bool
	client   func() (client.Client, error)

	mu                                 sync.Mutex
	etcd, apiServer, controllerManager *process.Process
}

// Start starts a control plane on free ports of the loopback interface and returns when it is ready to use. If need be,
// its executables are built first, which takes minutes (see package binaries). Its data lies in a temporary directory.
//
// Stop ends it. When this process is killed instead, Linux ends it too, and the next Start removes the data.
func Start(ctx context.Context, options Options) (_ *ControlPlane, err error) {
	if options.Progress == nil {
		options.Progress = os.Stderr
	}
	if options.AuditLog != "" {
		if options.AuditLog, err = filepath.Abs(options.AuditLog); err != nil {
			return nil, err
		}
	}
	c := &ControlPlane{options: options}
	c.client = sync.OnceValues(c.newClient)
	defer func() {
		if err != nil {
			_ = c.Stop() // what kept it from starting says more than what kept it from stopping
			err = fmt.Errorf("starting a local control plane: %w", err)
		}
	}()
	if options.MemoryAPIServer == "" {
		if err := c.findAssets(ctx); err != nil {
			return nil, err
		}
	} else if options.AuditLog != "" || len(options.APIServerArgs) > 0 {
		return nil, errors.New("the API server in memory has no audit log and takes none of kube-apiserver's flags")
	}
	if c.dir, c.release, err = newDirectory(); err != nil {
		return nil, err
	}
	if c.authority, err = newAuthority(); err != nil {
		return nil, err
	}
	if c.admin, err = c.authority.clientCertificate("kubernetes-admin", []string{"system:masters"}); err != nil {
		return nil, err
	}
	if err := c.writeCredentials(); err != nil {
		return nil, err
	}
	if options.MemoryAPIServer == "" {
		if err := c.startEtcd(); err != nil {
			return nil, err
		}
	}
	if err := c.startAPIServer(ctx); err != nil {
		return nil, err
	}
	if err := c.writeAdminKubeconfig(); err != nil {
		return nil, err
	}
	for _, path := range options.CRDs {
		if _, err := c.installCRDs(path); err != nil {
			return nil, err
		}
	}
	if err := c.startControllerManager(ctx); err != nil {
		return nil, err
	}
	return c, nil
}

// Stop ends the control plane and removes its data. The error says so when a component had ended by itself before.
// A second call does nothing, nor does the call of a process that only attached to it.
func (c *ControlPlane) Stop() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.attached {
		return nil
	}
	// Nothing that they hold outlives the control plane, so there is nothing to save.
	errs := []error{c.controllerManager.Kill(), c.apiServer.Kill(), c.etcd.Kill()}
	c.controllerManager, c.apiServer, c.etcd = nil, nil, nil
	if c.dir != "" {
		errs = append(errs, os.RemoveAll(c.dir))
		c.release()
		c.dir = ""
	}
	return errors.Join(errs...)
}

// Wait returns nil when ctx is done, or an error as soon as a component ends by itself.
func (c *ControlPlane) Wait(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	select {
	case <-ctx.Done():
		return nil
	case err := <-c.ended(ctx):
		return err
	}
}

// ended yields the error of a component that ends by itself while ctx is not done.
func (c *ControlPlane) ended(ctx context.Context) <-chan error {
	c.mu.Lock()
	defer c.mu.Unlock()
	components := []*process.Process{c.etcd, c.apiServer, c.controllerManager}
	errs := make(chan error, len(components))
	for _, p := range components {
		if p == nil {
			continue
		}
		go func() {
			select {
			case <-ctx.Done():
			case <-p.Exited():
				if err := p.Err(); err != nil {
					errs <- err
				}
			}
		}()
	}
	return errs
}

// Dir is the directory of the control plane's data and its components' logs. Stop removes it.
func (c *ControlPlane) Dir() string { return c.dir }

// Assets is the directory of the executables, kubectl among them. Empty with an API server in memory.
func (c *ControlPlane) Assets() string { return c.assets }

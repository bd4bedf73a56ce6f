package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/kisi-operator/kisi-operator/internal/testing/controlplane"
	"github.com/kisi-operator/kisi-operator/internal/testing/controlplane/binaries"
	"github.com/kisi-operator/kisi-operator/internal/testing/deployment"
)

// Playground is everything that the demo runs, without its story: for a person who follows a page of docs.
type Playground struct {
	// Organization is the seed of the simulated Kisi, and Listen its address.
	Organization, Listen string
	// Directory gets the programs, the kubeconfig and the logs. Two playgrounds need one each.
	Directory string
	// Out is told how to go on. Default: os.Stdout.
	Out io.Writer
}

// Run builds what is needed, starts it, and stops it when ctx is done.
func (p Playground) Run(ctx context.Context) (err error) {
	if p.Out == nil {
		p.Out = os.Stdout
	}
	root, err := binaries.RepositoryRoot()
	if err != nil {
		return err
	}
	if p.Directory == "" {
		p.Directory = filepath.Join(root, "bin", "playground")
	}
	if p.Directory, err = filepath.Abs(p.Directory); err != nil {
		return err
	}
	if err := p.makeDirectory(); err != nil {
		return err
	}
	e := &environment{
		root: root, dir: p.Directory, programs: p.Directory, controllers: true,
		story: &Story{Organization: p.Organization, Endpoint: "http://" + p.Listen},
	}
	defer func() {
		if ctx.Err() != nil {
			_, _ = fmt.Fprintln(p.Out, "\nStopping.")
		}
		err = errors.Join(err, e.stop(true), os.RemoveAll(p.kubeconfig())) // it would lead nowhere
	}()
	running, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	if err := p.start(running, e); err != nil {
		return because(running, err)
	}
	e.watch(running, fail)
	if err := p.sayHow(e); err != nil {
		return err
	}
	return untilInterrupted(running)
}

// makeDirectory makes the directory, without the logs of another time: where the simulator listens is read from its log.
func (p Playground) makeDirectory() error {
	if err := os.MkdirAll(p.Directory, 0o700); err != nil {
		return err
	}
	logs, err := filepath.Glob(filepath.Join(p.Directory, "*.log"))
	if err != nil {
		return err
	}
	for _, log := range logs {
		if err := os.Remove(log); err != nil {
			return err
		}
	}
	return nil
}

func (p Playground) kubeconfig() string { return filepath.Join(p.Directory, "kubeconfig") }

// start starts everything, with kubectl and a kubeconfig in the directory.
func (p Playground) start(ctx context.Context, e *environment) error {
	if err := deployment.Build(ctx, e.root, e.programs, "./cmd/..."); err != nil {
		return err
	}
	if _, err := binaries.Ensure(ctx, os.Stderr); err != nil { // kubectl too
		return err
	}
	for _, step := range []func(context.Context) error{e.startCluster, func(ctx context.Context) error { return e.trySimulator(ctx, p.Listen) }, e.startOperator} {
		if err := step(ctx); err != nil {
			if strings.Contains(err.Error(), "address already in use") {
				return fmt.Errorf("another program listens on %s; end it, or give --listen another address and write that into the KisiConnections", p.Listen)
			}
			return err
		}
	}
	if err := p.linkKubectl(e.cluster); err != nil {
		return err
	}
	return e.writeKubeconfig(p.kubeconfig())
}

func (p Playground) linkKubectl(cluster *controlplane.ControlPlane) error {
	link := filepath.Join(p.Directory, binaries.Kubectl)
	if err := os.RemoveAll(link); err != nil {
		return err
	}
	return os.Symlink(filepath.Join(cluster.Assets(), binaries.Kubectl), link)
}

func (p Playground) sayHow(e *environment) error {
	_, err := fmt.Fprintf(p.Out, `Kubernetes, the operator and a simulated Kisi are running, until you press Ctrl-C. In another terminal:

  export KUBECONFIG=%s
  export PATH=%s:$PATH    # kubectl, and kubectl kisi
  kubectl kisi desk -n NAMESPACE    # who may enter, in your browser

Kisi is at %s. Logs are in %s.
`, p.kubeconfig(), p.Directory, e.kisi.url, p.Directory)
	return err
}

package demo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/testing/controlplane"
	"github.com/kisi-operator/kisi-operator/internal/testing/deployment"
	"github.com/kisi-operator/kisi-operator/internal/testing/process"
)

// stopPatience is how long a program that was asked to end is waited for. The operator takes up to 20 s to have its last
// requests answered.
const stopPatience = 25 * time.Second

// memoryAPIServer is the API server that the demo runs on unless it is told otherwise.
const memoryAPIServer = "memory-apiserver"

// environment is everything that runs during the demo.
type environment struct {
	root     string
	story    *Story
	way      Way    // nil: config/crd and config/rbac
	inMemory bool   // the API server, rather than etcd and kube-apiserver
	dir      string // of logs and kubeconfigs
	programs string // the directory of the operator and the simulator
	// controllers runs kube-controller-manager too, without which no namespace goes when it is deleted.
	controllers bool

	cluster   *controlplane.ControlPlane
	reader    client.Client
	kisi      *simulatedKisi
	simulator *process.Process
	operator  *process.Process
	desk      *process.Process // nil unless it was started
	feed      *process.Process // kisi-feed; nil unless it was started
}

// buildPrograms builds the operator and the simulator as they ship. The plugin for kubectl can wait.
func (s *environment) buildPrograms(ctx context.Context) error {
	return deployment.Build(ctx, s.root, s.programs, "./cmd/kisi-operator", "./cmd/kisi-simulator")
}

// writeKubeconfig writes how an administrator gets in.
func (s *environment) writeKubeconfig(path string) error {
	kubeconfig, err := s.cluster.AdminKubeconfig()
	if err != nil {
		return err
	}
	return os.WriteFile(path, kubeconfig, 0o600)
}

func (s *environment) startCluster(ctx context.Context) (err error) {
	var moreRights []string
	if s.story.MoreRights != "" {
		moreRights = append(moreRights, s.story.MoreRights)
	}
	options := controlplane.Options{WithoutControllerManager: !s.controllers} // a story deletes nothing
	if s.inMemory {
		// Of another module, which has the API server's dependencies.
		if err := deployment.Build(ctx, filepath.Join(s.root, "internal", "simulation"), s.programs, "./cmd/"+memoryAPIServer); err != nil {
			return err
		}
		options.MemoryAPIServer = filepath.Join(s.programs, memoryAPIServer)
	}
	if s.way != nil {
		s.cluster, err = controlplane.Start(ctx, options)
	} else {
		s.cluster, err = deployment.Start(ctx, s.root, options, moreRights...)
	}
	if err != nil {
		return err
	}
	scheme := runtime.NewScheme()
	utilruntime.Must(v1alpha1.AddToScheme(scheme))
	s.reader, err = client.New(s.cluster.AdminConfig(), client.Options{Scheme: scheme})
	return err
}

// startSimulator runs the simulator where the samples expect Kisi, or, when that port is taken, on a free one.
func (s *environment) startSimulator(ctx context.Context) error {
	err := s.trySimulator(ctx, strings.TrimPrefix(s.story.Endpoint, "http://"))
	if err != nil && strings.Contains(err.Error(), "address already in use") {
		err = s.trySimulator(ctx, "127.0.0.1:0")
	}
	return err
}

var simulatorAddress = regexp.MustCompile(`Kisi's API is at (http://\S+),`)

func (s *environment) trySimulator(ctx context.Context, listen string) error {
	simulator, err := process.Start(s.dir, filepath.Join(s.programs, "kisi-simulator"),
		"--listen", listen, "--seed", filepath.Join(s.root, s.story.Organization), "--log-requests")
	if err != nil {
		return err
	}
	s.simulator = simulator
	return until(ctx, time.Minute, "the simulator to say where it listens", func(context.Context) (bool, error) {
		select {
		case <-simulator.Exited():
			return false, simulator.Err()
		default:
		}
		said, err := os.ReadFile(simulator.Log)
		if err != nil {
			return false, err
		}
		found := simulatorAddress.FindSubmatch(said)
		if found == nil {
			return false, nil
		}
		s.kisi = newSimulatedKisi(string(found[1]), s.story)
		return true, nil
	})
}

// startOperator runs the operator with no more rights than config/rbac gives it.
func (s *environment) startOperator(ctx context.Context) error {
	if s.way != nil {
		return s.way.Install(ctx, &Stage{s})
	}
	path, err := deployment.Kubeconfig(ctx, s.cluster, s.dir)
	if err != nil {
		return err
	}
	s.operator, err = process.Start(s.dir, filepath.Join(s.programs, "kisi-operator"),
		"--kubeconfig", path,
		"--leader-elect", "--leader-election-namespace", deployment.Namespace,
		"--allowed-endpoint", s.kisi.url,
		"--metrics-bind-address", "0", "--health-probe-bind-address", "0")
	return err
}

// watch calls fail as soon as something ends that should run, until ctx is done.
func (s *environment) watch(ctx context.Context, fail func(error)) {
	for _, p := range []*process.Process{s.simulator, s.operator} {
		go func() {
			select {
			case <-ctx.Done():
			case <-p.Exited():
				if err := p.Err(); err != nil {
					fail(err)
				}
			}
		}()
	}
	go func() {
		if err := s.cluster.Wait(ctx); err != nil {
			fail(err)
		}
	}()
}

// stop stops everything and removes what it left, except the logs if they are to be kept.
func (s *environment) stop(keepLogs bool) error {
	var errs []error
	for _, p := range []*process.Process{s.desk, s.feed, s.operator, s.simulator} {
		if p != nil {
			errs = append(errs, p.Stop(stopPatience))
		}
	}
	if s.cluster != nil {
		errs = append(errs, s.cluster.Stop())
	}
	if s.dir != "" && !keepLogs {
		errs = append(errs, os.RemoveAll(s.dir))
	}
	return errors.Join(errs...)
}

// samples returns the path for kubectl apply -f: the story's own directory, or, when the simulator could not have its
// usual port, a copy with the other one.
func (s *environment) samples() (string, error) {
	if s.kisi.url == s.story.Endpoint {
		return s.story.Samples(), nil
	}
	files, err := filepath.Glob(filepath.Join(s.root, s.story.Samples(), "*.yaml"))
	if err != nil {
		return "", err
	}
	adapted := filepath.Join(s.dir, s.story.System)
	if err := os.Mkdir(adapted, 0o700); err != nil {
		return "", err
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			return "", err
		}
		content = []byte(strings.ReplaceAll(string(content), s.story.Endpoint, s.kisi.url))
		if err := os.WriteFile(filepath.Join(adapted, filepath.Base(file)), content, 0o600); err != nil { //nolint:gosec // the names are those of this repository
			return "", err
		}
	}
	return adapted, nil
}

// until polls until done says so. The error of done ends it, too.
func until(ctx context.Context, patience time.Duration, what string, done func(context.Context) (bool, error)) error {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, fmt.Errorf("it took longer than %s", patience))
	defer cancel()
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for {
		ok, err := done(ctx)
		if ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for %s: %w", what, context.Cause(ctx))
		case <-ticker.C:
		}
	}
}

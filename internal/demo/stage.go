package demo

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/internal/testing/controlplane"
	"github.com/kisi-operator/kisi-operator/internal/testing/process"
)

// Way is how the operator comes into the cluster and leaves it, for those who do not show config/crd and config/rbac.
type Way interface {
	// Install puts everything into an empty cluster and starts the operator.
	Install(context.Context, *Stage) error
	// Afterwards goes on when the story is told and everything still runs.
	Afterwards(context.Context, *Stage) error
}

// Stage is what a Way acts on.
type Stage struct{ environment *environment }

// Cluster is the control plane.
func (s *Stage) Cluster() *controlplane.ControlPlane { return s.environment.cluster }

// Reader reads the cluster as its administrator.
func (s *Stage) Reader() client.Client { return s.environment.reader }

// Endpoint is where the simulated Kisi is.
func (s *Stage) Endpoint() string { return s.environment.kisi.url }

// Directory is for files that are kept when the demo fails.
func (s *Stage) Directory() string { return s.environment.dir }

// StartOperator starts the operator as it ships.
func (s *Stage) StartOperator(flags ...string) (err error) {
	s.environment.operator, err = process.Start(s.environment.dir, filepath.Join(s.environment.programs, "kisi-operator"), flags...)
	return err
}

// StopOperator asks the operator to end, and waits until it has. The error is that of one which had ended by itself.
func (s *Stage) StopOperator() error {
	operator := s.environment.operator
	if err := operator.Err(); err != nil {
		return err
	}
	return operator.Stop(stopPatience)
}

// Ready waits until every object is Ready.
func (s *Stage) Ready(ctx context.Context) error {
	return newReadiness(s.environment.reader, listKinds(s.environment.reader.Scheme()), func(string) {}).wait(ctx)
}

// Opens reports whether a door would open to a person now.
func (s *Stage) Opens(ctx context.Context, email, door string) (bool, error) {
	var answer struct {
		Allowed bool `json:"allowed"`
	}
	path := "/_simulator/try-unlock?user=" + url.QueryEscape(email) + "&lock=" + url.QueryEscape(door)
	if err := s.environment.kisi.call(ctx, http.MethodGet, path, "", nil, &answer); err != nil {
		return false, fmt.Errorf("%s tries %s: %w", email, door, err)
	}
	return answer.Allowed, nil
}

// Gone has every object of this project deleted until there is none any more.
func (s *Stage) Gone(ctx context.Context, deleteAll func() error) error {
	objects := newReadiness(s.environment.reader, listKinds(s.environment.reader.Scheme()), nil)
	return until(ctx, readyPatience, "every object to go", func(ctx context.Context) (bool, error) {
		states, err := objects.states(ctx)
		if err != nil || len(states) == 0 {
			return err == nil, err
		}
		return false, deleteAll()
	})
}

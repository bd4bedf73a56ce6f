// Package command is the command line of `kubectl kisi`.
package command

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/kisi-operator/kisi-operator/internal/cli/cluster"
	"github.com/kisi-operator/kisi-operator/internal/cli/objects"
	"github.com/kisi-operator/kisi-operator/internal/cli/text"
	"github.com/kisi-operator/kisi-operator/internal/kisi"
)

// Settings are what every command shares.
type Settings struct {
	genericiooptions.IOStreams
	// Version of the program.
	Version string
	// Now is the time; default time.Now.
	Now func() time.Time
	// Zone in which times are written; default the local one.
	Zone *time.Location

	flags *genericclioptions.ConfigFlags
	utc   bool
}

// LosesAccessError says that a comparison found somebody who loses access. Its message has been written already.
type LosesAccessError struct{ People int }

func (e *LosesAccessError) Error() string {
	return fmt.Sprintf("%d people lose access", e.People)
}

const long = `See, ask why, approve and compare what kisi-operator does with doors.

Everything is read with your own rights, one list request per kind. Nothing is
changed but by approve, reinstate and reconcile, which set an annotation each; the
desk approves as approve does.`

// New makes the command `kubectl kisi`.
func New(s Settings) *cobra.Command {
	if s.Now == nil {
		s.Now = time.Now
	}
	if s.Zone == nil {
		s.Zone = time.Local
	}
	s.flags = genericclioptions.NewConfigFlags(true).WithDeprecatedPasswordFlag()
	root := &cobra.Command{
		Use:           "kubectl-kisi",
		Short:         "Who may open which door, when, and why",
		Long:          long,
		Version:       s.Version,
		SilenceUsage:  true,
		SilenceErrors: true,
		Annotations:   map[string]string{cobra.CommandDisplayNameAnnotation: "kubectl kisi"},
	}
	root.SetIn(s.In)
	root.SetOut(s.Out)
	root.SetErr(s.ErrOut)
	s.flags.AddFlags(root.PersistentFlags())
	root.PersistentFlags().BoolVar(&s.utc, "utc", false, "write times in UTC instead of the zone of this machine")
	shared := &s
	root.AddCommand(accessCommand(shared), whoCommand(shared), diffCommand(shared), statusCommand(shared), doctorCommand(shared),
		approveCommand(shared), reinstateCommand(shared), reconcileCommand(shared), importCommand(shared), deskCommand(shared))
	_ = root.RegisterFlagCompletionFunc("namespace", cobra.NoFileCompletions)
	return root
}

// clock writes times as the flags ask for.
func (s *Settings) clock() text.Clock {
	zone := s.Zone
	if s.utc {
		zone = time.UTC
	}
	return text.Clock{Now: s.Now(), Zone: zone}
}

// at reads --at: a time of RFC 3339, a date and time or a time of day in the zone, or a duration from now.
func (s *Settings) at(value string) (time.Time, error) {
	clock := s.clock()
	if value == "" {
		return clock.Now, nil
	}
	if ahead, err := time.ParseDuration(value); err == nil {
		return clock.Now.Add(ahead), nil
	}
	if t, err := time.Parse(time.RFC3339, value); err == nil {
		return t, nil
	}
	for _, layout := range []string{"2006-01-02 15:04", "2006-01-02T15:04", "2006-01-02 15:04:05", "2006-01-02"} {
		if t, err := time.ParseInLocation(layout, value, clock.Zone); err == nil {
			return t, nil
		}
	}
	if t, err := time.ParseInLocation("15:04", value, clock.Zone); err == nil {
		year, month, day := clock.Now.In(clock.Zone).Date()
		return time.Date(year, month, day, t.Hour(), t.Minute(), 0, 0, clock.Zone), nil
	}
	return time.Time{}, fmt.Errorf(`--at %q is no time; write 18:00, "2026-12-01 18:00", 2026-12-01T18:00:00Z, or 2h for two hours from now`, kisi.Printable(value, 100))
}

// namespace is the one of the flags or of the kubeconfig.
func (s *Settings) namespace() (string, error) {
	namespace, _, err := s.flags.ToRawKubeConfigLoader().Namespace()
	if err != nil {
		return "", fmt.Errorf("reading the kubeconfig: %w", err)
	}
	return namespace, nil
}

func (s *Settings) client() (*cluster.Client, error) {
	config, err := s.flags.ToRESTConfig()
	if err != nil {
		return nil, fmt.Errorf("reading the kubeconfig: %w", err)
	}
	config.UserAgent = "kubectl-kisi/" + s.Version
	return cluster.NewClient(config)
}

// read reads some kinds of the namespace, all if none is named.
func (s *Settings) read(ctx context.Context, kinds ...string) (*objects.Indexed, error) {
	namespace, err := s.namespace()
	if err != nil {
		return nil, err
	}
	client, err := s.client()
	if err != nil {
		return nil, err
	}
	set, err := client.Read(ctx, namespace, kinds...)
	if err != nil {
		return nil, err
	}
	return set.Index(), nil
}

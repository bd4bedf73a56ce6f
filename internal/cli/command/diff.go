package command

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/kisi-operator/kisi-operator/internal/cli/compare"
	"github.com/kisi-operator/kisi-operator/internal/cli/files"
	"github.com/kisi-operator/kisi-operator/internal/cli/objects"
	"github.com/kisi-operator/kisi-operator/internal/cli/text"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
)

// comparison is what the flags of diff say.
type comparison struct {
	files, base        []string
	recursive, offline bool
}

func diffCommand(s *Settings) *cobra.Command {
	var c comparison
	command := &cobra.Command{
		Use:   "diff -f FILE [--base FILE] [--offline]",
		Short: "Who gains and who loses which door if files were applied",
		Long: `Who gains and who loses which door, and when, if the objects of some files were
applied. A file may be a folder, a kustomization, or - for standard input.

With --base, which is what the files were before, an object that the files do not
have any more counts as deleted. With --offline no cluster is asked: the base is then
all there is, as for a pull request.

Exit status: 0 nobody loses access, 1 somebody does, 2 something is wrong.`,
		Example: `  # Before applying
  kubectl kisi diff -f access/

  # In a pull request, without a cluster
  kubectl kisi diff --offline --base main/access -f access -o markdown`,
		Args: cobra.NoArgs,
	}
	out := newOutput(command, s.Out, "markdown")
	flags := command.Flags()
	flags.StringArrayVarP(&c.files, "filename", "f", nil, "file, folder or kustomization with the objects as they are to be, or -; repeatable")
	flags.StringArrayVar(&c.base, "base", nil, "file, folder or kustomization with the objects as the files had them before; repeatable")
	flags.BoolVarP(&c.recursive, "recursive", "R", false, "look into the folders of folders, too")
	flags.BoolVar(&c.offline, "offline", false, "ask no cluster: what is, is what --base says")
	command.RunE = func(command *cobra.Command, _ []string) error {
		report, err := c.report(command.Context(), s)
		if err != nil {
			return err
		}
		var names []runtime.Object
		for _, change := range report.Loses {
			names = append(names, named(entitlement.KindMember, change.Person.Member))
		}
		if out.format() == "markdown" {
			s.clock().Markdown(text.Safe(s.Out), report)
		} else if err := out.write(report, func(bool) { s.clock().Diff(text.Safe(s.Out), report) }, names...); err != nil {
			return err
		}
		if lost := text.Count(report.Loses); lost > 0 {
			return &LosesAccessError{lost}
		}
		return nil
	}
	return command
}

func (c comparison) report(ctx context.Context, s *Settings) (*compare.Report, error) {
	switch {
	case len(c.files) == 0:
		return nil, errors.New("there is nothing to compare; give -f with the objects as they are to be")
	case c.offline && len(c.base) == 0:
		return nil, errors.New("--offline needs --base, the objects as they are; give an empty folder if there are none")
	}
	is, err := files.Load(s.In, c.recursive, c.files...)
	if err != nil {
		return nil, err
	}
	was, err := files.Load(s.In, c.recursive, c.base...)
	if err != nil {
		return nil, err
	}
	namespace, err := c.namespace(s, append(is.Namespaces, was.Namespaces...))
	if err != nil {
		return nil, err
	}
	applied, err := is.Admit(ctx, namespace)
	if err != nil {
		return nil, fmt.Errorf("the API server would not take these objects:\n%w", err)
	}
	base, err := was.Admit(ctx, namespace)
	if err != nil {
		return nil, fmt.Errorf("the base is not what the API server takes:\n%w", err)
	}
	var removed []string
	if len(c.base) > 0 {
		removed = compare.Missing(base, applied)
	}
	before := base
	if !c.offline {
		client, err := s.client()
		if err != nil {
			return nil, err
		}
		if before, err = client.Read(ctx, namespace); err != nil {
			return nil, err
		}
		if err := before.Readable(objects.Kinds[1:]...); err != nil {
			return nil, err
		}
	}
	after, err := compare.Applied(before, applied, removed)
	if err != nil {
		return nil, err
	}
	if c.offline {
		compare.AssumeVerified(before)
	}
	compare.AssumeVerified(after)
	return compare.Compare(before.Index(), after.Index(), s.Now())
}

// namespace is the one of -n, else the one that the files name, else that of the kubeconfig.
func (c comparison) namespace(s *Settings, named []string) (string, error) {
	if *s.flags.Namespace != "" {
		return *s.flags.Namespace, nil
	}
	different := slices.Compact(slices.Sorted(slices.Values(named)))
	switch len(different) {
	case 0:
		if c.offline {
			return "default", nil
		}
		return s.namespace()
	case 1:
		return different[0], nil
	}
	return "", fmt.Errorf("the files name several namespaces (%s); choose one with -n, and compare them one by one", strings.Join(different, ", "))
}

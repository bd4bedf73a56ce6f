package command

import (
	"context"
	"slices"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/kisi-operator/kisi-operator/internal/cli/access"
	"github.com/kisi-operator/kisi-operator/internal/cli/text"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
)

func accessCommand(s *Settings) *cobra.Command {
	command := &cobra.Command{
		Use:   "access PERSON",
		Short: "What a person may open, when and why",
		Long: `What a person may open, when and why: from the door to the group, the window, the
object that gives it, and the field that says so.

PERSON is the name of a Member or an e-mail address.`,
		Example: `  # Why can Ana open the studio?
  kubectl kisi access ana

  # May she at six?
  kubectl kisi access ana@example.com --at 18:00

  # For a program
  kubectl kisi access ana -o json`,
		Args: cobra.ExactArgs(1),
	}
	out := newOutput(command, s.Out, "wide")
	at := atFlag(command)
	command.ValidArgsFunction = s.complete(entitlement.KindMember)
	command.RunE = func(command *cobra.Command, args []string) error {
		question, err := s.question(command.Context(), *at)
		if err != nil {
			return err
		}
		address, err := access.Addressed(question.In, args[0])
		if err != nil {
			return err
		}
		report, err := question.Of(address)
		if err != nil {
			return err
		}
		var names []runtime.Object
		for _, g := range report.Groups {
			if g.Opens {
				names = append(names, named(entitlement.KindKisiGroup, g.Name))
			}
		}
		return out.write(report, func(wide bool) { s.clock().Access(text.Safe(s.Out), report, wide) }, names...)
	}
	return command
}

func whoCommand(s *Settings) *cobra.Command {
	command := &cobra.Command{
		Use:   "who GROUP|DOOR",
		Short: "Who may enter, and because of what",
		Long: `Everybody who may enter through a group or a door, and because of what. Assignments in
Kisi that are not the operator's are counted.

The argument is the name of a KisiGroup, of a door of a managed group, or of the
group in Kisi. People are shown only to whoever may list Members.`,
		Example: `  kubectl kisi who boardroom
  kubectl kisi who "North Entrance" --at 22:00
  kubectl kisi who boardroom -o wide`,
		Args: cobra.ExactArgs(1),
	}
	out := newOutput(command, s.Out, "wide")
	at := atFlag(command)
	command.ValidArgsFunction = s.complete(entitlement.KindKisiGroup)
	command.RunE = func(command *cobra.Command, args []string) error {
		question, err := s.question(command.Context(), *at)
		if err != nil {
			return err
		}
		report, err := question.Who(args[0])
		if err != nil {
			return err
		}
		var members []string
		for _, p := range report.People {
			if p.Person.Member != "" && p.Opens {
				members = append(members, p.Person.Member)
			}
		}
		slices.Sort(members)
		var names []runtime.Object
		for _, member := range slices.Compact(members) {
			names = append(names, named(entitlement.KindMember, member))
		}
		return out.write(report, func(wide bool) { s.clock().Who(text.Safe(s.Out), report, wide) }, names...)
	}
	return command
}

func atFlag(command *cobra.Command) *string {
	return command.Flags().String("at", "", `ask about another time: 18:00, "2026-12-01 18:00", RFC 3339, or 2h for two hours from now`)
}

// question is asked of all objects of the namespace, about the time that --at says.
func (s *Settings) question(ctx context.Context, at string) (access.Question, error) {
	when, err := s.at(at)
	if err != nil {
		return access.Question{}, err
	}
	in, err := s.read(ctx)
	return access.Question{In: in, Now: s.Now(), At: when}, err
}

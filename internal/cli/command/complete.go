package command

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/kisi-operator/kisi-operator/internal/cli/objects"
)

// complete offers the names of the objects of some kinds, for the first argument; of several kinds as Kind/name.
func (s *Settings) complete(kinds ...string) cobra.CompletionFunc {
	return func(command *cobra.Command, args []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		in, err := s.read(command.Context(), kinds...)
		if err != nil {
			return nil, cobra.ShellCompDirectiveError
		}
		var names []cobra.Completion
		for _, object := range in.All() {
			name := object.GetName()
			if len(kinds) > 1 {
				name = strings.ToLower(objects.KindOf(object)) + "/" + name
			}
			if strings.HasPrefix(name, begun) {
				names = append(names, name)
			}
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	}
}

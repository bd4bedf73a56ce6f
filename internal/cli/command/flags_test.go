package command_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/cli-runtime/pkg/genericclioptions"

	"github.com/kisi-operator/kisi-operator/internal/cli/command"
)

// The page names every command and every flag of its own, and none that there is not.
func TestThePageHasEveryCommandAndFlag(t *testing.T) {
	content, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	// What every command has, and what comes with the printers of kubectl.
	known := map[string]bool{"--help": true, "--version": true, "--template": true, "--allow-missing-template-keys": true, "--show-managed-fields": true}
	kubectl := pflag.NewFlagSet("", pflag.ContinueOnError)
	genericclioptions.NewConfigFlags(true).WithDeprecatedPasswordFlag().AddFlags(kubectl)
	kubectl.VisitAll(func(f *pflag.Flag) { known["--"+f.Name] = true })
	var missing []string
	var look func(*cobra.Command)
	look = func(of *cobra.Command) {
		for _, flags := range []*pflag.FlagSet{of.Flags(), of.PersistentFlags()} {
			flags.VisitAll(func(f *pflag.Flag) {
				name := "--" + f.Name
				short := regexp.MustCompile("[ `]-" + f.Shorthand + "[ `]")
				if !known[name] && !f.Hidden && !strings.Contains(string(content), name) && (f.Shorthand == "" || !short.Match(content)) {
					missing = append(missing, of.Name()+" "+name)
				}
				known[name] = true
			})
		}
		for _, sub := range of.Commands() {
			if !sub.Hidden && sub.Name() != "help" && sub.Name() != "completion" && !strings.Contains(string(content), "kubectl kisi "+sub.Name()) {
				missing = append(missing, sub.Name())
			}
			look(sub)
		}
	}
	look(command.New(command.Settings{}))
	if len(missing) > 0 {
		t.Errorf("docs/kubectl-kisi.md does not have %v", missing)
	}
	for line := range strings.Lines(string(content)) {
		_, typed, _ := strings.Cut(line, "kubectl kisi ")
		for _, flag := range regexp.MustCompile(`--[a-z][a-z-]+`).FindAllString(typed, -1) {
			if !known[flag] {
				t.Errorf("docs/kubectl-kisi.md has %s, which no command takes: %s", flag, line)
			}
		}
	}
}

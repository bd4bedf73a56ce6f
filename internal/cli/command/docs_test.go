package command_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/kisi-operator/kisi-operator/internal/cli/command"
)

var update = flag.Bool("update", false, "write the outputs into docs/kubectl-kisi.md")

const page = "../../../docs/kubectl-kisi.md"

var (
	block = regexp.MustCompile("(?s)```console\n(.*?)```")
	shell = regexp.MustCompile(`"([^"]*)"|(\S+)`)
)

// Every command of the page is run, and what it prints is what the page says.
func TestPageSaysWhatTheCommandsPrint(t *testing.T) {
	content, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	cluster := record(t, "cowork")
	t.Chdir("testdata")
	written := block.ReplaceAllStringFunc(string(content), func(text string) string {
		var fresh strings.Builder
		for line := range strings.Lines(block.FindStringSubmatch(text)[1]) {
			typed, isCommand := strings.CutPrefix(line, "$ kubectl kisi ")
			if !isCommand {
				continue
			}
			out, err := cluster.run(t, "", words(typed)...)
			fmt.Fprintf(&fresh, "%s%s", line, out)
			var loses *command.LosesAccessError
			if err != nil && !errors.As(err, &loses) {
				fmt.Fprintf(&fresh, "error: %v\n", err)
			}
		}
		return "```console\n" + trimmed(fresh.String()) + "```"
	})
	if written == string(content) {
		return
	}
	if *update {
		if err := os.WriteFile("../"+page, []byte(written), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	for i, line := range strings.Split(written, "\n") {
		if said := strings.Split(string(content), "\n"); i >= len(said) || said[i] != line {
			t.Fatalf("docs/kubectl-kisi.md, line %d is not what is printed:\n%s\nRun go test ./internal/cli/command -run PageSays -update", i+1, line)
		}
	}
	t.Fatal("docs/kubectl-kisi.md says more than is printed; run go test ./internal/cli/command -run PageSays -update")
}

func words(line string) []string {
	var all []string
	for _, match := range shell.FindAllStringSubmatch(line, -1) {
		all = append(all, match[1]+match[2])
	}
	return all
}

func trimmed(text string) string {
	var kept strings.Builder
	for line := range strings.Lines(text) {
		kept.WriteString(strings.TrimRight(line, " \n") + "\n")
	}
	return kept.String()
}

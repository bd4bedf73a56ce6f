package main

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

func TestThePageHasEveryFlag(t *testing.T) {
	page, err := os.ReadFile("../../docs/kisi-feed.md")
	if err != nil {
		t.Fatal(err)
	}
	var rows, flags []string
	for _, row := range regexp.MustCompile("(?m)^\\| `--([a-z-]+)` \\|").FindAllStringSubmatch(string(page), -1) {
		rows = append(rows, row[1])
	}
	newCommand().Flags().VisitAll(func(f *pflag.Flag) {
		if f.Name != "help" && f.Name != "version" && !strings.HasPrefix(f.Name, "zap-") {
			flags = append(flags, f.Name)
		}
	})
	slices.Sort(rows)
	if slices.Sort(flags); !slices.Equal(rows, flags) || len(rows) == 0 {
		t.Errorf("the page has %v, the command %v", rows, flags)
	}
}

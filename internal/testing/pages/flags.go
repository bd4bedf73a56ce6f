package pages

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

var flagRow = regexp.MustCompile("(?m)^\\| `--([a-z-]+)` \\|")

// CheckFlags fails t unless the tables of a page have a row for every flag, and none for what is no flag. The flags of
// logging, of help and of the version need none.
func CheckFlags(t testing.TB, page string, flags *pflag.FlagSet) {
	t.Helper()
	content, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var rows, names []string
	for _, row := range flagRow.FindAllStringSubmatch(string(content), -1) {
		rows = append(rows, row[1])
	}
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Name != "help" && f.Name != "version" && !strings.HasPrefix(f.Name, "zap-") {
			names = append(names, f.Name)
		}
	})
	slices.Sort(rows)
	if slices.Sort(names); !slices.Equal(rows, names) || len(rows) == 0 {
		t.Errorf("%s has rows for %v, and the flags are %v", page, rows, names)
	}
}

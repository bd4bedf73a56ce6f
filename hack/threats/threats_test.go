package threats

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const root = "../.."

var (
	row  = regexp.MustCompile(`^\| (T[0-9]+) \|`)
	test = regexp.MustCompile("`((?:Test|Fuzz)[A-Za-z0-9_]+)`")
	spec = regexp.MustCompile(`“([^”]+)”`)
)

// A threat of docs/security.md has a number of its own and names at least one test or spec, and every one that it names is there.
func TestEveryThreatNamesTestsThatAreThere(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(root, "docs/security.md"))
	if err != nil {
		t.Fatal(err)
	}
	tests := testsOf(t)
	threats := 0
	for line := range strings.Lines(string(page)) {
		match := row.FindStringSubmatch(line)
		if match == nil {
			continue
		}
		if threats++; match[1] != fmt.Sprint("T", threats) {
			t.Errorf("%s is the threat number %d", match[1], threats)
		}
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), " | ")
		if len(cells) != 5 {
			t.Errorf("%s has %d cells", match[1], len(cells))
			continue
		}
		proof := cells[4]
		named := 0
		for _, name := range test.FindAllStringSubmatch(proof, -1) {
			if named++; !strings.Contains(tests, "\nfunc "+name[1]+"(") {
				t.Errorf("%s: there is no test %s", match[1], name[1])
			}
		}
		for _, text := range spec.FindAllStringSubmatch(proof, -1) {
			if named++; !strings.Contains(tests, `"`+text[1]) {
				t.Errorf("%s: no spec, table or entry is called %q", match[1], text[1])
			}
		}
		if named == 0 {
			t.Errorf("%s names no test", match[1])
		}
	}
	if threats < 10 {
		t.Errorf("%d threats were found on the page", threats)
	}
}

// testsOf is the text of every test of the repository.
func testsOf(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	files := os.DirFS(root)
	err := fs.WalkDir(files, ".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (path == "bin" || path == ".git"):
			return fs.SkipDir
		case !strings.HasSuffix(path, "_test.go"):
			return nil
		}
		content, err := fs.ReadFile(files, path)
		all.Write(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}

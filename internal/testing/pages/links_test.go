package pages_test

import (
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const root = "../../.."

var (
	link     = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	anchor   = regexp.MustCompile(`<a id="([^"]+)">`)
	heading  = regexp.MustCompile(`(?m)^#+ +(.*)$`)
	code     = regexp.MustCompile("(?ms)^[ \t]*```.*?^[ \t]*```|`[^`\n]*`")
	notASlug = regexp.MustCompile(`[^\p{L}\p{N}\- _]`)
)

// markdown lists the pages of the repository, relative to its root.
func markdown(t *testing.T) []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() && path != root && (name == "bin" || name == "dist" || name == "tmp" || name == "testdata" || strings.HasPrefix(name, ".")) {
			return fs.SkipDir
		}
		if strings.HasSuffix(name, ".md") {
			all = append(all, strings.TrimPrefix(path, root+"/"))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func content(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// linksOf returns where the links of a page lead, relative to the root, with their anchors.
func linksOf(t *testing.T, page string) []string {
	t.Helper()
	var all []string
	for _, found := range link.FindAllStringSubmatch(code.ReplaceAllString(content(t, page), ""), -1) {
		target, err := url.Parse(found[1])
		if err != nil {
			t.Errorf("%s: %v", page, err)
			continue
		}
		if target.Scheme != "" {
			continue
		}
		path := page
		if target.Path != "" {
			path = filepath.Join(filepath.Dir(page), target.Path)
		}
		if target.Fragment != "" {
			path += "#" + target.Fragment
		}
		all = append(all, path)
	}
	return all
}

// anchors are those of a page, and what GitHub makes of its headings.
func anchors(page string) []string {
	var all []string
	for _, found := range heading.FindAllStringSubmatch(page, -1) {
		text := link.ReplaceAllString(found[1], "")
		text = strings.ToLower(notASlug.ReplaceAllString(text, ""))
		all = append(all, strings.ReplaceAll(text, " ", "-"))
	}
	for _, found := range anchor.FindAllStringSubmatch(page, -1) {
		all = append(all, found[1])
	}
	return all
}

func TestEveryLinkLeadsSomewhere(t *testing.T) {
	seen := 0
	for _, page := range markdown(t) {
		for _, target := range linksOf(t, page) {
			seen++
			path, place, _ := strings.Cut(target, "#")
			if _, err := os.Stat(filepath.Join(root, path)); err != nil {
				t.Errorf("%s links to %s: %v", page, target, err)
				continue
			}
			if place != "" && strings.HasSuffix(path, ".md") && !slices.Contains(anchors(content(t, path)), place) {
				t.Errorf("%s links to %s, where no heading has that anchor", page, target)
			}
		}
	}
	if seen < 100 {
		t.Errorf("only %d links were found", seen)
	}
}

func TestTheListOfPagesIsComplete(t *testing.T) {
	listed := linksOf(t, "docs/README.md")
	for _, page := range markdown(t) {
		directory := filepath.Dir(page)
		if page == "docs/README.md" || directory != "docs" && filepath.Dir(directory) != "docs" {
			continue
		}
		// A directory may have a list of its own.
		if !slices.Contains(listed, page) && !slices.Contains(listed, directory+"/README.md") {
			t.Errorf("docs/README.md does not link to %s", page)
		}
	}
}

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// notes writes what CHANGELOG.md says of the version, and where its parts are.
func (r *release) notes(index string) error {
	changelog, err := r.linked("CHANGELOG.md")
	if err != nil {
		return err
	}
	number := strings.TrimPrefix(r.version, "v")
	changes, found := section(changelog, number)
	if !found {
		changes, _ = section(changelog, "Unreleased")
		r.later = append(r.later, fmt.Sprintf("CHANGELOG.md has no section [%s], so the notes are those of [Unreleased]: name it so, with the date", number))
	}
	if changes == "" {
		changes = "Nothing that a user notices has changed."
	}
	var notes strings.Builder
	fmt.Fprintf(&notes, "%s\n\n## Installing it\n\n", changes)
	if index != "" {
		fmt.Fprintf(&notes, "- Image: `%s:%s@%s`\n", r.imageRepository, r.version, index)
	}
	fmt.Fprintf(&notes, "- Chart: `%s-%s.tgz`; without Helm: `kubectl apply --server-side -f %s/releases/download/%s/install.yaml`\n",
		r.chart.Name(), number, r.home, r.version)
	fmt.Fprintf(&notes, "- [How to install it](%s/blob/%s/docs/install.md), [how to check what you have downloaded](%[1]s/blob/%[2]s/docs/release.md#check-a-release)\n",
		r.home, r.version)
	return r.write("release-notes.md", []byte(notes.String()))
}

// section returns the text of a changelog's section, without its heading.
func section(changelog, name string) (string, bool) {
	var text strings.Builder
	found := false
	for line := range strings.Lines(changelog) {
		if strings.HasPrefix(line, "## ") {
			if found {
				break
			}
			heading := strings.TrimPrefix(line, "## ")
			found = strings.HasPrefix(heading, "["+name+"]")
			continue
		}
		if found {
			text.WriteString(line)
		}
	}
	return strings.TrimSpace(text.String()), found
}

// A link or an image of Markdown whose address has no scheme and is not on the same page.
var relativeLink = regexp.MustCompile(`\]\(([^):#][^):]*)\)`)

// linked returns a page in the root of the repository whose links work from anywhere.
func (r *release) linked(page string) (string, error) {
	content, err := os.ReadFile(filepath.Join(r.root, page))
	return relativeLink.ReplaceAllString(string(content), "]("+r.home+"/blob/"+r.version+"/$1)"), err
}

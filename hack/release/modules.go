package main

import (
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/mod/modfile"
)

// published are the directories of the modules that others import.
var published = []string{"api", "api/applyconfiguration"}

// tagsOf returns the tags of a version: that of the release, and one for each module that others import.
func tagsOf(version string) []string {
	tags := []string{version}
	for _, directory := range published {
		tags = append(tags, directory+"/"+version)
	}
	return tags
}

// modules finds what is left to do for the modules that others import. Here go.mod replaces one by the directory of the
// other; elsewhere the version counts that it requires.
func (r *release) modules() error {
	for _, directory := range published {
		path := filepath.Join(directory, "go.mod")
		content, err := os.ReadFile(filepath.Join(r.root, path))
		if err != nil {
			return err
		}
		file, err := modfile.Parse(path, content, nil)
		if err != nil {
			return err
		}
		for _, required := range file.Require {
			if at := required.Mod; at.Path == module+"/api" && at.Version != r.version {
				r.later = append(r.later, fmt.Sprintf("%s requires %s %s, not %s: set it there and in every other go.mod, as docs/release.md shows", path, at.Path, at.Version, r.version))
			}
		}
	}
	return nil
}

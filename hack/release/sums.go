package main

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
)

const sums = "SHA256SUMS"

// writeSums writes the checksums of all files of a directory, as `sha256sum -c` reads them.
func writeSums(directory string) error {
	var list strings.Builder
	err := eachFile(directory, func(name string, content []byte) {
		fmt.Fprintf(&list, "%s  %s\n", sha256Of(content), name)
	})
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(directory, sums), []byte(list.String()), 0o644) //nolint:gosec // everybody may read a release
}

// tell says what was made, and what is left to do.
func (r *release) tell(out io.Writer, directory string) error {
	fmt.Fprintf(out, "%s, commit %s of %s, in %s:\n\n", r.version, r.commit, r.date.Format("2006-01-02 15:04:05 MST"), made)
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	err := eachFile(directory, func(name string, content []byte) {
		fmt.Fprintf(table, "%.1f KiB\t  %s\t%s\n", float64(len(content))/1024, sha256Of(content), "  "+name)
	})
	if err != nil {
		return err
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if len(r.later) > 0 {
		fmt.Fprintf(out, "\nBefore it is published:\n- %s\n", strings.Join(r.later, "\n- "))
	}
	return nil
}

// eachFile calls do with every file below a directory, in the order of their paths, which have slashes.
func eachFile(directory string, do func(name string, content []byte)) error {
	files := os.DirFS(directory)
	return fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := fs.ReadFile(files, name)
		if err == nil {
			do(name, content)
		}
		return err
	})
}

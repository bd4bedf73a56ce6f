package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"strings"
)

// licenses finds the licenses of the modules that a program is built from. Most of them ask to be handed on with it.
type licenses struct {
	root, goroot string
	// directories of the modules, by path@version.
	directories map[string]string
}

func licensesIn(ctx context.Context, root string) (*licenses, error) {
	l := &licenses{root: root, directories: map[string]string{}}
	listed, err := goCommand(ctx, root, "list", "-m", "-json=Path,Version,Dir", "all")
	if err != nil {
		return nil, err
	}
	for decoder := json.NewDecoder(bytes.NewReader(listed)); ; {
		var m struct{ Path, Version, Dir string }
		err := decoder.Decode(&m)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		l.directories[m.Path+"@"+m.Version] = m.Dir
	}
	goroot, err := goCommand(ctx, root, "env", "GOROOT")
	l.goroot = strings.TrimSpace(string(goroot))
	return l, err
}

func goCommand(ctx context.Context, root string, args ...string) ([]byte, error) {
	command := exec.CommandContext(ctx, "go", args...) //nolint:gosec // none of the arguments is from outside
	command.Dir = root
	out, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("go %s: %w", strings.Join(args, " "), err)
	}
	return out, nil
}

var licenseFile = regexp.MustCompile(`(?i)^(licen[sc]e|copying|notice|patents)([.-].*)?$`)

// of returns all licenses of a program but its own as one text.
func (l *licenses) of(info *debug.BuildInfo) ([]byte, error) {
	var text bytes.Buffer
	if err := add(&text, "Go "+info.GoVersion, l.goroot); err != nil {
		return nil, err
	}
	for _, m := range info.Deps {
		if strings.HasPrefix(m.Path, info.Main.Path+"/") {
			continue // of this repository
		}
		if m.Replace != nil {
			m = m.Replace
		}
		name := m.Path + "@" + m.Version
		if err := add(&text, name, l.directories[name]); err != nil {
			return nil, err
		}
	}
	for _, e := range embedded {
		if strings.HasSuffix(info.Path, "/cmd/"+e.program) {
			if err := add(&text, e.name, filepath.Join(l.root, e.directory)); err != nil {
				return nil, err
			}
		}
	}
	return text.Bytes(), nil
}

// embedded is what programs hold that is no module, with its license beside it.
var embedded = []struct{ program, name, directory string }{
	{plugin, "htmx.org@4.0.1", "internal/cli/desk/assets/htmx"},
}

func add(text *bytes.Buffer, name, directory string) error {
	entries, err := os.ReadDir(directory)
	if err != nil {
		return fmt.Errorf("licenses of %s: %w", name, err)
	}
	found := false
	for _, entry := range entries {
		if entry.IsDir() || !licenseFile.MatchString(entry.Name()) {
			continue
		}
		content, err := os.ReadFile(filepath.Join(directory, entry.Name()))
		if err != nil {
			return err
		}
		found = true
		fmt.Fprintf(text, "%s\n%s: %s\n%[1]s\n\n%[4]s\n\n", strings.Repeat("=", 80), name, entry.Name(), bytes.TrimSpace(content))
	}
	if !found {
		return fmt.Errorf("%s has no file with its license in %s", name, directory)
	}
	return nil
}

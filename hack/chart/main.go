// Command chart makes what is made from the Helm chart. It is run in the root of the repository.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"sort"

	"github.com/kisi-operator/kisi-operator/hack/chart/chart"
)

const usage = `chart generate          make the files of the repository that are rendered from the chart
chart verify            fail if one of them is stale
chart install-manifest  print everything that a cluster needs as one file
chart rendered          print what Helm would apply, for hack/chart/testdata/releases`

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "chart:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("one of these is needed:\n%s", usage)
	}
	switch args[0] {
	case "generate":
		return each(".", write)
	case "verify":
		return verify(".")
	case "install-manifest", "rendered":
		return printed(args[0])
	}
	return fmt.Errorf("%q is none of these:\n%s", args[0], usage)
}

// each calls do with every file that is made: first those that the chart copies, so that it is rendered with them.
func each(root string, do func(path, content string) error) error {
	copied, err := chart.Copied(root)
	if err != nil {
		return err
	}
	if err := inOrder(copied, do); err != nil {
		return err
	}
	c, err := chart.Load(root)
	if err != nil {
		return err
	}
	generated, err := chart.Generated(root, c)
	if err != nil {
		return err
	}
	return inOrder(generated, do)
}

func inOrder(files map[string]string, do func(path, content string) error) error {
	paths := make([]string, 0, len(files))
	for path := range files {
		paths = append(paths, path)
	}
	sort.Strings(paths)
	for _, path := range paths {
		if err := do(path, files[path]); err != nil {
			return err
		}
	}
	return nil
}

func write(path, content string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(content), 0o644) //nolint:gosec // everybody may read what is in the repository
}

// verify changes nothing: a copy that is stale is told of, and the chart is rendered with it all the same.
func verify(root string) error {
	var stale []string
	err := each(root, func(path, content string) error {
		is, err := os.ReadFile(filepath.Join(root, path))
		if err != nil && !os.IsNotExist(err) {
			return err
		}
		if string(is) != content {
			stale = append(stale, path)
		}
		return nil
	})
	if err == nil && len(stale) > 0 {
		err = fmt.Errorf("stale, run `make manifests`: %q", stale)
	}
	return err
}

func printed(what string) error {
	c, err := chart.Load(".")
	if err != nil {
		return err
	}
	if what == "install-manifest" {
		manifest, err := chart.Install(".", c)
		fmt.Print(manifest)
		return err
	}
	rendered, err := chart.Render(c, nil)
	fmt.Print(rendered.Manifests())
	return err
}

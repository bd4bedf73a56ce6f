// Command mutants breaks the operator on purpose, each time in another place, and sees whether a test notices. A mutant is a
// patch beside this file: the first line says what it does wrong, the line "Test:" names the package, the tests and their
// flags that must fail. Nothing in the tree is changed: the compiler is given the patched files in place of those there.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"
)

func main() {
	only := flag.String("only", "", "run the mutants whose name matches this regular expression; default: all")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, *only)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, only string) error {
	chosen, err := regexp.Compile(only)
	if err != nil {
		return fmt.Errorf("-only: %w", err)
	}
	patches, err := filepath.Glob("hack/mutants/*.patch")
	if err != nil {
		return err
	}
	if len(patches) == 0 {
		return errors.New("hack/mutants has no patches; run this in the root of the repository, as `make mutants` does")
	}
	var survived []string
	var broken []error
	for _, path := range patches {
		m, err := read(path)
		if err != nil {
			return err
		}
		if !chosen.MatchString(m.name) {
			continue
		}
		began := time.Now()
		found, err := m.test(ctx)
		if err != nil {
			fmt.Printf("%-18s could not be tried\n", m.name)
			broken = append(broken, fmt.Errorf("%s: %w", path, err))
			continue
		}
		after := time.Since(began).Round(time.Second)
		if found == "" {
			survived = append(survived, m.name)
			fmt.Printf("%-18s SURVIVED %s, %s\n", m.name, m.what, after)
			continue
		}
		fmt.Printf("%-18s killed by %s, %s: %s\n", m.name, found, after, m.what)
	}
	if len(survived) > 0 {
		broken = append(broken, fmt.Errorf("no test noticed: %s", strings.Join(survived, ", ")))
	}
	return errors.Join(broken...)
}

// mutant is one way to break the operator.
type mutant struct {
	name, path, what string
	dir, run         string
	flags            []string
	files            []string
}

func read(path string) (mutant, error) {
	content, err := os.ReadFile(path) // #nosec G304 -- a patch of this repository
	if err != nil {
		return mutant{}, err
	}
	m := mutant{name: strings.TrimSuffix(filepath.Base(path), ".patch"), path: path}
	for i, line := range strings.Split(string(content), "\n") {
		if i == 0 {
			m.what = line
		}
		if test, is := strings.CutPrefix(line, "Test: "); is {
			if fields := strings.Fields(test); len(fields) >= 2 {
				m.dir, m.run, m.flags = fields[0], fields[1], fields[2:]
			}
		}
		if file, is := strings.CutPrefix(line, "+++ b/"); is {
			m.files = append(m.files, file)
		}
	}
	if m.run == "" || len(m.files) == 0 {
		return m, fmt.Errorf(`%s needs a line "Test: <package> <tests> [flags]", and at least one file that it changes`, path)
	}
	return m, nil
}

// test reports which tests noticed; empty if none did.
func (m mutant) test(ctx context.Context) (found string, err error) {
	overlay, err := m.overlay(ctx)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(filepath.Dir(overlay))) }()
	arguments := slices.Concat([]string{"-C", m.dir, "test", "-count=1", "-v", "-timeout=30m", "-overlay=" + overlay, ".", "-run=" + m.run}, m.flags)
	out, err := exec.CommandContext(ctx, "go", arguments...).CombinedOutput() // #nosec G204 -- from a patch of this repository
	if err == nil {
		if !strings.Contains(string(out), "\n--- PASS") && !strings.HasPrefix(string(out), "=== RUN") {
			return "", fmt.Errorf("go %s ran no test", strings.Join(arguments, " "))
		}
		return "", nil
	}
	if found = verdict("\n" + string(out)); found == "" {
		return "", fmt.Errorf("go %s: %w\n%s", strings.Join(arguments, " "), err, out)
	}
	return found, nil
}

// overlay writes the patched files and the list of them that the compiler takes.
func (m mutant) overlay(ctx context.Context) (string, error) {
	root, err := os.Getwd()
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp("", "mutant-")
	if err != nil {
		return "", err
	}
	replace := map[string]string{}
	for _, file := range m.files {
		content, err := os.ReadFile(file) // #nosec G304 -- of this repository
		if err != nil {
			return "", err
		}
		patched := filepath.Join(dir, file)
		if err := os.MkdirAll(filepath.Dir(patched), 0o750); err != nil {
			return "", err
		}
		if err := os.WriteFile(patched, content, 0o600); err != nil { // #nosec G703 -- in the directory just made
			return "", err
		}
		replace[filepath.Join(root, file)] = patched
	}
	apply := exec.CommandContext(ctx, "git", "apply", filepath.Join(root, m.path)) // #nosec G204 -- a patch of this repository
	apply.Dir = dir
	if out, err := apply.CombinedOutput(); err != nil {
		return "", fmt.Errorf("the patch does not fit any more, make it anew: %w: %s", err, out)
	}
	list, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "overlay.json")
	return path, os.WriteFile(path, list, 0o600)
}

var (
	failed = regexp.MustCompile(`(?m)^\s*--- FAIL: (\S+)`)
	seed   = regexp.MustCompile(`panic: (seed \d+: [^\n]*)`)
	begun  = regexp.MustCompile(`(?m)^=== RUN   (\S+)`)
	days   = regexp.MustCompile(`(\d+) operator-days in \d+ histories`)
)

// verdict names the tests that failed, the deepest of each, and how long a simulation took to notice; empty if what failed
// was no test.
func verdict(out string) string {
	var names []string
	for _, match := range failed.FindAllStringSubmatch(out, -1) {
		if n := len(names); n > 0 && strings.HasPrefix(match[1], names[n-1]+"/") {
			names[n-1] = match[1]
			continue
		}
		names = append(names, match[1])
	}
	if match := seed.FindStringSubmatch(out); match != nil {
		names = append(names, match[1])
	}
	if runs := begun.FindAllStringSubmatch(out, -1); len(names) == 0 && len(runs) > 0 && strings.Contains(out, "\npanic: ") {
		names = append(names, runs[len(runs)-1][1]+" (panic)")
	}
	const most = 3
	if len(names) > most {
		names = append(names[:most], fmt.Sprintf("%d more", len(names)-most))
	}
	found := strings.Join(names, ", ")
	if match := days.FindStringSubmatch(out); match != nil && found != "" {
		found += " after " + match[1] + " operator-days"
	}
	return found
}

package main

import (
	"os"
	"path/filepath"
	"testing"
)

// A patch that does not fit any more tests nothing, so that is found in every run.
func TestEveryPatchFits(t *testing.T) {
	t.Chdir("../..")
	patches, err := filepath.Glob("hack/mutants/*.patch")
	if err != nil || len(patches) < 12 {
		t.Fatalf("%d patches, %v", len(patches), err)
	}
	for _, path := range patches {
		m, err := read(path)
		if err == nil {
			var list string
			if list, err = m.overlay(t.Context()); err == nil {
				err = os.RemoveAll(filepath.Dir(list))
			}
		}
		if err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestVerdict(t *testing.T) {
	for name, c := range map[string]struct{ out, want string }{
		"no test":  {"# package\n./a.go:1: syntax error\nFAIL package [build failed]\n", ""},
		"one":      {"--- FAIL: TestA (0.01s)\nFAIL\n", "TestA"},
		"deepest":  {"--- FAIL: TestA (0.01s)\n    --- FAIL: TestA/b (0.01s)\n        --- FAIL: TestA/b/c (0.00s)\n", "TestA/b/c"},
		"days":     {"    x_test.go:1: 35 operator-days in 7 histories and 30s: 1\n--- FAIL: TestA (0.01s)\n", "TestA after 35 operator-days"},
		"panic":    {"=== RUN   TestA\n=== RUN   TestB\npanic: slice bounds out of range\n", "TestB (panic)"},
		"watchdog": {"panic: seed 7: the clock stands still 3 minutes after the beginning\n\ngoroutine 1\n", "seed 7: the clock stands still 3 minutes after the beginning"},
	} {
		if got := verdict(c.out); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

package simulation

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Histories that once failed are played in every run.
func TestHistoriesThatOnceFailed(t *testing.T) {
	definitions := definitions(t)
	paths, err := filepath.Glob("testdata/histories/*.json")
	if err != nil || len(paths) == 0 {
		t.Fatalf("%d histories are kept, %v", len(paths), err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".json"), func(t *testing.T) {
			h, err := readHistory(path)
			if err != nil {
				t.Fatal(err)
			}
			if wrong, _, _ := play(t, definitions, h); len(wrong) > 0 {
				t.Errorf("%s:\n%s", path, strings.Join(wrong, "\n"))
			}
		})
	}
}

func readHistory(path string) (history, error) {
	content, err := os.ReadFile(path) // #nosec G304 -- of this package, or of whoever runs the test
	if err != nil {
		return history{}, err
	}
	var h history
	if err := json.Unmarshal(content, &h); err != nil {
		return history{}, fmt.Errorf("%s: %w", path, err)
	}
	return h, nil
}

func writeHistory(path string, h history) error {
	content, err := json.MarshalIndent(h, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(content, '\n'), 0o600)
}

package alerts

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// root is the repository's.
var root = filepath.Join("..", "..", "..")

// promtool is Prometheus' own tool, built from its module. Make builds it in advance.
func promtool(t *testing.T) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join(root, "bin", "promtool"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err == nil {
		return path
	}
	path = filepath.Join(t.TempDir(), "promtool")
	// Without the ways to find what to scrape, which a test of rules needs none of, and which have the SDK of every cloud.
	if out, err := exec.Command("go", "build", "-tags=remove_all_sd", "-o", path, "github.com/prometheus/prometheus/cmd/promtool").CombinedOutput(); err != nil {
		t.Fatalf("building promtool: %v\n%s", err, out)
	}
	return path
}

func TestTheRulesDoWhatTheirUnitTestsSay(t *testing.T) {
	config := filepath.Join(root, "config", "prometheus")
	tool := promtool(t)
	for _, arguments := range [][]string{
		{"check", "rules", "--lint=all", "--lint-fatal", filepath.Join(config, "rules", "kisi-operator.yaml")},
		{"test", "rules", filepath.Join(config, "rules_test.yaml")},
	} {
		out, err := exec.Command(tool, arguments...).CombinedOutput()
		if err != nil {
			t.Errorf("promtool %v: %v\n%s", arguments, err, out)
		}
	}
}

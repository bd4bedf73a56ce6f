package v1alpha1_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// An adapter that imports the kinds gets no client and no controller framework along.
func TestModuleNeedsApimachineryOnly(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{if not (or .Main .Indirect)}}{{.Path}}{{end}}", "all").Output()
	if err != nil {
		t.Fatal(err)
	}
	if needs := strings.Fields(string(out)); !slices.Equal(needs, []string{"k8s.io/apimachinery"}) {
		t.Errorf("the module of the kinds requires %v; what needs more belongs into another module", needs)
	}
}

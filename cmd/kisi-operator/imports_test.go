package main

import (
	"os/exec"
	"strings"
	"testing"
)

// What kubectl's plugins need stays out of the operator: it would only be more to keep safe.
func TestOperatorHasNothingOfThePlugin(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatalf("listing what the operator is made of: %v", err)
	}
	for imported := range strings.Lines(string(out)) {
		for _, unwanted := range []string{"k8s.io/cli-runtime", "sigs.k8s.io/kustomize", "github.com/kisi-operator/kisi-operator/internal/cli"} {
			if strings.HasPrefix(imported, unwanted) {
				t.Errorf("the operator imports %s", strings.TrimSpace(imported))
			}
		}
	}
}

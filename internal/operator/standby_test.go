package operator

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/validation"
)

func TestTheLabelTellsReleasesApart(t *testing.T) {
	a, b := namespacesOf([]string{"gym", "spa"}), namespacesOf([]string{"pool"})
	if a == b || a == namespacesOf(nil) || a != namespacesOf([]string{"spa", "gym", "gym"}) {
		t.Errorf("%q, %q and %q", a, b, namespacesOf(nil))
	}
	for _, value := range []string{a, namespacesOf(nil)} {
		if problems := validation.IsValidLabelValue(value); problems != nil {
			t.Errorf("%q: %v", value, problems)
		}
	}
}

func TestAReplicaThatStandsBySaysWhatToDo(t *testing.T) {
	for holders, advises := range map[string]bool{"": false, "all": false, namespacesOf([]string{"gym"}): true} {
		message := standbyMessage("all", holders)
		if !strings.HasPrefix(message, "Standing by") || strings.Contains(message, "--leader-election-id") != advises {
			t.Errorf("%q: %s", holders, message)
		}
	}
}

package member

import (
	"strings"
	"testing"

	"github.com/go-logr/logr/funcr"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/executor"
	"github.com/kisi-operator/kisi-operator/internal/plan"
)

func TestAnOperationThatHasToWaitIsALineAtDebugOnly(t *testing.T) {
	operation := plan.Operation{Kind: plan.Grant, Row: v1alpha1.MemberGrant{Connection: "hq", Group: "lab", OrganizationID: 3289, KisiGroupID: 41}}
	for _, test := range []struct {
		verbosity int
		fails     bool
		says      int
	}{{0, true, 0}, {1, true, 1}, {1, false, 0}} {
		var text strings.Builder
		logger := funcr.New(func(_, line string) { text.WriteString(line + "\n") }, funcr.Options{Verbosity: test.verbosity})
		r := &Reconciler{Executor: executor.Executor{}}
		if test.fails {
			r.Executor.Backoffs.Failed("ana@example.com", operation.ID(), "Kisi says no")
		}
		r.logBackoff(logger, "ana@example.com", operation)
		if says := strings.Count(text.String(), `"connection"="hq" "group"="lab" "organizationID"=3289 "until"="`); says != test.says {
			t.Errorf("at level %d, failed: %t: said %d times, not %d, in %q", test.verbosity, test.fails, says, test.says, text.String())
		}
		if strings.Contains(text.String(), "ana") {
			t.Errorf("it names a person: %s", text.String())
		}
	}
}

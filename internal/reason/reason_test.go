package reason

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
)

// declared returns the values of the constants of api/v1alpha1/conditions.go whose names begin so.
func declared(t *testing.T, prefix string) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../../api/v1alpha1/conditions.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var values []string
	ast.Inspect(file, func(node ast.Node) bool {
		spec, is := node.(*ast.ValueSpec)
		if !is || !strings.HasPrefix(spec.Names[0].Name, prefix) {
			return true
		}
		value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		values = append(values, value)
		return true
	})
	slices.Sort(values)
	return values
}

func TestEveryReasonIsDescribedOnce(t *testing.T) {
	var described []string
	for _, r := range All() {
		described = append(described, r.Name)
		if len(r.On) == 0 || r.Means == "" {
			t.Errorf("%s: where is it seen, and what does it mean?", r.Name)
		}
		for _, at := range r.On {
			if at.Condition == v1alpha1.ConditionReady && at.Status == metav1.ConditionFalse && r.Do == "" {
				t.Errorf("%s keeps objects from being Ready: what is to be done?", r.Name)
			}
		}
	}
	if want := declared(t, "Reason"); !slices.Equal(described, want) {
		t.Errorf("described are\n%v\nand api/v1alpha1 declares\n%v", described, want)
	}
}

func TestEveryConditionIsInTheTable(t *testing.T) {
	shown := slices.Concat(conditionTypes, []string{v1alpha1.ConditionReconciling, v1alpha1.ConditionStalled})
	slices.Sort(shown)
	if want := declared(t, "Condition"); !slices.Equal(shown, want) {
		t.Errorf("shown are\n%v\nand api/v1alpha1 declares\n%v", shown, want)
	}
}

// unrecorded is what no end-to-end spec has come upon. Each is said by the code that says the same of another kind, which
// has a spec; what comes to be recorded leaves this list.
var unrecorded = []string{
	"AccessSubscription Ready False AmbiguousName",
	"AccessSubscription Ready False BlockedByForeignAssignment",
	"AccessSubscription Ready False ConnectionMismatch",
	"AccessSubscription Ready False ConnectionNotFound",
	"AccessSubscription Ready False Observing",
	"AccessSubscription Ready False Paused",
	"AccessSubscription Ready False PlaceMismatch",
	"AccessSubscription Ready False Revoking",
	"BookingGrant Ready False BlockedByForeignAssignment",
	"BookingGrant Ready False Observing",
	"Member LoginReady False ConnectionNotReady",
	"Member LoginReady False Observing",
	"Member LoginReady False Paused",
	"Member Ready False AmbiguousName",
	"Member Ready False ConnectionMismatch",
}

// What the specs come upon is described, and what is described they come upon: `make statuses` records it.
func TestWhatIsDescribedIsWhatTheSpecsComeUpon(t *testing.T) {
	text, err := os.ReadFile("../../hack/argocd/testdata/statuses/reasons.txt")
	if err != nil {
		t.Fatal(err)
	}
	recorded := strings.Split(strings.TrimSpace(string(text)), "\n")
	for _, line := range recorded {
		said := strings.Fields(line)
		if !Seen(said[0], said[1], metav1.ConditionStatus(said[2]), said[3]) {
			t.Errorf("the specs have come upon this, and this package does not describe it: %s", line)
		}
	}
	for _, r := range All() {
		for _, at := range r.On {
			for _, kind := range at.Kinds {
				line := fmt.Sprintf("%s %s %s %s", kind, at.Condition, at.Status, r.Name)
				if slices.Contains(recorded, line) == slices.Contains(unrecorded, line) {
					t.Errorf("a spec comes upon this (see make statuses), or else the test lists it as unrecorded, not both: %s", line)
				}
			}
		}
	}
}

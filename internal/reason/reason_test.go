package reason

import (
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

// reasons.txt has what is in the statuses beside it.
func TestWhatTheSpecsComeUponIsDescribed(t *testing.T) {
	text, err := os.ReadFile("../../hack/argocd/testdata/statuses/reasons.txt")
	if err != nil {
		t.Fatal(err)
	}
	recorded := strings.Split(strings.TrimSpace(string(text)), "\n")
	for _, line := range recorded {
		said := strings.Fields(line)
		if !Seen(said[0], said[1], metav1.ConditionStatus(said[2]), said[3]) {
			t.Errorf("the specs have come upon this, and it is not described: %s", line)
		}
	}
}

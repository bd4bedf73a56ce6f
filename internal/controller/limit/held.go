package limit

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/controller/internal/conditions"
)

// HeldRows counts what the revocation limit holds, by KisiGroup.
type HeldRows map[v1alpha1.ObjectName]int

// Describe sets RevocationsHeld while rows are held, and removes it when none is.
func (h HeldRows) Describe(connection *v1alpha1.KisiConnection, now time.Time) {
	current := &connection.Status.Conditions
	if len(h) == 0 {
		meta.RemoveStatusCondition(current, v1alpha1.ConditionRevocationsHeld)
		return
	}
	total := 0
	var groups []string
	for _, group := range slices.Sorted(maps.Keys(h)) {
		total += h[group]
		groups = append(groups, fmt.Sprintf("%s (%d)", group, h[group]))
	}
	const few = 10
	if len(groups) > few {
		groups = append(groups[:few], fmt.Sprintf("and %d more", len(groups)-few))
	}
	conditions.Set(current, connection.Generation, v1alpha1.ConditionRevocationsHeld, metav1.ConditionTrue, v1alpha1.ReasonRevocationsHeld,
		fmt.Sprintf("the revocation limit holds %d grant(s) that nothing asks for any more, in KisiGroup %s; what is applied again keeps its grant; %s",
			total, strings.Join(groups, ", "), HowToApprove("this object, the KisiGroup or the Member", ApprovalOf(connection, now))))
}

// DeletingMessage says what a KisiGroup that is being deleted waits for, and the ways out.
func DeletingMessage(group *v1alpha1.KisiGroup, obstacle string, held int, now time.Time) string {
	abandon := fmt.Sprintf("annotate with %s=true to leave it as it is", v1alpha1.AbandonAnnotation)
	if obstacle != "" {
		return obstacle + "; " + abandon
	}
	if held == 0 {
		return "taking back what was granted in the group; " + abandon
	}
	return fmt.Sprintf("the revocation limit holds %d grant(s) in the group; %s, or %s", held, HowToApprove("this object", ApprovalOf(group, now)), abandon)
}

// HowToApprove says how what is held is released, and why an approval that is there releases nothing.
func HowToApprove(objects string, found Approval) string {
	return cmp.Or(found.Problem, fmt.Sprintf("to let them go, annotate %s with %s=<a time within the next 24 hours>", objects, v1alpha1.ApproveRevocationsUntilAnnotation))
}

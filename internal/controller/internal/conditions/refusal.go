package conditions

import (
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
)

// Refusal is the reason of a Member's Ready that says that Kisi refuses what is asked for the person; empty if it does not.
func Refusal(current []metav1.Condition) string {
	ready := meta.FindStatusCondition(current, v1alpha1.ConditionReady)
	if ready == nil {
		return ""
	}
	switch ready.Reason {
	case v1alpha1.ReasonRefusedByKisi, v1alpha1.ReasonKisiLimitReached, v1alpha1.ReasonInsufficientRole:
		return ready.Reason
	}
	return ""
}

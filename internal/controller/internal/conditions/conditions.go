// Package conditions writes and reads the conditions that every kind has: Ready, Reconciling and Stalled, as kstatus wants them.
package conditions

import (
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/kisi"
	"github.com/kisi-operator/kisi-operator/internal/plan"
)

// Verdict is the summary of an object, before it is written.
type Verdict = plan.Verdict

// Ready says that everything is as it should be.
func Ready(reason, message string) Verdict {
	return Verdict{Ready: true, Reason: reason, Message: message}
}

// Reconciling says that work is under way, or will be tried again by itself.
func Reconciling(reason, message string) Verdict {
	return Verdict{Reconciling: true, Reason: reason, Message: message}
}

// Waiting says that something else has to appear or to heal first.
func Waiting(reason, message string) Verdict {
	return Verdict{Reason: reason, Message: message}
}

// Stalled says that a person has to change something.
func Stalled(reason, message string) Verdict {
	return Verdict{Stalled: true, Reason: reason, Message: message}
}

// Summarize writes Ready, and Reconciling and Stalled only while True.
func Summarize(conditions *[]metav1.Condition, generation int64, v Verdict) {
	Set(conditions, generation, v1alpha1.ConditionReady, status(v.Ready), v.Reason, v.Message)
	SetWhile(v.Reconciling, conditions, generation, v1alpha1.ConditionReconciling, v)
	SetWhile(v.Stalled, conditions, generation, v1alpha1.ConditionStalled, v)
}

// SetWhile writes one condition that is present, and True, only while it holds.
func SetWhile(holds bool, conditions *[]metav1.Condition, generation int64, conditionType string, v Verdict) {
	if holds {
		Set(conditions, generation, conditionType, metav1.ConditionTrue, v.Reason, v.Message)
		return
	}
	meta.RemoveStatusCondition(conditions, conditionType)
}

// Set writes one condition. Of a message that is too long for it the begin is left, and what does not print is a space.
func Set(conditions *[]metav1.Condition, generation int64, conditionType string, value metav1.ConditionStatus, reason, message string) {
	const longest = 4096 // names from Kisi may be of any length, and hold anything
	message = kisi.Printable(message, longest)
	meta.SetStatusCondition(conditions, metav1.Condition{
		Type: conditionType, Status: value, Reason: reason, Message: message, ObservedGeneration: generation,
	})
}

func status(holds bool) metav1.ConditionStatus {
	if holds {
		return metav1.ConditionTrue
	}
	return metav1.ConditionFalse
}

// IsReady reports whether Ready is True.
func IsReady(conditions []metav1.Condition) bool {
	return meta.IsStatusConditionTrue(conditions, v1alpha1.ConditionReady)
}

// State is Ready without its message: what others of an object's conditions go by.
type State struct {
	Status metav1.ConditionStatus
	Reason string
}

// StateOf returns the state that the conditions tell of; zero if there is none yet.
func StateOf(conditions []metav1.Condition) State {
	if found := meta.FindStatusCondition(conditions, v1alpha1.ConditionReady); found != nil {
		return State{found.Status, found.Reason}
	}
	return State{}
}

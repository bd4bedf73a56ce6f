package controller

import (
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/plan"
)

// verdict is the summary of an object, before it is written.
type verdict = plan.Verdict

func ready(reason, message string) verdict {
	return verdict{Ready: true, Reason: reason, Message: message}
}

// reconciling: work is under way, or will be tried again by itself.
func reconciling(reason, message string) verdict {
	return verdict{Reconciling: true, Reason: reason, Message: message}
}

// waiting: something else has to appear or to heal first.
func waiting(reason, message string) verdict {
	return verdict{Reason: reason, Message: message}
}

// stalled: a person has to change something.
func stalled(reason, message string) verdict {
	return verdict{Stalled: true, Reason: reason, Message: message}
}

// setVerdict writes Ready, and Reconciling and Stalled only while True.
func setVerdict(conditions *[]metav1.Condition, generation int64, v verdict) {
	setCondition(conditions, generation, v1alpha1.ConditionReady, status(v.Ready), v.Reason, v.Message)
	setWhile(v.Reconciling, conditions, generation, v1alpha1.ConditionReconciling, v)
	setWhile(v.Stalled, conditions, generation, v1alpha1.ConditionStalled, v)
}

func setWhile(holds bool, conditions *[]metav1.Condition, generation int64, conditionType string, v verdict) {
	if holds {
		setCondition(conditions, generation, conditionType, metav1.ConditionTrue, v.Reason, v.Message)
		return
	}
	meta.RemoveStatusCondition(conditions, conditionType)
}

func setCondition(conditions *[]metav1.Condition, generation int64, conditionType string, value metav1.ConditionStatus, reason, message string) {
	const longest = 4096 // names from Kisi may be of any length
	if len(message) > longest {
		message = strings.ToValidUTF8(message[:longest], "") + "…"
	}
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

func isReady(conditions []metav1.Condition) bool {
	return meta.IsStatusConditionTrue(conditions, v1alpha1.ConditionReady)
}

// reasonOf returns status and reason of Ready in one comparable value.
func reasonOf(conditions []metav1.Condition) string {
	if found := meta.FindStatusCondition(conditions, v1alpha1.ConditionReady); found != nil {
		return string(found.Status) + "/" + found.Reason
	}
	return ""
}

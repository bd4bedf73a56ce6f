package report

import (
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/controller/limit"
	"github.com/kisi-operator/kisi-operator/internal/tenant"
)

// abandonNews says what a person should know of an abandon annotation that has just been written, or nil.
func abandonNews(object client.Object, before map[string]string) *news {
	switch object.(type) {
	case *v1alpha1.KisiConnection, *v1alpha1.KisiGroup, *v1alpha1.Member:
	default:
		return nil
	}
	value, present := object.GetAnnotations()[v1alpha1.AbandonAnnotation]
	previous, known := before[v1alpha1.AbandonAnnotation]
	if !present || value == "true" || value == "false" || known && value == previous {
		return nil
	}
	return abandonIgnored.with(fmt.Sprintf(
		"the annotation %s abandons nothing: its value is not %q; write %q, or take the annotation away", v1alpha1.AbandonAnnotation, "true", "true"))
}

// approvalNews says what a person should know of an approval that has just been written, or nil.
func approvalNews(object client.Object, before map[string]string, now time.Time) *news {
	if object.GetAnnotations()[v1alpha1.ApproveRevocationsUntilAnnotation] == before[v1alpha1.ApproveRevocationsUntilAnnotation] {
		return nil
	}
	switch object.(type) {
	case *v1alpha1.KisiConnection, *v1alpha1.KisiGroup, *v1alpha1.Member:
	default:
		return nil
	}
	if problem := limit.ApprovalOf(object, now).Problem; problem != "" {
		return approvalIgnored.with(problem)
	}
	return nil
}

// holdNews says, once for a hold, that the revocation limit has begun to hold rows of a connection.
func holdNews(object client.Object, before, after []metav1.Condition) *news {
	if _, isConnection := object.(*v1alpha1.KisiConnection); !isConnection {
		return nil
	}
	held := meta.FindStatusCondition(after, v1alpha1.ConditionRevocationsHeld)
	if held == nil || meta.FindStatusCondition(before, v1alpha1.ConditionRevocationsHeld) != nil {
		return nil
	}
	return revocationsHeld.with("the revocation limit (spec.revocationLimit) holds grants that nothing asks for any more; " +
		"see the condition RevocationsHeld and status.counts.heldRevocations; " + limit.HowToApprove("this object, the KisiGroup or the Member", limit.Approval{}))
}

// keptNews says, once, that a booking is not deleted any more because its deletion was undone each time.
func keptNews(before, after []metav1.Condition) *news {
	kept := meta.FindStatusCondition(after, v1alpha1.ConditionKept)
	if kept == nil || kept.Reason != v1alpha1.ReasonDeletionUndone {
		return nil
	}
	if was := meta.FindStatusCondition(before, v1alpha1.ConditionKept); was != nil && was.Reason == kept.Reason {
		return nil
	}
	return deletionUndone.with(kept.Message)
}

// claimNews says what a person should know of a claim that has just been written, or nil.
func claimNews(object client.Object, before map[string]string) *news {
	value := object.GetAnnotations()[v1alpha1.ClaimAnnotation]
	if _, isGroup := object.(*v1alpha1.KisiGroup); !isGroup || len(value) <= tenant.LongestClaim || value == before[v1alpha1.ClaimAnnotation] {
		return nil
	}
	return claimIgnored.with(fmt.Sprintf(
		"the annotation %s claims nothing: its value has %d characters; use one of at most %d", v1alpha1.ClaimAnnotation, len(value), tenant.LongestClaim))
}

// rebindNews says what a person should know of a rebind annotation that has just been written, or nil.
func rebindNews(object client.Object, before map[string]string) *news {
	value := object.GetAnnotations()[v1alpha1.RebindAnnotation]
	if _, isGroup := object.(*v1alpha1.KisiGroup); !isGroup || len(value) <= tenant.LongestRebind || value == before[v1alpha1.RebindAnnotation] {
		return nil
	}
	return rebindIgnored.with(fmt.Sprintf(
		"the annotation %s looks nothing up again: its value has %d characters; use one of at most %d", v1alpha1.RebindAnnotation, len(value), tenant.LongestRebind))
}

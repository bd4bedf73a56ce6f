package conditions

import (
	"testing"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/failure"
)

func TestWhatAPersonHasToChangeIsSaidWhileTheObjectIsNotReady(t *testing.T) {
	found := failure.Failure{Kind: failure.Refused, Message: "a person has to act", Reason: v1alpha1.ReasonInsufficientRole}
	if v := Explain(found, Reconciling(v1alpha1.ReasonGranting, "granting")); v.Stalled || v.Reconciling || v.Reason != v1alpha1.ReasonInsufficientRole {
		t.Fatalf("found %+v", v)
	}
	if v := Explain(found, Ready(v1alpha1.ReasonGranted, "granted")); !v.Ready || v.Message != "granted" {
		t.Fatalf("found %+v", v)
	}
}

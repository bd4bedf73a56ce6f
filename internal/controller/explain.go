package controller

import (
	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/controller/internal/conditions"
	"github.com/kisi-operator/kisi-operator/internal/failure"
	"github.com/kisi-operator/kisi-operator/internal/kisi"
)

// unreadable says that a question to Kisi could not be answered, which is neither yes nor no.
func unreadable(err error) conditions.Verdict {
	if kisi.IsForbidden(err) {
		return conditions.Stalled(v1alpha1.ReasonInsufficientRole, "the key's owner may not read this in Kisi (403); give the owner a role that may")
	}
	return conditions.Reconciling(v1alpha1.ReasonConnecting, "Kisi gave no usable answer; trying again")
}

// explain adds the trouble of a person's operations to a verdict that says that they are under way.
func explain(t failure.Failure, v conditions.Verdict) conditions.Verdict {
	switch {
	case t.Message == "" || !v.Reconciling:
		return v
	case t.Reason == v1alpha1.ReasonAmbiguousReference:
		return conditions.Stalled(t.Reason, t.Message)
	case t.Reason != "":
		return conditions.Waiting(t.Reason, t.Message)
	}
	v.Message += "; " + t.Message
	return v
}

package conditions

import (
	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/failure"
	"github.com/kisi-operator/kisi-operator/internal/kisi"
)

// Unreadable says that a question to Kisi could not be answered, which is neither yes nor no.
func Unreadable(err error) Verdict {
	if kisi.IsForbidden(err) {
		return Stalled(v1alpha1.ReasonInsufficientRole, "the key's owner may not read this in Kisi (403); give the owner a role that may")
	}
	return Reconciling(v1alpha1.ReasonConnecting, "Kisi gave no usable answer; trying again")
}

// Explain adds the trouble of a person's operations to a verdict that says that they are under way.
func Explain(t failure.Failure, v Verdict) Verdict {
	switch {
	case t.Message == "" || !v.Reconciling:
		return v
	case t.Reason == v1alpha1.ReasonAmbiguousReference:
		return Stalled(t.Reason, t.Message)
	case t.Reason != "":
		return Waiting(t.Reason, t.Message)
	}
	v.Message += "; " + t.Message
	return v
}

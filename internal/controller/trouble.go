package controller

import (
	"time"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/kisi"
)

// trouble is what an error of Kisi's means for the object that needed the answer. What it says does not differ from one
// attempt to the next, so that a status that says nothing new is not written.
type trouble struct {
	kind troubleKind
	text string
}

type troubleKind int

const (
	// transient: it may work at any moment, and is tried again.
	transient troubleKind = iota
	// pending: something has to appear or change in Kisi first, and is looked for.
	pending
	// stalling: it works once a person has changed something.
	stalling
)

// troubleOf sorts every error that a call to Kisi can end with.
func troubleOf(err error) trouble {
	switch {
	case kisi.IsUnauthorized(err): // the connection says so, and wakes everything when it has a better key
		return trouble{pending, "Kisi does not accept the API key (401)"}
	case kisi.IsForbidden(err):
		return trouble{stalling, "Kisi refused it (403): the key's owner may not do this; give the owner a role that may"}
	case kisi.IsRateLimited(err):
		return trouble{transient, "Kisi answered that there are too many requests (429); trying again"}
	case kisi.IsUnavailable(err):
		return trouble{transient, "Kisi gave no answer; trying again"}
	case kisi.IsNotFound(err):
		return trouble{pending, "Kisi does not find the group or the person (404)"}
	case kisi.IsInvalid(err):
		return trouble{pending, "Kisi refused it (422)"}
	}
	return trouble{transient, "it did not succeed; trying again"}
}

// explain adds the trouble of a person's operations to a verdict that says that they are under way.
func (t trouble) explain(v verdict) verdict {
	if t.text == "" || !v.Reconciling {
		return v
	}
	v.Message += "; " + t.text
	if t.kind == stalling {
		return stalled(v1alpha1.ReasonInsufficientRole, v.Message)
	}
	return v
}

// unreadable says that a question to Kisi could not be answered, which is neither yes nor no.
func unreadable(err error) verdict {
	if troubleOf(err).kind == stalling {
		return stalled(v1alpha1.ReasonInsufficientRole, "the key's owner may not read this in Kisi (403); give the owner a role that may")
	}
	return reconciling(v1alpha1.ReasonConnecting, "Kisi gave no usable answer; trying again")
}

const (
	// retryLookup is how soon a question that Kisi refused is asked again.
	retryLookup = time.Minute
	// retryFailedLookup is how soon a question that got no usable answer is asked again. A Kisi that is down wakes
	// everything when it is back.
	retryFailedLookup = 10 * time.Second
)

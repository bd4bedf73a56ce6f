// Package failure says what an error of Kisi's means: whether to try again, what to wait for, or what a person has to do.
package failure

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/backoff"
	"github.com/kisi-operator/kisi-operator/internal/kisi"
)

// Failure is what an error of Kisi's means for the object that needed the answer. What it says does not differ from one
// attempt to the next, so that a status that says nothing new is not written.
type Failure struct {
	Kind    Kind
	Message string
	// Reason of Ready; empty while what did not work is only under way.
	Reason string
}

// Kind is what becomes of what has failed.
type Kind int

const (
	// Transient: it may work at any moment, and is tried again.
	Transient Kind = iota
	// Pending: something has to appear or change in Kisi first, and is looked for.
	Pending
	// Refused: it works once a person has changed something, and is tried again at growing intervals.
	Refused
)

const (
	firstRetry = 250 * time.Millisecond
	lastRetry  = 5 * time.Minute
)

// RetryAfter is how long to wait after a number of failures before, without jitter, which adds up to a quarter. What may
// have met one bad answer of several is tried again at once, since somebody may stand at the door; threefold each time, so
// that what always fails takes no more of the requests than if it were tried after a second and twofold.
func (k Kind) RetryAfter(failures int) time.Duration {
	switch k {
	case Transient:
		return backoff.After(failures, firstRetry, 3, lastRetry)
	case Refused:
		return backoff.After(failures, 10*time.Second, 2, 3*time.Minute)
	}
	return backoff.After(failures, time.Second, 2, lastRetry)
}

// UserRefusedError is Kisi's refusal to make a user of an address under which it lists nobody.
type UserRefusedError struct{ Cause error }

func (e *UserRefusedError) Error() string {
	return "Kisi refuses to make a user of this address and lists none: " + e.Cause.Error()
}

func (e *UserRefusedError) Unwrap() error { return e.Cause }

// AmbiguousUserError says that Kisi has several users whom an address may mean.
type AmbiguousUserError struct{ IDs []int64 }

func (e *AmbiguousUserError) Error() string {
	return "Kisi has several users of this address: " + UserIDs(e.IDs)
}

// IncompleteListError says that what Kisi listed may lack something, so that nothing is concluded from it.
type IncompleteListError struct{ Doing, Why string }

func (e *IncompleteListError) Error() string { return e.Doing + ": " + e.Why }

// Of sorts every error that a call to Kisi can end with. What Kisi said is in the text, without the texts that
// belong to a person.
func Of(err error, personal ...string) Failure {
	said := answer(err, personal...)
	var ambiguous *AmbiguousUserError
	var incomplete *IncompleteListError
	switch {
	case errors.As(err, &ambiguous):
		slices.Sort(ambiguous.IDs)
		return Failure{Refused, fmt.Sprintf("spec.email: %s have this address in other letters in Kisi, and none is spelled like it; spell it like the one that is meant, or delete the others in Kisi",
			UserIDs(ambiguous.IDs)), v1alpha1.ReasonAmbiguousReference}
	case errors.As(err, &incomplete):
		return Failure{Transient, "a list of Kisi's was incomplete, so nothing is concluded from it; trying again", ""}
	case kisi.IsUnauthorized(err): // the connection says so, and wakes everything when it has a better key
		return Failure{Pending, "Kisi does not accept the API key (401)", ""}
	case kisi.IsLimit(err):
		return Failure{Refused, "Kisi has no room for this person (" + said + "): free a seat or extend the plan in Kisi; trying again", v1alpha1.ReasonKisiLimitReached}
	case kisi.IsForbidden(err):
		return Failure{Refused, "Kisi refused the request (" + said + "): the key's owner may not do this; give the owner a role that may", v1alpha1.ReasonInsufficientRole}
	case kisi.IsRateLimited(err):
		return Failure{Transient, "Kisi answered that there are too many requests (429); trying again", ""}
	case kisi.IsUnavailable(err):
		return Failure{Transient, "Kisi gave no answer; trying again", ""}
	case kisi.IsNotFound(err):
		return Failure{Pending, "Kisi found no such group or user (404)", ""}
	}
	return refusalOf(err, said)
}

// refusalOf sorts what Kisi does not take as it is.
func refusalOf(err error, said string) Failure {
	var user *UserRefusedError
	isUser := errors.As(err, &user)
	const named = "where it is named: in the Member, or in the subscription or booking"
	switch {
	case isUser && kisi.IsConflict(err):
		return Failure{Refused, "Kisi says that it has the e-mail address (" + said + "), and lists no user of it; look for the address in Kisi, or correct the address " + named, v1alpha1.ReasonRefusedByKisi}
	case isUser && onlyField(err, "name"):
		return Failure{Refused, "Kisi refuses the name (" + said + "); correct the name " + named, v1alpha1.ReasonRefusedByKisi}
	case isUser:
		return Failure{Refused, "Kisi refuses the e-mail address (" + said + "); correct the address " + named, v1alpha1.ReasonRefusedByKisi}
	case kisi.IsDuplicate(err):
		return Failure{Pending, "Kisi refused the request (" + said + ")", ""}
	case kisi.IsInvalid(err):
		return Failure{Pending, "Kisi refused the request (" + said + "); trying again", v1alpha1.ReasonRefusedByKisi}
	case said != "":
		return Failure{Transient, "Kisi's answer could not be used (" + said + "); trying again", ""}
	}
	return Failure{Transient, "the request could not be made; trying again", ""}
}

// onlyField reports whether a refusal is about one field alone.
func onlyField(err error, field string) bool {
	fields := kisi.FieldErrors(err)
	return len(fields) == 1 && fields[field] != nil
}

// answer is the status of Kisi's answer, and what it says; empty if none came.
func answer(err error, personal ...string) string {
	var e *kisi.Error
	if !errors.As(err, &e) || e.Status == 0 {
		return ""
	}
	text := strconv.Itoa(e.Status)
	if said := kisi.Said(err, personal...); said != "" {
		text += ", \"" + strings.ReplaceAll(said, `"`, "'") + "\""
	}
	return text
}

// UserIDs names the first few users.
func UserIDs(ids []int64) string {
	const few = 10
	names := make([]string, 0, few)
	for _, id := range ids[:min(few, len(ids))] {
		names = append(names, fmt.Sprintf("user %d", id))
	}
	text := strings.Join(names, ", ")
	if len(ids) > few {
		text += fmt.Sprintf(" and %d more", len(ids)-few)
	}
	return text
}

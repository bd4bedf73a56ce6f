package session

import (
	"context"
	"errors"
	"time"

	"github.com/kisi-operator/kisi-operator/internal/kisi"
)

// confirmation is the latest probe that a call asked for because it did not find something.
type confirmation struct {
	begun time.Time
	err   error
}

type probingKey struct{}

var errNotAsked = errors.New("whether the key may see it could not be asked")

// confirm probes the key for a call that did not find something, and returns nil if the key is accepted. Of several calls
// that wait one probes for all: what counts is that the probe begins after they were answered.
func (s *Session) confirm(ctx context.Context) error {
	if ctx.Value(probingKey{}) != nil {
		return nil // a probe judges its own answers
	}
	answered := time.Now()
	if err := s.confirming.Acquire(ctx, 1); err != nil {
		return errNotAsked
	}
	defer s.confirming.Release(1)
	if s.confirmed.begun.After(answered) {
		return s.confirmed.err
	}
	s.confirmed = confirmation{begun: time.Now()}
	client, _ := s.Client()
	verdict := s.probe(ctx, client)
	if verdict.Outcome == Unreachable && !s.breakerNow().outage() { // one bad answer of several says nothing, and whoever asks is waited for
		verdict = s.probe(ctx, client)
	}
	switch verdict.Outcome {
	case Accepted:
		s.mu.Lock()
		s.probed = s.confirmed.begun
		s.mu.Unlock()
	case Unreachable: // says nothing of the key
		s.confirmed.err = errNotAsked
		return s.confirmed.err
	default:
		s.confirmed.err = errors.New("the key is not accepted any more, or its owner has lost a role")
	}
	if verdict != s.Verdict() {
		s.learn(verdict)
		if verdict.Outcome != Accepted {
			s.askLater(verdict.Outcome)
		}
	}
	return s.confirmed.err
}

// unchanged glances, with one request, at what a probe has found to be bad, and reports whether it still is: at who owns the
// organization, or else at the roles of the key's owner.
func unchanged(ctx context.Context, client *kisi.Client, known Verdict, organization bool) bool {
	ctx = context.WithValue(ctx, probingKey{}, true)
	switch {
	case known.Outcome == Refused:
		_, err := client.CurrentLogin(ctx)
		return kisi.IsUnauthorized(err)
	case known.Outcome != Insufficient:
		return false
	case organization || known.roles == "":
		found, err := client.Organization(ctx)
		return kisi.IsForbidden(err) || err == nil && known.Identity.UserID != 0 && (found.OwnerID == nil || *found.OwnerID != known.Identity.UserID)
	}
	roles, err := rolesOf(ctx, client, known.Identity.UserID)
	switch {
	case kisi.IsForbidden(err):
		return known.roles == rolesHidden
	case err != nil || roles.Incomplete != "":
		return false
	}
	return known.roles == roles.text()
}

// Package implicit makes the Members that stand for people who are only named by address.
package implicit

import (
	"context"
	"errors"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
)

// Ensure makes the Member that stands for a person who is only named by address. The error is a nameTakenError
// where a Member of another address bears its name.
func Ensure(ctx context.Context, c client.Client, namespace string, person entitlement.Invitee) error {
	member := entitlement.ImplicitMember(namespace, person)
	err := c.Create(ctx, member)
	if apierrors.IsAlreadyExists(err) {
		return foreignBearer(ctx, c, client.ObjectKeyFromObject(member), person.Address)
	}
	if apierrors.HasStatusCause(err, "NamespaceTerminating") {
		return nil
	}
	if err != nil {
		return fmt.Errorf("making the implicit Member %s: %w", member.Name, err)
	}
	return nil
}

// TakenAgain is how long it takes until it is noticed that a name is free: nothing that happens to a Member of another
// address is news to whoever waits for the name.
const TakenAgain = 10 * time.Second

// nameTakenError says that the implicit Member of a person cannot be made, since a Member of another address bears its name,
// as one does whose address was edited.
type nameTakenError struct{ name string }

func (e *nameTakenError) Error() string {
	return fmt.Sprintf("Member %q has another address and bears the name that only the operator's Member for this one can have; "+
		"apply it under a name of its own and delete it, or put its address right", e.name)
}

// Again is when to look whether the name is free; zero is never.
func Again(unnamed error) time.Duration {
	if unnamed == nil {
		return 0
	}
	return TakenAgain
}

// IsNameTaken reports whether Ensure failed because a Member of another address bears the name.
func IsNameTaken(err error) bool {
	var taken *nameTakenError
	return errors.As(err, &taken)
}

// foreignBearer is a nameTakenError if the Member of the name is another person's. One that the cache does not show yet wakes
// whom it concerns.
func foreignBearer(ctx context.Context, reader client.Reader, name client.ObjectKey, address entitlement.Address) error {
	member := &v1alpha1.Member{}
	if err := reader.Get(ctx, name, member); err != nil {
		return client.IgnoreNotFound(err)
	}
	if entitlement.Fold(member.Spec.Email) == address {
		return nil
	}
	return &nameTakenError{name.Name}
}

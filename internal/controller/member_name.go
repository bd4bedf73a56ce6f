package controller

import (
	"context"
	"errors"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/access"
	"github.com/kisi-operator/kisi-operator/internal/controller/internal/conditions"
	"github.com/kisi-operator/kisi-operator/internal/controller/internal/conflicts"
)

// nameTakenAgain is how long it takes until it is noticed that a name is free: nothing that happens to a Member of another
// address is news to whoever waits for the name.
const nameTakenAgain = 10 * time.Second

// nameTakenError says that the implicit Member of a person cannot be made, since a Member of another address bears its name,
// as one does whose address was edited.
type nameTakenError struct{ name string }

func (e *nameTakenError) Error() string {
	return fmt.Sprintf("Member %q has another address and bears the name that only the operator's Member for this one can have; "+
		"apply it under a name of its own and delete it, or put its address right", e.name)
}

// nameAgain is when to look whether the name is free; zero is never.
func nameAgain(unnamed error) time.Duration {
	if unnamed == nil {
		return 0
	}
	return nameTakenAgain
}

func isNameTaken(err error) bool {
	var taken *nameTakenError
	return errors.As(err, &taken)
}

// foreignBearer is a nameTakenError if the Member of the name is another person's. One that the cache does not show yet wakes
// whom it concerns.
func foreignBearer(ctx context.Context, reader client.Reader, name client.ObjectKey, address access.Address) error {
	member := &v1alpha1.Member{}
	if err := reader.Get(ctx, name, member); err != nil {
		return client.IgnoreNotFound(err)
	}
	if access.Fold(member.Spec.Email) == address {
		return nil
	}
	return &nameTakenError{name.Name}
}

// moveOn makes the Member that takes over what one that is being deleted leaves.
func (r *MemberReconciler) moveOn(ctx context.Context, p *person) (reconcile.Result, error) {
	err := ensureImplicit(ctx, r.Client, p.member.Namespace, access.Invitee{
		Address: access.Fold(p.member.Spec.Email), Email: p.member.Spec.Email, Name: p.member.Spec.FullName,
	})
	if !isNameTaken(err) {
		return reconcile.Result{}, err
	}
	again := reconcile.Result{RequeueAfter: nameTakenAgain}
	before := p.member.Status.DeepCopy()
	p.member.Status.ObservedGeneration = p.member.Generation
	conditions.Summarize(&p.member.Status.Conditions, p.member.Generation, conditions.Stalled(v1alpha1.ReasonAmbiguousReference, "what this Member has cannot move on: "+err.Error()))
	if equality.Semantic.DeepEqual(before, &p.member.Status) {
		return again, nil
	}
	return again, conflicts.Ignore(r.updateStatus(ctx, p.member), "saying why the Member stays")
}

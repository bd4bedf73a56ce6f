package executor

import (
	"context"

	"k8s.io/utils/ptr"

	"github.com/kisi-operator/kisi-operator/internal/entitlement"
	"github.com/kisi-operator/kisi-operator/internal/kisi"
	"github.com/kisi-operator/kisi-operator/internal/mirror"
	"github.com/kisi-operator/kisi-operator/internal/plan"
)

// createUser makes the person's user where users.create is Always. It needs no intent: a user that was made and not
// written down is found again by its address, and known by its metadata.
func (e *execution) createUser(ctx context.Context) error {
	made, err := e.ensureUser(ctx, e.Snapshot.ConnectionFor(e.Operation.Row).Spec)
	if err != nil {
		return e.failed(err)
	}
	e.recovered()
	return e.record(ctx, func(ledger *plan.Ledger) { ledger.SetAccount(*made) })
}

// rename writes the person's name to a user that this operator created.
func (e *execution) rename(ctx context.Context) error {
	name := entitlement.KisiName(e.Member)
	err := e.kisi.UpdateUser(ctx, int64(e.Operation.Row.UserID), kisi.UserUpdate{Name: ptr.To(string(name))})
	if err != nil {
		return e.failed(err)
	}
	e.wroteUser(e.Operation.Row.UserID, mirror.Changed)
	return e.record(ctx, func(ledger *plan.Ledger) {
		if account := ledger.Account(e.Operation.Row.OrganizationID); account != nil {
			account.FullName = name
		}
	})
}

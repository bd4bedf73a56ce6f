package member

import (
	"context"
	"fmt"
	"slices"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/controller/internal/conflicts"
	"github.com/kisi-operator/kisi-operator/internal/loginsecret"
	"github.com/kisi-operator/kisi-operator/internal/plan"
)

// planLogins adds to the plan what is to do about the person's logins.
func (r *Reconciler) planLogins(ctx context.Context, p *person) error {
	p.loginTerms, p.storedLogins = p.snapshot.LoginTerms(p.plan.Ledger), map[v1alpha1.MemberLogin]bool{}
	if len(p.loginTerms) == 0 && len(p.plan.Ledger.Logins) == 0 {
		return nil
	}
	for _, login := range p.plan.Ledger.Logins {
		stored, err := r.Executor.Secrets.Has(ctx, p.member, login)
		if err != nil {
			return err
		}
		p.storedLogins[login] = stored
		if p.snapshot.Opening[login.OrganizationID] {
			p.opening = true
		}
	}
	leaving := !p.member.DeletionTimestamp.IsZero()
	if stands := p.primary != nil && p.primary.UID == p.member.UID; !stands && (!leaving || p.primary != nil) {
		return nil
	}
	operations := plan.Logins(p.plan.Ledger, p.input.Now, p.snapshot.Connections, p.loginTerms, func(login v1alpha1.MemberLogin) bool {
		return p.storedLogins[login]
	})
	for _, operation := range operations {
		if operation.Kind != plan.CreateLogin || !leaving {
			p.plan.Operations = append(p.plan.Operations, operation)
		}
	}
	return nil
}

// renameLogins moves logins, as they are, to the Secrets that they belong into: when another Member has come to stand for
// the address, or a connection has another name. Nothing is asked of Kisi, and an app finds the same login under the new
// name. It returns those moved, as they were recorded before. What cannot be moved is made anew.
func (r *Reconciler) renameLogins(ctx context.Context, p *person, ledger *plan.Ledger) []v1alpha1.MemberLogin {
	var moved []v1alpha1.MemberLogin
	terms := p.snapshot.LoginTerms(*ledger)
	for i := range ledger.Logins {
		login := &ledger.Logins[i]
		connection := terms[login.OrganizationID].Connection
		name := loginsecret.Name(p.member.Name, connection)
		if login.LoginID == 0 || connection == "" || login.SecretName == name {
			continue
		}
		before := *login
		after := before
		after.Connection, after.SecretName = connection, name
		if err := r.copyLogin(ctx, p, before, after); err != nil {
			log.FromContext(ctx).WithName("member").V(1).Info("A login cannot move to another Secret and is made anew", "member", client.ObjectKeyFromObject(p.member),
				"connection", connection, "from", before.SecretName, "to", name, "error", err.Error())
			continue
		}
		*login = after
		moved = append(moved, before)
	}
	return moved
}

// copyLogin copies a login into another Secret of the Member's.
func (r *Reconciler) copyLogin(ctx context.Context, p *person, from, to v1alpha1.MemberLogin) error {
	source, err := r.Executor.Secrets.Read(ctx, p.member, from.SecretName)
	if err != nil {
		return fmt.Errorf("reading Secret %s: %w", from.SecretName, err)
	}
	holders := append([]*v1alpha1.Member{p.member}, p.others...)
	if !slices.ContainsFunc(holders, func(holder *v1alpha1.Member) bool { return loginsecret.LoginIn(source, holder) == from.LoginID }) {
		return fmt.Errorf("Secret %s does not hold login %d of this person", from.SecretName, from.LoginID)
	}
	err = r.Executor.Secrets.Create(ctx, p.member, to, source.Data)
	if apierrors.IsAlreadyExists(err) {
		if stored, lookErr := r.Executor.Secrets.HasNow(ctx, p.member, to); lookErr == nil && stored {
			err = nil // copied before, and not written down
		}
	}
	if err == nil {
		r.Executor.Secrets.Await(ctx, p.member, to)
	}
	return err
}

// dropMoved deletes the Secrets from which logins have moved.
func (r *Reconciler) dropMoved(ctx context.Context, p *person, moved []v1alpha1.MemberLogin) {
	for _, login := range moved {
		for _, holder := range append([]*v1alpha1.Member{p.member}, p.others...) {
			if err := r.Executor.Secrets.Delete(ctx, holder, login); err != nil {
				log.FromContext(ctx).WithName("member").V(1).Info("A Secret from which a login has moved stays",
					"member", client.ObjectKeyFromObject(holder), "secretName", login.SecretName, "error", err.Error())
			}
		}
	}
}

// settleLoginNames moves the Member's logins to their Secrets, and reports whether it has written anything.
func (r *Reconciler) settleLoginNames(ctx context.Context, p *person) (bool, error) {
	ledger := plan.LedgerOf(p.member)
	moved := r.renameLogins(ctx, p, &ledger)
	if len(moved) == 0 {
		return false, nil
	}
	if err := r.replan(ctx, p, ledger, p.input.Now); err != nil {
		return false, err
	}
	if err := r.write(ctx, p); err != nil {
		return true, conflicts.Ignore(err, "moving a login")
	}
	r.dropMoved(ctx, p, moved)
	return true, nil
}

// loginsHeld reports whether a login of a Member that is being deleted cannot be taken back now.
func (p *person) loginsHeld() bool {
	return slices.ContainsFunc(p.plan.Ledger.Logins, func(login v1alpha1.MemberLogin) bool {
		return !plan.Revocable(v1alpha1.MemberGrant{OrganizationID: login.OrganizationID}, p.snapshot.Connections)
	})
}

// loginsWithFinalizer drops the logins that hold no finalizer, as held does for rows.
func (p *person) loginsWithFinalizer(ledger plan.Ledger) []v1alpha1.MemberLogin {
	return slices.DeleteFunc(slices.Clone(ledger.Logins), func(login v1alpha1.MemberLogin) bool {
		return len(p.held(plan.Ledger{Grants: []v1alpha1.MemberGrant{{OrganizationID: login.OrganizationID}}})) == 0
	})
}

package member

import (
	"context"
	"fmt"
	"hash/maphash"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/semaphore"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/controller/internal/conflicts"
	"github.com/kisi-operator/kisi-operator/internal/controller/internal/finalizers"
	"github.com/kisi-operator/kisi-operator/internal/controller/report"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
	"github.com/kisi-operator/kisi-operator/internal/plan"
)

// turns lets the Members of one address be looked at one after the other: two at once could each release a row to the
// other one. Whoever has a turn writes, so it is waited for no longer than the context lasts. Several people share one.
type turns struct {
	once   sync.Once
	seed   maphash.Seed
	people [64]*semaphore.Weighted
}

// take waits for the person's turn, and returns what ends it.
func (t *turns) take(ctx context.Context, person string) (end func(), err error) {
	t.once.Do(func() {
		t.seed = maphash.MakeSeed()
		for i := range t.people {
			t.people[i] = semaphore.NewWeighted(1)
		}
	})
	turn := t.people[maphash.String(t.seed, person)%uint64(len(t.people))]
	if err := turn.Acquire(ctx, 1); err != nil {
		return nil, fmt.Errorf("waiting for other Members of the address: %w", err)
	}
	return func() { turn.Release(1) }, nil
}

// releaseTo takes out of the giver's ledger what the receiver's has by now. What the cache says of the receiver is not
// enough: one that has been deleted since has let its rows go, and the giver's copy is the last.
func (r *Reconciler) releaseTo(ctx context.Context, giver *plan.Ledger, receiver *v1alpha1.Member) error {
	cached := plan.Ledger{Accounts: giver.Accounts, Logins: giver.Logins, Grants: giver.Grants}
	address := entitlement.Fold(receiver.Spec.Email)
	if !plan.Release(&cached, plan.LedgerOf(receiver), address) {
		return nil
	}
	live := &v1alpha1.Member{}
	err := r.APIReader.Get(ctx, client.ObjectKeyFromObject(receiver), live)
	if apierrors.IsNotFound(err) || err == nil && live.UID != receiver.UID {
		return nil // its event is on the way
	}
	if err != nil {
		return fmt.Errorf("reading the Member that a row goes to: %w", err)
	}
	plan.Release(giver, plan.LedgerOf(live), address)
	return nil
}

// reportHandOver says, once, that the Member stands for its address from now on, and who did before.
func (r *Reconciler) reportHandOver(receiver *v1alpha1.Member, rows int, givers []string) {
	slices.Sort(givers)
	report.Say(r.Recorder, receiver, report.TookOver, "HandOver", fmt.Sprintf(
		"this Member stands for its address now: %d role assignment(s) moved here from Member %s, as they are in Kisi", rows, strings.Join(givers, ", ")))
}

// takeOver moves to the one who stands what other Members of the address hold. It reports whether anything was written.
func (r *Reconciler) takeOver(ctx context.Context, p *person) (bool, error) {
	ledger := plan.LedgerOf(p.member)
	var givers []string
	for _, other := range p.others {
		// What nobody wants comes along too, and is taken back here: two Members who each see half of the rows could wait
		// for one another.
		if plan.Take(&ledger, plan.LedgerOf(other), entitlement.Fold(p.member.Spec.Email)) {
			givers = append(givers, other.Name)
		}
	}
	p.keepNames(ledger)
	formers, err := r.takeFormer(ctx, p, &ledger)
	if givers = append(givers, formers...); len(givers) == 0 || err != nil {
		return false, err
	}
	rows := len(ledger.Grants) - len(p.member.Status.Grants)
	moved := r.renameLogins(ctx, p, &ledger) // while the giver is there, and with it its Secret
	if err := finalizers.Add(ctx, r.Client, p.member); err != nil {
		return true, conflicts.Ignore(err, "preparing the Member")
	}
	if err := r.weigh(ctx, p, ledger); err != nil {
		return false, err
	}
	if err := r.write(ctx, p); err != nil {
		return true, conflicts.Ignore(err, "taking over")
	}
	r.reportHandOver(p.member, rows, givers)
	r.dropMoved(ctx, p, moved)
	return true, nil
}

// keepNames takes the name of an account that has just come for this Member's: a hand-over asks nothing of Kisi, and a
// name is written when it changes.
func (p *person) keepNames(ledger plan.Ledger) {
	own := plan.LedgerOf(p.member)
	for i := range ledger.Accounts {
		if account := &ledger.Accounts[i]; own.Account(account.OrganizationID) == nil && account.FullName != "" {
			account.FullName = entitlement.KisiName(p.member)
		}
	}
}

// owed reports whether another Member of the address still has rows to hand over.
func owed(p *person) bool {
	for _, other := range p.others {
		if len(other.Status.Grants)+len(other.Status.Logins) > 0 {
			return true
		}
	}
	return false
}

// heldElsewhere reports whether another Member of the address has the operation's row too, and has yet to release it.
func (p *person) heldElsewhere(operation plan.Operation) bool {
	ledgers := make([]plan.Ledger, 0, len(p.others)+len(p.formers))
	for _, other := range slices.Concat(p.others, p.formers) {
		ledgers = append(ledgers, plan.LedgerOf(other))
	}
	return plan.HeldElsewhere(operation, ledgers...)
}

package member

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/utils/keymutex"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
	"github.com/kisi-operator/kisi-operator/internal/plan"
)

// turns lets the Members of one address be looked at one after the other: two at once could each release a row to the
// other one.
type turns struct {
	once   sync.Once
	people keymutex.KeyMutex
}

// take waits for the person's turn, and returns what ends it.
func (t *turns) take(person string) (end func()) {
	t.once.Do(func() { t.people = keymutex.NewHashed(64) })
	t.people.LockKey(person)
	return func() { _ = t.people.UnlockKey(person) } // a hashed one never fails
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
	err := r.Live.Get(ctx, client.ObjectKeyFromObject(receiver), live)
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
	if r.Recorder != nil {
		slices.Sort(givers)
		r.Recorder.Eventf(receiver, nil, corev1.EventTypeNormal, "TookOver", "HandOver",
			"this Member stands for its address now: %d role assignment(s) moved here from Member %s, as they are in Kisi", rows, strings.Join(givers, ", "))
	}
}

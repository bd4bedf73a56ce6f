package limit

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/util/retry"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/controller/internal/conflicts"
	"github.com/kisi-operator/kisi-operator/internal/plan"
	"github.com/kisi-operator/kisi-operator/internal/tenant"
)

// Allowances keep the accounts of the revocation limit, which stand in the status of the KisiGroups. What a revocation
// costs is written down there before it is made, so that neither a crash nor another process gives a new allowance.
type Allowances struct {
	client.Client
	// APIReader reads past the cache.
	APIReader client.Reader

	mu     sync.Mutex
	groups map[client.ObjectKey]*allowance
}

// allowance is the account of one group. Everybody who spends from it waits for the one before, so that many Members at
// once do not fight over its resourceVersion.
type allowance struct {
	// turn is had by whoever has the account open. It is waited for while somebody writes, so not longer than the context lasts.
	turn *semaphore.Weighted
	// paid says when rows, as tenant.AssignmentIndex has them, were paid for that are not written down as Revoking yet: a
	// Member that has changed meanwhile asks again.
	paid map[string]time.Time
	// users are those who have the account open, or wait for it. It is guarded by the Allowances.
	users int
}

// open returns the account of a group, for the caller alone until it is closed again.
func (a *Allowances) open(ctx context.Context, group client.ObjectKey) (account *allowance, closeIt func(), err error) {
	a.mu.Lock()
	if a.groups == nil {
		a.groups = map[client.ObjectKey]*allowance{}
	}
	account = a.groups[group]
	if account == nil {
		account = &allowance{turn: semaphore.NewWeighted(1), paid: map[string]time.Time{}}
		a.groups[group] = account
	}
	account.users++
	a.mu.Unlock()
	leave := func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		if account.users--; account.users == 0 && len(account.paid) == 0 {
			delete(a.groups, group) // nothing is to be remembered
		}
	}
	if err := account.turn.Acquire(ctx, 1); err != nil {
		leave()
		return nil, nil, fmt.Errorf("waiting for others who count against the revocation limit of KisiGroup %s: %w", group.Name, err)
	}
	return account, func() {
		account.turn.Release(1)
		leave()
	}, nil
}

// Forget drops what was paid for rows of a group that is gone.
func (a *Allowances) Forget(group client.ObjectKey) {
	a.change(group, func(paid map[string]time.Time) { clear(paid) })
}

// change changes what was paid, however long that is waited for.
func (a *Allowances) change(group client.ObjectKey, do func(paid map[string]time.Time)) {
	account, closeIt, err := a.open(context.Background(), group)
	if err != nil {
		return // which a context that never ends rules out
	}
	defer closeIt()
	do(account.paid)
}

// Spend asks for the revocation of rows of one group, and returns those that the limit allows, paid for. A group that
// does not exist has nobody to count, so nothing is allowed there.
func (a *Allowances) Spend(ctx context.Context, name client.ObjectKey, rows []v1alpha1.MemberGrant, limit plan.Limit) (allowed []v1alpha1.MemberGrant, err error) {
	account, closeIt, err := a.open(ctx, name)
	if err != nil {
		return nil, err
	}
	defer closeIt()
	now := time.Now()
	maps.DeleteFunc(account.paid, func(_ string, at time.Time) bool { return now.Sub(at) >= limit.Window })
	var unpaid []v1alpha1.MemberGrant
	for _, row := range rows {
		if _, known := account.paid[tenant.AssignmentIndex(row.OrganizationID, row.RoleAssignmentID)]; known {
			allowed = append(allowed, row)
		} else {
			unpaid = append(unpaid, row)
		}
	}
	n, err := a.pay(ctx, name, limit, int32(len(unpaid)), now) // #nosec G115 -- bounded by the ledger
	if err != nil {
		return nil, err
	}
	for _, row := range unpaid[:n] {
		account.paid[tenant.AssignmentIndex(row.OrganizationID, row.RoleAssignmentID)] = now
	}
	return append(allowed, unpaid[:n]...), nil
}

// pay writes down up to n more revocations of the group, and returns how many the limit allows.
func (a *Allowances) pay(ctx context.Context, name client.ObjectKey, limit plan.Limit, n int32, now time.Time) (allowed int32, err error) {
	if n == 0 {
		return 0, nil
	}
	reader := client.Reader(a.Client) // the cache knows what this process wrote
	err = retry.RetryOnConflict(conflicts.Backoff, func() error {
		group := &v1alpha1.KisiGroup{}
		if err := reader.Get(ctx, name, group); err != nil {
			return err
		}
		reader = a.APIReader
		before := group.DeepCopy()
		var err error
		group.Status.Revocations, allowed, err = limit.Spend(group.Status.Revocations, now, n, func() (int32, error) {
			return a.base(ctx, name, now)
		})
		if allowed == 0 || err != nil {
			return err
		}
		return a.Status().Patch(ctx, group, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{}))
	})
	if apierrors.IsNotFound(err) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("writing down what the revocation limit of KisiGroup %s allows: %w", name.Name, err)
	}
	return allowed, nil
}

// base counts the rows that the group has in all ledgers, also in those of Members that are being deleted.
func (a *Allowances) base(ctx context.Context, name client.ObjectKey, now time.Time) (int32, error) {
	var members v1alpha1.MemberList
	if err := tenant.In(ctx, a.Client, name.Namespace).List(&members, tenant.ByLedgerGroup, name.Name); err != nil {
		return 0, err
	}
	counted := sets.New[v1alpha1.KisiID]() // in two ledgers while a row moves
	for i := range members.Items {
		for _, row := range members.Items[i].Status.Grants {
			if string(row.Group) == name.Name && plan.CountsTowardsBase(row, now) {
				counted.Insert(row.RoleAssignmentID)
			}
		}
	}
	return int32(len(counted)), nil // #nosec G115 -- bounded by the Members of one namespace
}

// Settle forgets what was paid for rows that are written down as Revoking by now.
func (a *Allowances) Settle(name client.ObjectKey, rows []v1alpha1.MemberGrant) {
	a.change(name, func(paid map[string]time.Time) {
		for _, row := range rows {
			delete(paid, tenant.AssignmentIndex(row.OrganizationID, row.RoleAssignmentID))
		}
	})
}

// Of is the revocation limit of a connection; the defaults are those of the schema.
func Of(connection *v1alpha1.KisiConnection) plan.Limit {
	spec := connection.Spec.RevocationLimit
	return plan.Limit{
		Percent: ptr.Deref(spec.Percent, 25),
		Minimum: ptr.Deref(spec.Minimum, 10),
		Window:  ptr.Deref(spec.Window, metav1.Duration{Duration: time.Hour}).Duration,
	}
}

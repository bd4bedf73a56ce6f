package member

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/controller/internal/conditions"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
	"github.com/kisi-operator/kisi-operator/internal/plan"
	"github.com/kisi-operator/kisi-operator/internal/tenant"
)

// doubted names the organizations in which the person's user has to be read before anything is granted.
func (r *Reconciler) doubted(p *person, ledger plan.Ledger) map[v1alpha1.KisiID]bool {
	doubted := map[v1alpha1.KisiID]bool{}
	if r.users.heed(p.member, ledger.Accounts) {
		r.Executor.Backoffs.RetryNow(p.who)
	}
	for _, account := range ledger.Accounts {
		s := p.snapshot.SessionFor(v1alpha1.MemberGrant{Connection: account.Connection, OrganizationID: account.OrganizationID})
		if s == nil || !ledger.Counts(account) {
			continue
		}
		if s.Mirror().Doubted(int64(account.UserID)) || r.users.due(p.member, account, p.snapshot.ResyncInterval(account.OrganizationID), p.input.Now) {
			doubted[account.OrganizationID] = true
		}
	}
	return doubted
}

// userLooks remembers when a user whom an admin keeps out was last looked at, and who asked for a fresh look. It is kept in
// memory only: a restart, which may have missed that the admin let the person in again, looks at once.
type userLooks struct {
	mu          sync.Mutex
	looks       map[string]time.Time            // by person and organization
	asked       map[string]bool                 // by person and organization
	reconcileAt map[types.NamespacedName]string // of Members
}

func lookKey(member *v1alpha1.Member, account v1alpha1.MemberAccount) string {
	return tenant.PersonOf(member) + "/" + tenant.IDText(account.OrganizationID)
}

// heed takes note of the Member's reconcile-at, and reports whether it has a new value, which asks for a look at all of the
// person's users.
func (u *userLooks) heed(member *v1alpha1.Member, accounts []v1alpha1.MemberAccount) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.reconcileAt == nil {
		u.looks, u.asked, u.reconcileAt = map[string]time.Time{}, map[string]bool{}, map[types.NamespacedName]string{}
	}
	name, value := client.ObjectKeyFromObject(member), member.Annotations[v1alpha1.ReconcileAtAnnotation]
	before, known := u.reconcileAt[name]
	u.reconcileAt[name] = value
	if !known || before == value {
		return false
	}
	for _, account := range accounts {
		u.asked[lookKey(member, account)] = true
	}
	return true
}

// forgetMember drops what is remembered of a Member that is gone.
func (u *userLooks) forgetMember(name types.NamespacedName) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.reconcileAt, name)
}

// forgetPerson drops what is remembered of the users of a person.
func (u *userLooks) forgetPerson(person string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	ofPerson := func(key string) bool { return strings.HasPrefix(key, person+"/") }
	maps.DeleteFunc(u.looks, func(key string, _ time.Time) bool { return ofPerson(key) })
	maps.DeleteFunc(u.asked, func(key string, _ bool) bool { return ofPerson(key) })
}

func (u *userLooks) looked(member *v1alpha1.Member, account v1alpha1.MemberAccount) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.looks[lookKey(member, account)] = time.Now()
	delete(u.asked, lookKey(member, account))
}

// due reports whether the user is to be looked at by now, because that was asked for, or because an admin keeps the person
// out and may have changed that.
func (u *userLooks) due(member *v1alpha1.Member, account v1alpha1.MemberAccount, every time.Duration, now time.Time) bool {
	if plan.Withholds(account) && !u.at(member, account, every).After(now) {
		return true
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.asked[lookKey(member, account)]
}

// at says when a user whom an admin keeps out is to be looked at; zero: now.
func (u *userLooks) at(member *v1alpha1.Member, account v1alpha1.MemberAccount, every time.Duration) time.Time {
	u.mu.Lock()
	defer u.mu.Unlock()
	look, known := u.looks[lookKey(member, account)]
	if !known {
		return time.Time{}
	}
	return look.Add(every)
}

// next says when one of the person's users whom an admin keeps out is to be looked at again; zero: never. What is known of
// others is forgotten.
func (u *userLooks) next(p *person) time.Time {
	var next time.Time
	for _, account := range p.member.Status.Accounts { // as recorded: what is planned may yet come to nothing
		if plan.Withholds(account) {
			next = entitlement.Sooner(next, u.at(p.member, account, p.snapshot.ResyncInterval(account.OrganizationID)))
			continue
		}
		u.mu.Lock()
		delete(u.looks, lookKey(p.member, account))
		u.mu.Unlock()
	}
	return next
}

// longestReinstate is what the schema takes of a value of reinstate.
const longestReinstate = 64

// reinstateValue is what the status remembers of the annotation's value: the value, or a digest of a long one.
func reinstateValue(member *v1alpha1.Member) string {
	value := member.Annotations[v1alpha1.ReinstateAnnotation]
	if len(value) <= longestReinstate {
		return strings.ToValidUTF8(value, "")
	}
	digest := sha256.Sum256([]byte(value))
	return hex.EncodeToString(digest[:longestReinstate/2])
}

// reinstates reports whether the annotation has a value that was not acted on.
func reinstates(member *v1alpha1.Member) bool {
	value := reinstateValue(member)
	return value != "" && value != member.Status.Reinstated
}

// describeAddress says whether Kisi knows the person by the Member's address, as far as that has been looked at.
func describeAddress(current *[]metav1.Condition, generation int64, accounts []v1alpha1.MemberAccount) {
	var differs []string
	known := false
	for _, account := range accounts {
		known = known || account.EmailMatches != ""
		if account.EmailMatches == v1alpha1.AddressDiffers {
			differs = append(differs, fmt.Sprintf("user %d of organization %d", account.UserID, account.OrganizationID))
		}
	}
	switch {
	case len(differs) > 0:
		slices.Sort(differs)
		conditions.Set(current, generation, v1alpha1.ConditionEmailMatches, metav1.ConditionFalse, v1alpha1.ReasonEmailChangedInKisi,
			strings.Join(differs, ", ")+" now has another address in Kisi and still gets this person's access; if the user is another person, change spec.email")
	case known:
		conditions.Set(current, generation, v1alpha1.ConditionEmailMatches, metav1.ConditionTrue, v1alpha1.ReasonEmailMatches, "Kisi knows the person by spec.email")
	default:
		meta.RemoveStatusCondition(current, v1alpha1.ConditionEmailMatches)
	}
}

// remembers reports whether the implicit Member has to stay for what its accounts say though nobody names the person.
func (p *person) remembers(ledger plan.Ledger) bool {
	return slices.ContainsFunc(ledger.Accounts, func(account v1alpha1.MemberAccount) bool {
		// That a user whom Kisi had anyway is suspended there is found again whenever somebody looks.
		known := entitlement.IsImported(p.member) && account.Access == v1alpha1.AccountSuspendedInKisi && account.Origin == v1alpha1.AccountFound
		return plan.Remembered(account, p.snapshot.Connections, !known)
	})
}

// bequeaths reports whether a Member that is being deleted has accounts that must move on to whoever stands for the
// address then. An admin's decision about a person whom nothing asks for any more does not have to.
func (p *person) bequeaths(ledger plan.Ledger) bool {
	if entitlement.IsImplicit(p.member) || p.namespaceGoing || tenant.Abandons(p.member) {
		return false
	}
	return slices.ContainsFunc(ledger.Accounts, func(account v1alpha1.MemberAccount) bool {
		return plan.Remembered(account, p.snapshot.Connections, false)
	})
}

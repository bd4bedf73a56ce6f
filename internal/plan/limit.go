package plan

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
)

// Limit bounds how many rows of one group may be revoked because something disappeared.
type Limit struct {
	// Percent of the rows that the group had when the window opened.
	Percent int32
	// Minimum that may go whatever the percentage comes to, but no more than half of a small group.
	Minimum int32
	// Window over which revocations are counted, from the first one on.
	Window time.Duration
}

// smallest is how many rows Limit.Minimum may let go of any group, however small.
const smallest = 2

// allowance is how many rows may go within one window. The minimum would leave a group of that size without a brake, so
// it counts only up to half of the group.
func (l Limit) allowance(base int32) int32 {
	percentage := int32(int64(l.Percent) * int64(base) / 100) // #nosec G115 -- at most base
	return max(min(l.Minimum, max(smallest, base-base/2)), percentage)
}

// Spend says how many of the next n counted revocations of a group the limit allows, and what has to be written down
// before any of them is made. A window opens with its first revocation; base counts the rows that the group has at that
// moment, and is asked only then. Where nothing is allowed, nothing is to be written.
func (l Limit) Spend(account *v1alpha1.RevocationAccount, now time.Time, n int32, base func() (int32, error)) (*v1alpha1.RevocationAccount, int32, error) {
	current := v1alpha1.RevocationAccount{WindowStart: metav1.Time{Time: now.UTC().Truncate(time.Second)}}
	if l.running(account, now) {
		current = *account
	} else {
		counted, err := base()
		if err != nil {
			return account, 0, err
		}
		current.Base = counted
	}
	allowed := min(n, max(0, l.allowance(current.Base)-current.Spent))
	if allowed == 0 {
		return account, 0, nil
	}
	current.Spent += allowed
	return &current, allowed, nil
}

// running reports whether the account's window is still open. A start in the future is a clock that was wrong, and no
// reason for a new allowance.
func (l Limit) running(account *v1alpha1.RevocationAccount, now time.Time) bool {
	return account != nil && now.Before(account.WindowStart.Add(l.Window))
}

// CountsTowardsBase reports whether the row is one that its group has, so that the percentage is taken of it.
func CountsTowardsBase(row v1alpha1.MemberGrant, now time.Time) bool {
	return InKisi(row) && row.State != v1alpha1.GrantRetained && !RowWindow(row).Ended(now)
}

// counted reports whether the revocation limit counts taking the row back, unless the row has been moved, which is found out
// later. It does not count what is taken back by its own word, nor a row of the person in whose place another serves in the
// same group.
func (p *planner) counted(connection Connection, row *ledgerRow) bool {
	if connection.Unlimited || p.Targets[row.Group].Unlimited || p.Entitlements.Inactive {
		return false
	}
	for _, w := range p.wanted[PairOf(row.MemberGrant)] {
		if (w.secured() || p.due(connection, w)) && w.Overlaps(row.window) {
			return false
		}
	}
	return !p.byOwnWord(row)
}

// byOwnWord reports whether every source of the row is still there, and only what they say of themselves, their state and
// their dates, has taken the row's window away.
func (p *planner) byOwnWord(row *ledgerRow) bool {
	lost, known := p.lostSources(row)
	return known && len(lost) == 0 && !p.givenElsewhere(row)
}

// lostSources returns the sources of the row that do not take it back by their own word: they neither name the person for
// the group, nor say that they give nothing at all. It is not known if the row names no source, or one that it does not list
// may have gone.
func (p *planner) lostSources(row *ledgerRow) (lost []string, known bool) {
	unlisted := len(p.Entitlements.Naming[row.Group])
	for _, source := range row.Sources {
		switch {
		case p.Entitlements.Naming.Names(source, row.Group):
			unlisted--
		case !p.Entitlements.Closed[source]:
			lost = append(lost, source)
		}
	}
	return lost, row.SourceCount > 0 && int(row.SourceCount)-len(row.Sources) <= unlisted
}

// givenElsewhere reports whether the row's window is still given in its KisiGroup, which does not stand for the row's
// Kisi group any more: then the group has disappeared.
func (p *planner) givenElsewhere(row *ledgerRow) bool {
	target := p.Targets[row.Group]
	if target.State == TargetBound && (Pair{target.OrganizationID, target.KisiGroupID}) == PairOf(row.MemberGrant) {
		return false
	}
	for _, e := range p.Entitlements.Groups {
		for _, w := range e.Windows {
			if e.Group == row.Group && w.Overlaps(row.window) {
				return true
			}
		}
	}
	return false
}

// limited deals with a row that the limit counts. Only one that is written down as Revoking is taken back: it has been
// allowed, and what it has cost is written down too.
func (p *planner) limited(connection Connection, row *ledgerRow) (decided bool) {
	revocation := Operation{Kind: Revoke, Row: row.MemberGrant}
	allowed := p.allowed(connection, revocation)
	if row.moved && p.waitsForDecision(row) {
		p.keep(row.MemberGrant, false)
		return true
	}
	if row.State == v1alpha1.GrantRevoking || row.moved || !p.counted(connection, row) || !allowed && row.State != v1alpha1.GrantHeld {
		return false
	}
	if row.State != v1alpha1.GrantHeld {
		row.State = openState(row.window, p.Now)
	}
	p.keep(row.MemberGrant, row.State == v1alpha1.GrantHeld || row.successor != nil)
	switch {
	case !allowed:
		p.do(connection, revocation)
	case row.successor != nil: // it goes, uncounted, when its successor is in Kisi
	case row.State == v1alpha1.GrantHeld:
		p.plan.Held = append(p.plan.Held, row.MemberGrant)
		p.announce(revocation)
	default:
		p.plan.Counted = append(p.plan.Counted, row.MemberGrant)
	}
	return true
}

// Decide writes down whether a row that the limit counts may be taken back, or is held.
func (l *Ledger) Decide(row v1alpha1.MemberGrant, allowed bool) {
	if InKisi(row) && l.find(row, identical) < 0 {
		l.Grants = append(l.Grants, row) // adopted by the plan that asks
	}
	if allowed {
		l.Leaving(row)
	} else if i := l.find(row, identical); i >= 0 {
		l.Grants[i].State = v1alpha1.GrantHeld
	}
}

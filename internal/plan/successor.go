package plan

import (
	"cmp"
	"slices"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
)

// successor is a window in one group that takes the place of a row in another: the new one is let in first, then the old
// row goes, and the revocation limit does not count it.
type successor struct {
	organization v1alpha1.KisiID
	entitlement.Sourced
	// grant is the row of the window, as it is asked for; its state is Pending only once it has been.
	grant v1alpha1.MemberGrant
	// coming names the KisiGroup if it is only about to be bound.
	coming v1alpha1.ObjectName
	taken  bool
}

// Replacement is a row whose successor has been asked for.
type Replacement struct {
	Old, New v1alpha1.MemberGrant
	// adopted says that the ledger of the plan does not have the old row yet.
	adopted bool
}

// pairSuccessors finds for each row that nobody wants any more, and that the limit would count, a window of the same
// person in the same organization that is about to be granted; each window serves for one row. A window that one of the
// row's own sources gives goes first, as when the groups of a plan are edited; what has moved needs no other. A row that is
// held is replaced by nothing else: it has disappeared in an earlier step, and what is granted now is no reason to forget
// that.
func (p *planner) pairSuccessors() {
	open := p.openWindows()
	p.pairWith(open, func(s *successor, row *ledgerRow) bool { return share(s.Sources, row.Sources) })
	p.pairMoves()
	p.pairWith(open, func(_ *successor, row *ledgerRow) bool { return row.State != v1alpha1.GrantHeld && !row.moved })
}

// pairWith pairs the rows with those of the windows that fit.
func (p *planner) pairWith(open []*successor, fits func(*successor, *ledgerRow) bool) {
	if len(open) == 0 {
		return
	}
	for _, row := range p.rows {
		if row.successor != nil || !p.replaceable(row) {
			continue
		}
		i := slices.IndexFunc(open, func(s *successor) bool {
			return !s.taken && s.organization == row.OrganizationID && s.Overlaps(row.window) && fits(s, row)
		})
		if i < 0 {
			continue
		}
		row.successor, open[i].taken = open[i], true
		if open[i].grant.State == v1alpha1.GrantPending {
			p.plan.replacements = append(p.plan.replacements, Replacement{Old: row.MemberGrant, New: open[i].grant, adopted: row.adopted})
		}
	}
}

// replaceable reports whether the row would be taken back, and counted.
func (p *planner) replaceable(row *ledgerRow) bool {
	connection, connected := p.Connections[row.OrganizationID]
	return connected && connection.Ready && p.allowed(connection, Operation{Kind: Revoke}) && !row.fixed && row.match == nil &&
		InKisi(row.MemberGrant) && !inDoubt(row.MemberGrant) && !row.promoted && !row.window.Ended(p.Now) && p.counted(connection, row)
}

// openWindows lists the windows that are due and not in Kisi yet. One that Kisi has refused is none: its answer is there,
// and a row must not wait for it for ever.
func (p *planner) openWindows() []*successor {
	var open []*successor
	for key, windows := range p.wanted {
		connection, connected := p.Connections[key.OrganizationID]
		if !connected || !connection.Ready || !p.grantable(key.OrganizationID) {
			continue
		}
		for _, w := range windows {
			if w.secured() || p.changesInPlace(w) || w.row != nil && !w.inDoubt() && !w.queued() || !p.due(connection, w) || p.succeedsAtHome(key, w) {
				continue
			}
			s := &successor{organization: key.OrganizationID, Sourced: w.Sourced, grant: p.newRow(connection, key, w)}
			if s.grant.State = ""; w.inDoubt() {
				s.grant = w.row.MemberGrant
				s.grant.State = v1alpha1.GrantPending
			} else if p.refused(connection, key, w) {
				continue
			}
			open = append(open, s)
		}
	}
	for _, s := range p.comingGroups() {
		if connection := p.Connections[s.organization]; p.due(connection, &wanted{Sourced: s.Sourced}) {
			open = append(open, s)
		} else {
			p.lookAgainAt(s.From.Add(-connection.GrantAhead))
		}
	}
	slices.SortStableFunc(open, func(a, b *successor) int {
		return cmp.Or(cmp.Compare(a.grant.KisiGroupID, b.grant.KisiGroupID), cmp.Compare(a.grant.Group, b.grant.Group), a.From.Compare(b.From))
	})
	return open
}

// changesInPlace reports whether the window comes by a change of a row that Kisi has, or may be changing in this moment: no new
// row comes, so it takes the place of nothing in another group.
func (p *planner) changesInPlace(w *wanted) bool {
	return w.replacement != nil && w.replacement.changed != nil || w.row != nil && w.row.ChangingTo != nil
}

// succeedsAtHome reports whether the window takes the place of a row of its own group, and so of no other.
func (p *planner) succeedsAtHome(key Pair, w *wanted) bool {
	return slices.ContainsFunc(p.rows, func(row *ledgerRow) bool {
		return PairOf(row.MemberGrant) == key && InKisi(row.MemberGrant) && row.match == nil && !row.window.Ended(p.Now) && row.window.Overlaps(w.Window)
	})
}

// refused reports whether Kisi has refused the row for the window since it was planned.
func (p *planner) refused(connection Connection, key Pair, w *wanted) bool {
	return p.Refused[(Operation{Kind: Grant, Row: p.newRow(connection, key, w)}).ID()]
}

// comingGroups lists the windows in groups that are only about to be bound, such as one that was applied together with the
// plan that names it.
func (p *planner) comingGroups() []*successor {
	var coming []*successor
	for _, e := range p.Entitlements.Groups {
		target := p.Targets[e.Group]
		connection, connected := p.Connections[target.OrganizationID]
		if !target.Coming || !connected || !connection.Ready || !p.grantable(target.OrganizationID) {
			continue
		}
		for _, w := range e.Windows {
			coming = append(coming, &successor{organization: target.OrganizationID, Sourced: w, grant: v1alpha1.MemberGrant{Group: e.Group}, coming: e.Group})
		}
	}
	return coming
}

// share reports whether two lists have something in common.
func share(a, b []string) bool {
	return slices.ContainsFunc(a, func(s string) bool { return slices.Contains(b, s) })
}

// LetGoReplaced marks the rows whose successors the plan saw in doubt, and the ledger has in Kisi by now: they go,
// uncounted. It belongs to the write that records the successor, so that no crash can come between. A row that has left the
// ledger since the plan was made is another Member's by now, or gone, and does not come back.
func (p Plan) LetGoReplaced(ledger *Ledger) {
	for _, r := range p.replacements {
		i := slices.IndexFunc(ledger.Grants, func(row v1alpha1.MemberGrant) bool {
			return SameRow(row, r.New) && (InKisi(row) && !inDoubt(row) || row.State == v1alpha1.GrantCovered)
		})
		if i >= 0 && (r.adopted || ledger.find(r.Old, identical) >= 0) {
			ledger.Decide(r.Old, true)
		}
	}
}

package plan

import (
	"slices"
	"time"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
)

// replacement is how a window comes into the place of rows that overlap it, in a Kisi that refuses a second row of the
// pair beside them. There is never access outside the old rows and the new window: the two overlap, so that even bounds of
// which Kisi takes one and not the other lie within both together.
type replacement struct {
	// changed keeps its place in Kisi and gets bounds; nil where Kisi does not change windows.
	changed *ledgerRow
	bounds  entitlement.Window
	// instead are the rows that go: before changed is changed, or in one step with the making of a new row.
	instead []*ledgerRow
	// obstructed says that somebody else's row would keep the new one from being made, so that the old ones had better stay.
	obstructed bool
}

// after reports whether the replacement waits until the row is gone, by an operation of its own.
func (r *replacement) after(row *ledgerRow) bool { return r.changed != nil && r.changed != row }

// planReplacements finds the rows in whose place the missing windows come.
func (p *planner) planReplacements() {
	if p.Leaving {
		return // the one who stands for the address does it
	}
	for key, windows := range p.wanted {
		connection := p.Connections[key.OrganizationID]
		changes := connection.Mode == v1alpha1.ModeEnforce || connection.Mode == v1alpha1.ModeGrantOnly
		if !connection.OverlapRejected || !connection.Ready || !changes || p.withheld(key.OrganizationID) {
			continue
		}
		for _, w := range windows {
			if (w.row == nil || w.queued()) && !w.within && w.cover == nil && p.due(connection, w) && !p.unsettled(connection, key, w) {
				p.planReplacement(connection, key, w)
			}
		}
	}
}

func (p *planner) planReplacement(connection Connection, key Pair, w *wanted) {
	var old []*ledgerRow
	for _, row := range p.rows {
		if p.removable(row, key) && row.window.Overlaps(w.Window) && !row.window.Ended(p.Now) {
			old = append(old, row)
		}
	}
	if len(old) == 0 {
		return
	}
	if connection.Mode == v1alpha1.ModeGrantOnly {
		p.planWidening(connection, w, old)
		return
	}
	r := &replacement{instead: old}
	if i := p.changeable(old); i >= 0 && !connection.WindowUpdateIgnored {
		r.changed = old[i]
		r.bounds = p.boundsFor(old[i], w)
		r.instead = slices.Delete(slices.Clone(old), i, i+1)
	} else if r.obstructed = p.obstructed(key, w, old); r.obstructed {
		r.instead = nil
	} else {
		r.instead = append(r.instead, p.endedRows(key)...) // Kisi may count them as well
	}
	w.replacement = r
	for _, row := range old {
		row.replacement = r
	}
}

// obstructed reports whether the rows give nothing but a part of the window, and somebody else's row is in the way of the
// rest: to delete them would lock the person out and gain nothing.
func (p *planner) obstructed(key Pair, w *wanted, old []*ledgerRow) bool {
	for _, row := range old {
		if !w.Covers(row.window, p.Now) || row.doubtful() {
			return false
		}
	}
	return slices.ContainsFunc(p.foreign(p.Observed[key]), func(seen ObservedRow) bool { return seen.Window.Overlaps(w.Window) })
}

// planWidening is for a mode that never revokes: a row may be made to last longer and never shorter. A row that gives all
// of the window already serves for it.
func (p *planner) planWidening(connection Connection, w *wanted, old []*ledgerRow) {
	i := p.changeable(old)
	if i < 0 || len(old) > 1 {
		return
	}
	wider := hull(old[i].window, p.boundsFor(old[i], w))
	switch {
	case wider == old[i].window:
		if w.queued() {
			w.row.match = nil
		}
		old[i].match, w.row = w, old[i]
		old[i].tooWide = true
	case !connection.WindowUpdateIgnored:
		w.replacement = &replacement{changed: old[i], bounds: wider}
		old[i].replacement = w.replacement
	}
}

// removable reports whether the row is in Kisi, ours to take away, and nothing else is planned for it.
func (p *planner) removable(row *ledgerRow, key Pair) bool {
	return PairOf(row.MemberGrant) == key && InKisi(row.MemberGrant) && p.ofThePerson(row.MemberGrant) &&
		row.match == nil && row.replacement == nil && !row.fixed && !row.vanished && !row.promoted
}

// changeable picks the row whose window is to be changed: one that lets the person in now, so that it goes on doing so. A
// row in doubt may be gone; there is none if all are.
func (p *planner) changeable(rows []*ledgerRow) int {
	best := -1
	for i, row := range rows {
		if row.doubtful() {
			continue
		}
		if best < 0 || row.window.Opened(p.Now) && !rows[best].window.Opened(p.Now) {
			best = i
		}
	}
	return best
}

// endedRows are the rows of ours that have ended and are in Kisi still.
func (p *planner) endedRows(key Pair) []*ledgerRow {
	var ended []*ledgerRow
	for _, row := range p.rows {
		if p.removable(row, key) && row.window.Ended(p.Now) {
			ended = append(ended, row)
		}
	}
	return ended
}

// boundsFor are the bounds that a row gets to serve for the window. A beginning that is past stays as it is.
func (p *planner) boundsFor(row *ledgerRow, w *wanted) entitlement.Window {
	bounds := w.Window
	if bounds.Opened(p.Now) {
		bounds.From = time.Time{}
		if row.window.Opened(p.Now) {
			bounds.From = row.window.From
		}
	}
	return bounds
}

// replace puts the window in the place of the rows that overlap it.
func (p *planner) replace(connection Connection, key Pair, w *wanted) {
	r := w.replacement
	if r.obstructed {
		p.block(connection, key, w)
		return
	}
	operation := Operation{Kind: Replace, Row: p.newRow(connection, key, w), Replaces: true, Urgency: Urgent}
	if r.changed != nil {
		if len(r.instead) > 0 {
			return // they go first; otherwise Kisi might refuse the change because of them
		}
		operation.Kind = Update
		operation.Row.RoleAssignmentID, operation.Row.UserID = r.changed.RoleAssignmentID, r.changed.UserID
		operation.Row.ValidFrom, operation.Row.ValidUntil = timeOf(r.bounds.From), timeOf(r.bounds.Until)
		operation.Urgency = p.urgencyOfUpdate(r.changed, w)
		p.do(connection, operation)
		return
	}
	if w.row == nil && len(p.plan.Ledger.Grants) >= maxGrants {
		return // the schema would refuse the intent; rows that end make room
	}
	for _, row := range r.instead {
		operation.Instead = append(operation.Instead, row.MemberGrant)
	}
	p.do(connection, operation)
}

// block records that somebody else's row keeps the window out of Kisi.
func (p *planner) block(connection Connection, key Pair, w *wanted) {
	if w.row != nil || len(p.plan.Ledger.Grants) >= maxGrants {
		return // the ledger says already that it waits
	}
	row := p.newRow(connection, key, w)
	row.State = v1alpha1.GrantBlocked
	p.keep(row, true)
}

// urgencyOfUpdate is that of the window, if the row does not let the person in for long any more; and what takes something
// away is a revocation.
func (p *planner) urgencyOfUpdate(row *ledgerRow, w *wanted) Urgency {
	p.lookAgainWhenUrgent(w.Window)
	urgency := urgencyOf(w.Window, p.Now)
	if closing := row.window.Until; urgency == New && (closing.IsZero() || closing.Sub(p.Now) > soon) {
		urgency = Change
		p.lookAgainAt(closing.Add(-soon))
	}
	if !w.Covers(row.window, p.Now) {
		urgency = min(urgency, Revocation)
	}
	return urgency
}

// holdNarrowing says that the row of a window gives more, which the mode does not let be taken back.
func (p *planner) holdNarrowing(connection Connection, row *ledgerRow) {
	narrow := row.MemberGrant
	bounds := p.boundsFor(row, row.match)
	narrow.ValidFrom, narrow.ValidUntil = timeOf(bounds.From), timeOf(bounds.Until)
	p.plan.PlannedModes[connection.Mode] = true
	p.announce(Operation{Kind: Update, Row: narrow})
}

// stay keeps a row that is about to be replaced as it is.
func (p *planner) stay(row *ledgerRow) {
	if !inDoubt(row.MemberGrant) {
		row.State = openState(row.window, p.Now)
	}
	p.keep(row.MemberGrant, true)
}

// reread finds out which bounds a row has before anything else is done about it.
func (p *planner) reread(connection Connection, row *ledgerRow) {
	if row.match != nil {
		p.describe(row, connection)
	}
	if row.State != v1alpha1.GrantRevoking {
		row.State = openState(row.window, p.Now)
	}
	p.keep(row.MemberGrant, true)
	p.lookAgainWhenUrgent(row.window)
	p.do(connection, Operation{Kind: Resolve, Row: row.MemberGrant, Urgency: urgencyOf(row.window, p.Now)})
}

// related reports whether the row, whichever bounds it has, has to do with a window that is wanted.
func (p *planner) related(row *ledgerRow) bool {
	return slices.ContainsFunc(p.wanted[PairOf(row.MemberGrant)], func(w *wanted) bool { return w.Overlaps(row.window) })
}

// unsettled reports whether something has to be found out before a row is asked for: which bounds a row of the pair has,
// or, where Kisi takes no second row, whether there is one already.
func (p *planner) unsettled(connection Connection, key Pair, w *wanted) bool {
	return slices.ContainsFunc(p.rows, func(row *ledgerRow) bool {
		if PairOf(row.MemberGrant) != key || !row.window.Overlaps(w.Window) || row.fixed {
			return false
		}
		inQuestion := row.vanished || !InKisi(row.MemberGrant) && inDoubt(row.MemberGrant) && row.match == nil
		return row.ChangingTo != nil || connection.OverlapRejected && inQuestion
	})
}

package plan

import "github.com/kisi-operator/kisi-operator/api/v1alpha1"

// unwanted takes a row back, unless another row is about to take its place.
func (p *planner) unwanted(connection Connection, row *ledgerRow) {
	if row.replacement != nil && !row.replacement.after(row) {
		p.stay(row)
		return
	}
	if w := p.blockedBeyond(row); w != nil {
		row.match = w // as much of the window as the person can have for now
		p.describe(row, connection)
		p.stay(row)
		return
	}
	replaced := p.replaced(connection, row)
	switch {
	case replaced && p.waitsForSuccessor(connection, row):
		if !inDoubt(row.MemberGrant) {
			row.State = openState(row.window, p.Now)
		}
		p.keep(row.MemberGrant, true)
		return
	}
	p.noteAdded(row)
	if p.limited(connection, row) {
		return
	}
	operation := Operation{Kind: Revoke, Row: row.MemberGrant, Urgency: Revocation}
	if replaced || p.awaited(row) {
		operation.Urgency = Urgent // until the old row is gone the new one cannot be made
	}
	if !inDoubt(row.MemberGrant) {
		row.State = openState(row.window, p.Now)
	}
	if p.allowed(connection, operation) {
		row.State = v1alpha1.GrantRevoking
		row.Sources, row.SourceCount = nil, 0
	}
	p.keep(row.MemberGrant, replaced || !p.allowed(connection, operation))
	p.do(connection, operation)
}

// blockedBeyond returns a window that somebody else's row keeps out of Kisi, and of which the row gives a part and nothing
// else. To take that away would lock the person out for nothing.
func (p *planner) blockedBeyond(row *ledgerRow) *wanted {
	if inDoubt(row.MemberGrant) {
		return nil
	}
	for _, w := range p.wanted[PairOf(row.MemberGrant)] {
		if w.row != nil && w.row.State == v1alpha1.GrantBlocked && w.Covers(row.window, p.Now) && p.ofThePerson(row.MemberGrant) {
			return w
		}
	}
	return nil
}

// replaced reports whether a window that is due, and has no row in Kisi yet, overlaps the row.
func (p *planner) replaced(connection Connection, row *ledgerRow) bool {
	for _, w := range p.wanted[PairOf(row.MemberGrant)] {
		if !w.secured() && p.due(connection, w) && w.Overlaps(row.window) {
			return true
		}
	}
	return false
}

// waitsForSuccessor reports whether a replaced row lets the person in until the successor is in Kisi. A row of another
// Kisi user never stands in the successor's way.
func (p *planner) waitsForSuccessor(connection Connection, row *ledgerRow) bool {
	if p.Leaving {
		return true // the one who stands for the address replaces it
	}
	stranger := !p.ofThePerson(row.MemberGrant)
	for _, w := range p.wanted[PairOf(row.MemberGrant)] {
		switch {
		case w.secured() || !p.due(connection, w) || !w.Overlaps(row.window):
		case w.inDoubt():
			return true
		case w.row == nil && p.grantable(row.OrganizationID) && (stranger || !connection.OverlapRejected):
			return true
		}
	}
	return false
}

// awaited reports whether a window of the pair waits until rows of ours are gone.
func (p *planner) awaited(row *ledgerRow) bool {
	for _, w := range p.wanted[PairOf(row.MemberGrant)] {
		if w.queued() && p.ofThePerson(row.MemberGrant) {
			return true
		}
	}
	return false
}

// grantable reports whether a row can be asked for in the organization at all.
func (p *planner) grantable(organization v1alpha1.KisiID) bool {
	return !p.withheld(organization) && len(p.Ledger.Grants) < maxGrants
}

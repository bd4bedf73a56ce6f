package plan

import (
	"cmp"
	"time"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
)

// settle brings one row of the ledger up to date and says what has to happen to it.
func (p *planner) settle(row *ledgerRow) {
	connection, connected := p.Connections[row.OrganizationID]
	switch {
	case p.abandon(row), !connected:
		p.retain(row)
	case connection.Mode == v1alpha1.ModePaused || connection.Mode == v1alpha1.ModeObserve:
		p.observe(connection, row)
	case !connection.Ready || row.fixed || p.Handing && !p.ofThePerson(row.MemberGrant):
		p.leave(row)
	case row.ChangingTo != nil && (row.match != nil || p.related(row)):
		p.reread(connection, row)
	case inDoubt(row.MemberGrant) && (row.match != nil || !InKisi(row.MemberGrant) || p.letsInBefore(row)) && !p.makesRoom(row):
		p.resolve(connection, row)
	case p.retainedInDoubt(row) && p.counted(connection, row):
		p.resolveRetained(connection, row)
	case row.vanished, row.promoted && row.match == nil:
		p.verify(connection, row)
	case !InKisi(row.MemberGrant):
		p.notInKisi(connection, row)
	case row.match != nil:
		p.maintain(connection, row)
	case row.window.Ended(p.Now):
		p.tidy(connection, row)
	default:
		p.unwanted(connection, row)
	}
}

// abandon reports whether the row is to stay as it is although its connection is there: an object was let go so. It is
// the operator's again once something asks for it.
func (p *planner) abandon(row *ledgerRow) bool {
	if row.match != nil {
		row.AbandonedBy = ""
		return false
	}
	row.AbandonedBy = cmp.Or(row.AbandonedBy, p.AbandonedBy, p.Targets[row.Group].AbandonedBy)
	return row.AbandonedBy != ""
}

// retain leaves the row of a connection that has been let go. What is not in Kisi cannot be left there.
func (p *planner) retain(row *ledgerRow) {
	if !InKisi(row.MemberGrant) && !inDoubt(row.MemberGrant) {
		return
	}
	row.State = v1alpha1.GrantRetained
	p.keep(row.MemberGrant, true)
}

// observe leaves the row exactly as it is and says what would happen to it.
func (p *planner) observe(connection Connection, row *ledgerRow) {
	if !row.adopted {
		p.keep(row.recorded, true)
	}
	asked := connection.Ready || connection.Mode == v1alpha1.ModePaused // a paused connection is not Ready
	differs := row.match == nil && InKisi(row.MemberGrant) && !row.vanished && !row.promoted && !row.window.Ended(p.Now)
	if asked && differs && !row.fixed && !p.replaced(connection, row) {
		p.do(connection, Operation{Kind: Revoke, Row: row.MemberGrant})
	}
	if asked && row.vanished && row.match != nil && !row.fixed {
		p.do(connection, Operation{Kind: Grant, Row: row.MemberGrant})
	}
}

// leave changes nothing; but a row opens and ends by itself all the same.
func (p *planner) leave(row *ledgerRow) {
	switch row.State {
	case v1alpha1.GrantScheduled, v1alpha1.GrantActive:
		if row.State = openState(row.window, p.Now); row.window.Ended(p.Now) {
			row.State = v1alpha1.GrantEnded
		}
	}
	if target := p.Targets[row.Group]; target.State == TargetFrozen && row.match == nil && InKisi(row.MemberGrant) && !row.window.Ended(p.Now) {
		p.plan.Waiting[row.Group] = target // nobody wants the row any more, or it cannot be told whether it is right
	}
	p.keep(row.MemberGrant, true)
}

// resolve finds out whether the row is in Kisi before anything else is done about it.
func (p *planner) resolve(connection Connection, row *ledgerRow) {
	switch {
	case InKisi(row.MemberGrant):
		// What was to be taken back is wanted again, and may be gone. It names no sources until that is known, which marks
		// it as in doubt even while its connection is away.
		row.State = v1alpha1.GrantRevoking
	case row.match != nil:
		p.describe(row, connection)
		row.State = v1alpha1.GrantPending
	default:
		row.State = v1alpha1.GrantPending
	}
	p.keep(row.MemberGrant, row.match != nil || row.replacement != nil)
	p.lookAgainWhenUrgent(row.window)
	urgency := urgencyOf(row.window, p.Now)
	if connection.OverlapRejected && p.Ledger.MadeRoomFor(row.MemberGrant) {
		urgency = Urgent
	}
	operation := Operation{Kind: Resolve, Row: row.MemberGrant, Urgency: urgency}
	if row.match != nil {
		operation.Opens = row.match.From
	}
	p.do(connection, operation)
}

// retainedInDoubt reports whether the row was to be taken back when its connection went, so that it may be gone.
func (p *planner) retainedInDoubt(row *ledgerRow) bool {
	return row.State == v1alpha1.GrantRetained && inDoubt(row.MemberGrant) && InKisi(row.MemberGrant) && !row.window.Ended(p.Now)
}

// resolveRetained finds out whether the row is in Kisi before the revocation limit counts it: a row that is held, or waits
// for the limit, is taken for one that Kisi has.
func (p *planner) resolveRetained(connection Connection, row *ledgerRow) {
	p.keep(row.MemberGrant, false)
	p.lookAgainWhenUrgent(row.window)
	p.do(connection, Operation{Kind: Resolve, Row: row.MemberGrant, Urgency: urgencyOf(row.window, p.Now)})
}

// notInKisi keeps what is covered, queued, blocked or withheld as long as it is wanted and stays so; there is nothing to
// take back.
func (p *planner) notInKisi(connection Connection, row *ledgerRow) {
	if row.match == nil {
		return
	}
	if row.State == v1alpha1.GrantWithheld && !p.withheld(row.OrganizationID) {
		row.match.row = nil
		return
	}
	p.describe(row, connection)
	p.keep(row.MemberGrant, true)
	if p.recheckDue(row) {
		p.do(connection, Operation{Kind: Verify, Row: row.MemberGrant, Urgency: urgencyOf(row.window, p.Now)})
	}
	p.lookAgainWhenUrgent(row.window)
}

// maintain keeps a row that serves for a window.
func (p *planner) maintain(connection Connection, row *ledgerRow) {
	p.describe(row, connection)
	row.State = openState(row.window, p.Now)
	if p.withheld(row.OrganizationID) {
		row.State = v1alpha1.GrantWithheld
		p.plan.Withheld++
	}
	if row.tooWide {
		p.holdNarrowing(connection, row)
	}
	if p.inTheWay(row) {
		revocation := Operation{Kind: Revoke, Row: row.MemberGrant, Urgency: Urgent}
		if p.allowed(connection, revocation) {
			// If the answer is lost, and the row is not in the way any more, it must not pass for one that is in Kisi.
			row.State = v1alpha1.GrantRevoking
			row.Sources, row.SourceCount = nil, 0
		}
		p.do(connection, revocation)
	}
	p.keep(row.MemberGrant, true)
}

// makesRoom reports whether the row is being taken back though it is wanted. Whether it still is in Kisi does not matter
// as long as it has to go.
func (p *planner) makesRoom(row *ledgerRow) bool {
	return InKisi(row.MemberGrant) && row.State == v1alpha1.GrantRevoking && row.match != nil && p.inTheWay(row)
}

// letsInBefore reports whether the row, unless it is gone, lets the person in until another one has been changed to do so. If
// it is there, it is the one to change.
func (p *planner) letsInBefore(row *ledgerRow) bool {
	r := row.replacement
	return r != nil && r.after(row) && row.window.Opened(p.Now) && !r.changed.window.Opened(p.Now)
}

// inTheWay reports whether the row, which opens later, keeps Kisi from taking a row for an earlier window of the pair.
// Then the later one makes room, and waits in its stead.
func (p *planner) inTheWay(row *ledgerRow) bool {
	if row.window.Opened(p.Now) {
		return false
	}
	for _, w := range p.wanted[PairOf(row.MemberGrant)] {
		if w.queued() && w.From.Before(row.window.From) {
			return true
		}
	}
	return false
}

// tidy deletes a row that has ended, once that is safe against a wrong clock; at once where another waits for it.
func (p *planner) tidy(connection Connection, row *ledgerRow) {
	row.State = v1alpha1.GrantEnded
	row.Sources, row.SourceCount = nil, 0
	p.keep(row.MemberGrant, false)
	operation := Operation{Kind: Tidy, Row: row.MemberGrant, Urgency: Sweep}
	if p.awaited(row) {
		operation.Urgency = Urgent
		p.do(connection, operation)
		return
	}
	if p.guardsNothing(connection, row) {
		operation.Urgency = Change // an object waits for it
	} else if due := row.window.Until.Add(TidyAfter); due.After(p.Now) {
		p.lookAgainAt(due)
		return
	}
	p.do(connection, operation)
}

// guardsNothing reports whether something goes that a row which has ended holds up: its Member, its KisiGroup, or the
// connection that takes everything back.
func (p *planner) guardsNothing(connection Connection, row *ledgerRow) bool {
	target, known := p.Targets[row.Group]
	return p.Leaving || connection.Going || !known || target.State == TargetMissing
}

// withheld reports whether somebody removed or suspended the person's user in Kisi.
func (p *planner) withheld(organization v1alpha1.KisiID) bool {
	account := p.Ledger.Account(organization)
	if account == nil || !p.current(*account) {
		return false
	}
	return Withholds(*account)
}

func openState(window entitlement.Window, now time.Time) v1alpha1.GrantState {
	if window.Opened(now) {
		return v1alpha1.GrantActive
	}
	return v1alpha1.GrantScheduled
}

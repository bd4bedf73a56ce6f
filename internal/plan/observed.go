package plan

import (
	"slices"
	"time"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
)

// Pair is one Kisi group of one organization: the unit in which windows and rows of a person are compared.
type Pair struct {
	OrganizationID, KisiGroupID v1alpha1.KisiID
}

// Observation is what Kisi is known to hold of a person in one pair: all of it, as far as the last complete read, own
// writes and the changes heard of since tell.
type Observation struct {
	// UserID is the person's user in the organization.
	UserID v1alpha1.KisiID
	// Sound says that the user was seen enabled and under the Member's address in the last list of a group's users, and that
	// nothing has been heard of the user since. That it is not set says nothing.
	Sound bool
	// Rows are the person's, by id.
	Rows []ObservedRow
}

// ObservedRow is one role assignment in Kisi.
type ObservedRow struct {
	ID, UserID v1alpha1.KisiID
	Window     entitlement.Window
	// Basic is set for the plain membership of a user; what is not basic is never touched.
	Basic bool
	// Manager is set where the row makes the user a manager of the group, which no row of ours does.
	Manager bool
	// ByKeyOwner is set where the owner of the connection's key made the row.
	ByKeyOwner bool
	// Claimed is set where another ledger has the row.
	Claimed bool
	// Shared is set beside Claimed where the ledger is that of another person who has the same Kisi user. The row lets this
	// person in as well, and is somebody else's all the same.
	Shared bool
}

// FindingKind is what somebody did in Kisi to what is ours, or to a person of ours.
type FindingKind string

const (
	// WindowChanged: a row of ours has other bounds in Kisi than it was written with.
	WindowChanged FindingKind = "WindowChanged"
	// AssignmentRemoved: a row of ours is gone. The plan asks to Verify it; that it is so is known only then.
	AssignmentRemoved FindingKind = "AssignmentRemoved"
	// AssignmentAdded: an Exclusive group has a row that nothing asks for.
	AssignmentAdded FindingKind = "AssignmentAdded"
	// UserSuspended: the person's user was suspended. No plan finds it, but a look at the user.
	UserSuspended FindingKind = "UserSuspended"
	// UserRemoved: the person's user was deleted. No plan finds it, but a look at the user.
	UserRemoved FindingKind = "UserRemoved"
	// GroupCorrected: a managed group was otherwise than its spec says, or gone. No plan finds it, but a look at the group.
	GroupCorrected FindingKind = "GroupCorrected"
)

// Finding is one difference between the ledger and Kisi that this operator did not make.
type Finding struct {
	Kind FindingKind
	// Row is the ledger row as it is from now on.
	Row v1alpha1.MemberGrant
}

// compare tells how Kisi is known to hold a row of the ledger. What a look at everything does not show is not taken for
// gone: the row may be younger than the look, or made by a process before this one.
func (p *planner) compare(recorded v1alpha1.MemberGrant) *ledgerRow {
	row := &ledgerRow{MemberGrant: recorded, recorded: recorded, window: mayGive(recorded)}
	connection := p.Connections[recorded.OrganizationID]
	observation, known := p.Observed[PairOf(recorded)]
	if !known || !connection.Ready || !InKisi(recorded) || inDoubt(recorded) || recorded.UserID != observation.UserID {
		return row
	}
	i := slices.IndexFunc(observation.Rows, func(seen ObservedRow) bool { return seen.ID == recorded.RoleAssignmentID })
	if i < 0 {
		row.vanished = !row.window.Ended(p.Now) // Kisi may drop what has ended
		return row
	}
	row.promoted = observation.Rows[i].Manager
	if !SameBounds(row.window, observation.Rows[i].Window, p.Now) {
		row.window = observation.Rows[i].Window
		bounds := row.window.API()
		row.ValidFrom, row.ValidUntil = bounds.From, bounds.Until
		row.changed = true
		if connection.Mode != v1alpha1.ModeObserve && connection.Mode != v1alpha1.ModePaused {
			p.plan.Findings = append(p.plan.Findings, Finding{WindowChanged, row.MemberGrant})
		}
	}
	return row
}

// verify looks at a row that Kisi is not known to hold any more, before anything is done about it.
func (p *planner) verify(connection Connection, row *ledgerRow) {
	operation := Operation{Kind: Verify, Urgency: Sweep}
	if row.match != nil {
		p.describe(row, connection)
		row.State = openState(row.window, p.Now)
		operation.Urgency = urgencyOf(row.window, p.Now)
		p.lookAgainWhenUrgent(row.window)
	} else {
		row.Sources, row.SourceCount = nil, 0
		if p.awaited(row) || p.replaced(connection, row) {
			operation.Urgency = Urgent
		}
	}
	operation.Row = row.MemberGrant
	p.keep(row.MemberGrant, row.match != nil)
	p.do(connection, operation)
}

// findCovers finds the windows that somebody else's assignment gives, and lets go of what the ledger says of other
// people's rows where Kisi is known to hold something else by now.
func (p *planner) findCovers() {
	for key, windows := range p.wanted {
		observation, known := p.Observed[key]
		if !known {
			continue
		}
		for _, w := range windows {
			if w.within || w.row != nil && (InKisi(w.row.MemberGrant) || w.row.doubtful() || w.row.fixed) {
				continue
			}
			for _, row := range p.foreign(observation) {
				p.lookAgainAt(row.Window.From)
				p.lookAgainAt(row.Window.Until)
			}
			w.cover = p.coverOf(observation, w)
			if w.row != nil && p.outdated(observation, w) {
				w.row.match, w.row = nil, nil
			}
		}
	}
}

// coverOf returns the assignment of somebody else that contains the whole window; of several the one that ends last. One that
// another ledger has may go at any moment, so it serves only where Kisi has refused a row beside it.
func (p *planner) coverOf(observation Observation, w *wanted) *ObservedRow {
	refused := w.row != nil && (w.row.State == v1alpha1.GrantCovered || w.row.State == v1alpha1.GrantBlocked)
	var cover *ObservedRow
	for _, row := range p.foreign(observation) {
		if row.Shared && !refused {
			continue
		}
		if row.Window.Covers(w.Window, p.Now) && (cover == nil || endsLater(row.Window, cover.Window)) {
			cover = &row
		}
	}
	return cover
}

func endsLater(a, b entitlement.Window) bool {
	return !b.Until.IsZero() && (a.Until.IsZero() || a.Until.After(b.Until))
}

// foreign lists the person's assignments that let them in, are not this operator's and have not ended.
func (p *planner) foreign(observation Observation) []ObservedRow {
	return observation.Foreign(p.Now, p.ours)
}

// Foreign lists the person's assignments that let them in, are not the person's own by any ledger and have not ended: plain
// ones that no ledger has, or that of another person who has the same user, and those that make them a manager of the group,
// though a ledger may have such a one from before.
func (o Observation) Foreign(now time.Time, ours func(ObservedRow) bool) []ObservedRow {
	var rows []ObservedRow
	for _, row := range o.Rows {
		theirs := row.Manager || row.Basic && (!row.Claimed || row.Shared) && !ours(row)
		if theirs && row.UserID == o.UserID && !row.Window.Ended(now) {
			rows = append(rows, row)
		}
	}
	return rows
}

// ours reports whether this plan's rows include the assignment.
func (p *planner) ours(seen ObservedRow) bool {
	return slices.ContainsFunc(p.rows, func(row *ledgerRow) bool { return row.RoleAssignmentID == seen.ID })
}

// outdated reports whether what the ledger says of other people's rows is not so any more.
func (p *planner) outdated(observation Observation, w *wanted) bool {
	switch w.row.State {
	case v1alpha1.GrantCovered:
		return w.cover == nil
	case v1alpha1.GrantBlocked:
		return w.cover != nil || len(p.foreign(observation)) == 0 || p.recheckDue(w.row)
	case v1alpha1.GrantQueued:
		return w.cover != nil
	}
	return false
}

// recheckDue reports whether it is time to look again at what somebody else's assignment covers or blocks.
func (p *planner) recheckDue(row *ledgerRow) bool {
	return slices.ContainsFunc(p.Recheck, func(due v1alpha1.MemberGrant) bool { return identical(due, row.recorded) })
}

// takeCover records that a window is given by somebody else.
func (p *planner) takeCover(connection Connection, key Pair, w *wanted) {
	if connection.Mode == v1alpha1.ModeObserve || connection.Mode == v1alpha1.ModePaused || len(p.plan.Ledger.Grants) >= maxGrants {
		p.plan.Covered++
		return
	}
	row := p.newRow(connection, key, w)
	row.State = v1alpha1.GrantCovered
	p.keep(row, true)
}

// DueSoon reports whether somebody may stand at the door for the row's window any minute.
func (in Input) DueSoon(row v1alpha1.MemberGrant) bool {
	return urgencyOf(RowWindow(row), in.Now) == Urgent
}

package plan

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
)

// grantMissing asks for every window that no row serves.
func (p *planner) grantMissing() {
	if p.Leaving {
		return
	}
	for _, key := range p.wantedPairs() {
		connection, connected := p.Connections[key.OrganizationID]
		for _, w := range p.wanted[key] {
			switch {
			case w.secured() && (w.cover == nil || w.row != nil) || w.inDoubt():
			case !connected || !connection.Ready && connection.Mode != v1alpha1.ModePaused:
				p.waitForConnection(connection, w)
			case !p.due(connection, w):
				p.plan.Later = true
				p.lookAgainAt(w.From.Add(-connection.GrantAhead))
			case p.withheld(key.OrganizationID):
				p.withhold(connection, key, w)
			case w.cover != nil:
				p.takeCover(connection, key, w)
			case p.unsettled(connection, key, w) && p.allowed(connection, Operation{Kind: Resolve}):
				// what is in doubt is found out first
			case p.userFirst[key.OrganizationID] != nil:
				p.waitForUser(p.userFirst[key.OrganizationID], w)
			case w.replacement != nil:
				p.replace(connection, key, w)
			case w.row == nil || w.queued():
				p.grant(connection, key, w)
			}
		}
	}
}

// wantedPairs lists the Kisi groups in which something is wanted, in order.
func (p *planner) wantedPairs() []Pair {
	return slices.SortedFunc(maps.Keys(p.wanted), func(a, b Pair) int {
		return cmp.Or(cmp.Compare(a.OrganizationID, b.OrganizationID), cmp.Compare(a.KisiGroupID, b.KisiGroupID))
	})
}

// waitForConnection says why nothing is done about a window.
func (p *planner) waitForConnection(connection Connection, w *wanted) {
	for _, group := range w.groups {
		target := p.Targets[group]
		target.State = TargetFrozen
		target.Reason = v1alpha1.ReasonConnectionNotReady
		target.Message = fmt.Sprintf("KisiConnection %q is not Ready; see its conditions", cmp.Or(connection.Name, target.Connection))
		p.plan.Waiting[group] = target
	}
}

// grant asks for a row, as soon as the rows of ours that stand in its way are gone.
func (p *planner) grant(connection Connection, key Pair, w *wanted) {
	row := p.newRow(connection, key, w)
	operation := Operation{Kind: Grant, Row: row, NewAccess: !w.queued(), Urgency: urgencyOf(w.Window, p.Now), Opens: w.From}
	p.lookAgainWhenUrgent(w.Window)
	if w.queued() {
		operation.Urgency = Urgent
	}
	blocked := false
	for _, other := range p.rows {
		if PairOf(other.MemberGrant) != key || !InKisi(other.MemberGrant) {
			continue
		}
		overlaps := !other.window.Ended(p.Now) && other.window.Overlaps(w.Window)
		if overlaps && other.replacement != nil {
			return // it makes room for an earlier window
		}
		if p.ofThePerson(other.MemberGrant) {
			blocked = blocked || w.queued() || connection.OverlapRejected && overlaps
			operation.NewAccess = operation.NewAccess && other.window.Ended(p.Now)
			operation.Repairs = operation.Repairs || other.changed
		}
		if overlaps {
			operation.Replaces = true
			closing := other.window.Until
			if operation.Urgency == New && (closing.IsZero() || closing.Sub(p.Now) > soon) {
				operation.Urgency = Change
			}
			p.lookAgainAt(closing.Add(-soon))
		}
	}
	switch {
	case blocked && w.queued() && p.allowed(connection, operation):
		return // the ledger says so already
	case blocked && p.allowed(connection, operation):
		p.queue(row)
		return
	case w.row == nil && len(p.plan.Ledger.Grants) >= maxGrants:
		return // the schema would refuse the intent; rows that end make room
	}
	p.do(connection, operation)
}

// queue records that a window waits for rows of ours to go, so that it is asked for at once when they have.
func (p *planner) queue(row v1alpha1.MemberGrant) {
	if len(p.plan.Ledger.Grants) >= maxGrants {
		return
	}
	row.State = v1alpha1.GrantQueued
	p.keep(row, true)
}

// newRow is the intent for a window. valid_from is sent only for a window that opens later.
func (p *planner) newRow(connection Connection, key Pair, w *wanted) v1alpha1.MemberGrant {
	row := v1alpha1.MemberGrant{
		Group: w.groups[0], Connection: p.through(w.groups[0], connection),
		OrganizationID: key.OrganizationID, KisiGroupID: key.KisiGroupID,
		State: v1alpha1.GrantPending,
	}
	if account := p.Ledger.Account(key.OrganizationID); account != nil && p.current(*account) {
		row.UserID = account.UserID
	}
	if !w.Opened(p.Now) {
		row.ValidFrom = &metav1.Time{Time: w.From}
	}
	if !w.Until.IsZero() {
		row.ValidUntil = &metav1.Time{Time: w.Until}
	}
	row.Sources, row.SourceCount = capSources(w.Sources, nil)
	return row
}

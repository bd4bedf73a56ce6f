package plan

import (
	"slices"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
)

// adopt takes assignments that no ledger has for rows of ours, in the groups where they are: one that serves for a wanted
// window is kept by its id and asks nothing of Kisi, the rest is replaced or taken back like any other row.
func (p *planner) adopt() {
	if p.Leaving {
		return // whoever stands for the person does
	}
	for _, name := range p.boundNames() {
		target := p.Targets[name]
		key := Pair{target.OrganizationID, target.KisiGroupID}
		connection, connected := p.Connections[key.OrganizationID]
		observation, known := p.Observed[key]
		if target.Ownership == OwnsLedger || !known || !connected || !connection.Ready || p.doubtIn(key) {
			continue
		}
		for _, seen := range observation.Rows {
			if !target.owns(seen) || p.ours(seen) || len(p.rows) >= maxGrants {
				continue
			}
			bounds := seen.Window.API()
			row := &ledgerRow{adopted: true, window: seen.Window, MemberGrant: v1alpha1.MemberGrant{
				Group: name, Connection: p.through(name, connection),
				OrganizationID: key.OrganizationID, KisiGroupID: key.KisiGroupID,
				UserID: seen.UserID, RoleAssignmentID: seen.ID,
				ValidFrom: bounds.From, ValidUntil: bounds.Until,
				State: openState(seen.Window, p.Now),
			}}
			row.recorded = row.MemberGrant
			p.rows = append(p.rows, row)
			p.plan.Adopts = true
		}
		p.adoptAccount(connection, key, observation)
	}
}

// owns reports whether an assignment that this Member's ledger does not have is this operator's.
func (t Target) owns(seen ObservedRow) bool {
	if !seen.Basic || seen.Claimed || seen.UserID == 0 {
		return false
	}
	return t.Ownership == OwnsAll || t.Ownership == OwnsMadeWithKey && seen.ByKeyOwner
}

// boundNames are the names of the targets in which something may be done, sorted.
func (p *planner) boundNames() []v1alpha1.ObjectName {
	var names []v1alpha1.ObjectName
	for name, target := range p.Targets {
		if target.State == TargetBound {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// doubtIn reports whether a request of ours in the pair may have made an assignment that its row does not know yet.
func (p *planner) doubtIn(key Pair) bool {
	return slices.ContainsFunc(p.rows, func(row *ledgerRow) bool {
		return PairOf(row.MemberGrant) == key && !InKisi(row.MemberGrant) && inDoubt(row.MemberGrant)
	})
}

// adoptAccount remembers whose the adopted rows are, where the person had no user here before.
func (p *planner) adoptAccount(connection Connection, key Pair, observation Observation) {
	mine := slices.ContainsFunc(p.rows, func(row *ledgerRow) bool {
		return row.adopted && PairOf(row.MemberGrant) == key && row.UserID == observation.UserID
	})
	if !mine || p.Ledger.Account(key.OrganizationID) != nil || connection.Mode == v1alpha1.ModeObserve || connection.Mode == v1alpha1.ModePaused {
		return
	}
	p.Ledger.Accounts = append(slices.Clone(p.Ledger.Accounts), v1alpha1.MemberAccount{
		Connection: connection.Name, OrganizationID: key.OrganizationID,
		Email: v1alpha1.EmailAddress(p.Address), UserID: observation.UserID,
		Origin: v1alpha1.AccountFound, Access: v1alpha1.AccountEnabled, Notified: v1alpha1.NotifiedNo,
	})
	p.heedSound()
	p.plan.Ledger.Accounts = p.Ledger.Accounts
	if operation := p.settleUser(key.OrganizationID); operation != nil {
		p.userFirst[key.OrganizationID] = operation
	}
}

// noteAdded records an adopted row that nothing asks for, once: when the ledger takes it down.
func (p *planner) noteAdded(row *ledgerRow) {
	if row.adopted && p.Targets[row.Group].Ownership == OwnsAll {
		p.plan.Findings = append(p.plan.Findings, Finding{AssignmentAdded, row.MemberGrant})
	}
}

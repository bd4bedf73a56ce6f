package plan

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
)

// TidyAfter is how long after its end a row is deleted: long enough to be safe against a wrong clock.
const TidyAfter = time.Hour

// Limits of the ledger, as the schema has them.
const (
	maxSources = 20
	maxPlanned = 20
	maxGrants  = 1000
)

// Plan is what to do for one person.
type Plan struct {
	// Ledger is the ledger with every row's state, sources and names brought up to date. Rows that are in Kisi, or in
	// doubt, all stay; the only new ones are Queued, for windows that wait until an old row of ours has gone.
	Ledger Ledger
	// Operations in the order in which they may be done, the most urgent first.
	Operations []Operation
	// Planned is what is not done because of a connection's mode, or held by the revocation limit.
	Planned      []v1alpha1.PlannedOperation
	PlannedCount int
	// PlannedModes are the modes that hold something back, Paused among them.
	PlannedModes map[v1alpha1.Mode]bool
	// Waiting are windows that are wanted in a group that is not bound, or whose connection is not Ready, by group.
	Waiting map[v1alpha1.ObjectName]Target
	// Withheld counts wanted windows that are not given because the user was removed or suspended in Kisi.
	Withheld int
	// Unsettled counts wanted windows that wait until the person's user has been read, or enabled.
	Unsettled int
	// Covered counts wanted windows that somebody else's assignment gives and the ledger does not mention.
	Covered int
	// Adopts says that the person has assignments in Kisi that no ledger has and that are this operator's all the same.
	Adopts bool
	// Findings are what somebody changed in Kisi, where the ledger takes it down with this plan.
	Findings []Finding
	// Later says that a wanted window is not written yet because it opens too far ahead.
	Later bool
	// Counted are rows that nobody wants any more and that the revocation limit counts. Until Ledger.Decide says for each
	// whether it may go, nothing is done about them.
	Counted []v1alpha1.MemberGrant
	// Held are rows that the limit holds, and that only an approval, or being wanted again, releases.
	Held []v1alpha1.MemberGrant
	// Missing are windows that the person should have, now or by the next look, and that Kisi is not known to hold. A mode
	// that keeps them out, and what an admin decided, misses nothing.
	Missing []MissingWindow
	// LookAgain is when the plan changes by time alone; zero if it does not.
	LookAgain time.Time

	// wants are organizations in which the person has a window now or later; unclear says that there may be more.
	wants   map[v1alpha1.KisiID]bool
	unclear bool
	// staying are the rows of Ledger that nothing takes back for good: they are wanted, replaced, or may not be touched.
	staying []bool
	// replacements are rows in Kisi whose successors in another group are in doubt.
	replacements []Replacement
}

// Revokes reports whether the plan takes anything back, or may do so.
func (p Plan) Revokes() bool {
	return len(p.Counted) > 0 || slices.ContainsFunc(p.Operations, func(o Operation) bool {
		switch o.Kind {
		case Revoke, Update, Replace, DeleteLogin, SuspendUser, DeleteUser:
			return true
		}
		return false
	})
}

// planner makes one plan.
type planner struct {
	Input
	plan   Plan
	wanted map[Pair][]*wanted
	rows   []*ledgerRow
	// userFirst are organizations in which the person's user comes before anything is granted.
	userFirst map[v1alpha1.KisiID]*Operation
}

// Make compares what the person should have with the ledger.
func Make(in Input) Plan {
	p := &planner{Input: in, wanted: map[Pair][]*wanted{}, userFirst: map[v1alpha1.KisiID]*Operation{}}
	p.plan.Waiting = map[v1alpha1.ObjectName]Target{}
	p.plan.PlannedModes = map[v1alpha1.Mode]bool{}
	p.heedQueued()
	p.undo()
	if !p.Handing {
		p.Ledger.forgetFormer()
	}
	p.heedSound()
	p.plan.Ledger.Accounts, p.plan.Ledger.Logins = p.Ledger.Accounts, p.Ledger.Logins
	p.resolveTargets()
	p.plan.wants, p.plan.unclear = p.wants()
	p.settleUsers()
	p.matchRows()
	p.findCovers()
	p.planReplacements()
	p.pairSuccessors()
	for _, row := range p.rows {
		p.settle(row)
	}
	p.grantMissing()
	for _, organization := range slices.Sorted(maps.Keys(p.userFirst)) {
		p.do(p.Connections[organization], *p.userFirst[organization])
	}
	slices.SortStableFunc(p.plan.Operations, func(a, b Operation) int {
		return cmp.Or(cmp.Compare(order(a), order(b)), RowWindow(a.Row).From.Compare(RowWindow(b.Row).From))
	})
	p.schedule()
	p.findMissing()
	return p.plan
}

// heedQueued takes for this person what a Queued window says: that Kisi has refused a second row. To doubt that can wait until
// the window is in Kisi.
func (p *planner) heedQueued() {
	cloned := false
	for _, row := range p.Ledger.Grants {
		if connection, connected := p.Connections[row.OrganizationID]; connected && row.State == v1alpha1.GrantQueued {
			if !cloned {
				p.Connections, cloned = maps.Clone(p.Connections), true
			}
			connection.OverlapRejected = true
			p.Connections[row.OrganizationID] = connection
		}
	}
}

// order puts what settles doubt before what builds on it, and otherwise the more urgent first.
func order(o Operation) int {
	switch o.Kind {
	case CheckUser:
		return -2
	case Resolve:
		return -1
	}
	return int(o.Urgency)
}

// allowed reports whether the connection's mode lets the operation be done.
func (p *planner) allowed(connection Connection, operation Operation) bool {
	switch connection.Mode {
	case v1alpha1.ModeObserve, v1alpha1.ModePaused:
		return false
	case v1alpha1.ModeGrantOnly:
		switch operation.Kind {
		case Grant, Resolve, Verify, CheckUser, EnableUser:
			return true
		case Tidy: // it takes nothing from anybody, and without it Kisi may refuse the window that waits for it
			return operation.Urgency == Urgent
		}
		// What is planned to be changed in this mode is only ever made to last longer.
		return operation.Kind == Update
	}
	return true
}

// do adds the operation to the plan, or says that it is held back.
func (p *planner) do(connection Connection, operation Operation) {
	if p.allowed(connection, operation) {
		p.plan.Operations = append(p.plan.Operations, operation)
		return
	}
	if operation.Kind == Resolve || operation.Kind == Verify || operation.Kind == Tidy {
		return
	}
	p.plan.PlannedModes[connection.Mode] = true
	if connection.Mode != v1alpha1.ModePaused {
		p.announce(operation)
	}
}

// announce says what is not done.
func (p *planner) announce(operation Operation) {
	p.plan.PlannedCount++
	if len(p.plan.Planned) < maxPlanned {
		p.plan.Planned = append(p.plan.Planned, v1alpha1.PlannedOperation{
			Action: operation.action(), Group: operation.Row.Group,
			ValidFrom: operation.Row.ValidFrom, ValidUntil: operation.Row.ValidUntil,
		})
	}
}

// keep puts the row into the plan's ledger. A row that stays is not taken back for good by this plan.
func (p *planner) keep(row v1alpha1.MemberGrant, stays bool) {
	p.plan.Ledger.Grants = append(p.plan.Ledger.Grants, row)
	p.plan.staying = append(p.plan.staying, stays)
}

// schedule looks again whenever a window or a row opens or closes.
func (p *planner) schedule() {
	p.lookAgainAt(p.Entitlements.Next)
	for _, e := range p.Entitlements.Groups {
		for _, w := range e.Windows {
			p.lookAgainAtBounds(w.Window)
		}
	}
	for _, row := range p.plan.Ledger.Grants {
		p.lookAgainAtBounds(RowWindow(row))
		if row.ChangingTo != nil {
			p.lookAgainAtBounds(Bounds(*row.ChangingTo))
		}
	}
}

// lookAgainWhenUrgent looks again when the urgency of an operation changes, so that it does not stay where it stands in
// the queue.
func (p *planner) lookAgainWhenUrgent(window entitlement.Window) {
	for _, t := range urgencyChanges(window) {
		p.lookAgainAt(t)
	}
}

func (p *planner) lookAgainAtBounds(window entitlement.Window) {
	p.lookAgainAt(window.From)
	p.lookAgainAt(window.Until)
}

func (p *planner) lookAgainAt(t time.Time) {
	if t.After(p.Now) {
		p.plan.LookAgain = entitlement.Sooner(p.plan.LookAgain, t)
	}
}

package plan

import (
	"cmp"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/access"
)

// TidyAfter is how long after its end a row is deleted: long enough to be safe against a wrong clock.
const TidyAfter = time.Hour

// Limits of the ledger, as the schema has them.
const (
	maxSources = 20
	maxPlanned = 20
	maxGrants  = 1000
)

// TargetState says whether anything may be done in a group.
type TargetState int

const (
	// TargetMissing: there is no such KisiGroup, or it is being deleted. What it gave is revoked.
	TargetMissing TargetState = iota
	// TargetFrozen: the group contradicts itself, or its connection is not Ready. Nothing in it changes.
	TargetFrozen
	// TargetBound: the group is bound and may be changed.
	TargetBound
)

// Target is what the name of a KisiGroup stands for.
type Target struct {
	State          TargetState
	Connection     v1alpha1.ObjectName
	OrganizationID v1alpha1.KisiID
	KisiGroupID    v1alpha1.KisiID
	// Reason and Message say why the target is not bound.
	Reason, Message string
}

// Connection is what the plan has to know of the connection to one organization.
type Connection struct {
	Name v1alpha1.ObjectName
	// Ready says whether requests can be sent; otherwise its rows stay as they are.
	Ready bool
	Mode  v1alpha1.Mode
	// GrantAhead is how long before it opens a window is written to Kisi.
	GrantAhead time.Duration
	// OverlapRejected says that Kisi was seen to refuse a second row of a pair.
	OverlapRejected bool
}

// Input is everything that a plan is made of.
type Input struct {
	Now          time.Time
	Entitlements access.Entitlements
	// Targets by the name of the KisiGroup; an absent name is TargetMissing.
	Targets map[v1alpha1.ObjectName]Target
	// Connections by organization; an absent organization has been let go, and its rows are Retained.
	Connections map[v1alpha1.KisiID]Connection
	Ledger      Ledger
	// Leaving is set for a Member that is being deleted: it revokes what nobody wants and grants nothing.
	Leaving bool
}

// Plan is what to do for one person.
type Plan struct {
	// Ledger is the ledger with every row's state, sources and names brought up to date; no row of it is new, and only
	// rows that are not in Kisi are gone.
	Ledger Ledger
	// Operations in the order in which they may be done, the most urgent first.
	Operations []Operation
	// Planned is what is not done because of a connection's mode.
	Planned      []v1alpha1.PlannedOperation
	PlannedCount int
	// PlannedModes are the modes that hold something back.
	PlannedModes map[v1alpha1.Mode]bool
	// Waiting are windows that are wanted in a group that is not bound, by group.
	Waiting map[v1alpha1.ObjectName]Target
	// Later says that a wanted window is not written yet because it opens too far ahead.
	Later bool
	// LookAgain is when the plan changes by time alone; zero if it does not.
	LookAgain time.Time
}

// pair is one Kisi group of one organization: the unit in which windows and rows are compared.
type pair struct {
	organization, group v1alpha1.KisiID
}

type wanted struct {
	access.Sourced
	group   v1alpha1.ObjectName
	matched bool
}

type planner struct {
	Input
	plan   Plan
	wanted map[pair][]*wanted
}

// Make compares what the person should have with the ledger.
func Make(in Input) Plan {
	p := &planner{Input: in, wanted: map[pair][]*wanted{}}
	p.plan.Waiting = map[v1alpha1.ObjectName]Target{}
	p.plan.PlannedModes = map[v1alpha1.Mode]bool{}
	p.plan.LookAgain = in.Entitlements.Next
	p.plan.Ledger.Accounts = in.Ledger.Accounts
	p.resolveTargets()
	for _, row := range in.Ledger.Grants {
		p.row(row)
	}
	p.grantMissing()
	slices.SortStableFunc(p.plan.Operations, func(a, b Operation) int {
		return cmp.Or(cmp.Compare(order(a), order(b)), access.NewWindow(a.Row.ValidFrom, nil).From.Compare(access.NewWindow(b.Row.ValidFrom, nil).From))
	})
	return p.plan
}

// order puts what settles doubt before what builds on it, and otherwise the more urgent first.
func order(o Operation) int {
	if o.Kind == Resolve {
		return -1
	}
	return int(o.Urgency)
}

func (p *planner) resolveTargets() {
	for _, e := range p.Entitlements.Groups {
		target, known := p.Targets[e.Group]
		if !known || target.State != TargetBound {
			p.plan.Waiting[e.Group] = target
			continue
		}
		key := pair{target.OrganizationID, target.KisiGroupID}
		for _, w := range e.Windows {
			p.wanted[key] = append(p.wanted[key], &wanted{Sourced: w, group: e.Group})
			p.lookAgainAt(w.Until)
		}
	}
}

// row brings one row of the ledger up to date and says what has to happen to it.
func (p *planner) row(row v1alpha1.MemberGrant) {
	connection, connected := p.Connections[row.OrganizationID]
	if !connected {
		row.State = v1alpha1.GrantRetained
		p.keep(row)
		return
	}
	match := p.match(row)
	if match != nil {
		match.matched = true
	}
	if !connection.Ready || connection.Mode == v1alpha1.ModePaused || p.frozen(row, match) {
		p.keep(row)
		return
	}
	if connection.Mode == v1alpha1.ModeObserve {
		p.observe(connection, row, match)
		return
	}
	if match != nil {
		row.Group = match.group
		row.Connection = connection.Name
		row.Sources, row.SourceCount = capSources(match.Sources)
	}
	switch {
	case row.State == v1alpha1.GrantPending:
		p.keep(row)
		p.do(connection, Operation{Kind: Resolve, Row: row, Urgency: urgencyOf(RowWindow(row), p.Now)})
	case !InKisi(row):
		p.notInKisi(row, match)
	case match != nil:
		row.State = openState(RowWindow(row), p.Now)
		p.lookAgainAt(RowWindow(row).From)
		p.keep(row)
	case RowWindow(row).Ended(p.Now):
		p.tidy(connection, row)
	default:
		p.unwanted(connection, row)
	}
}

// observe leaves the row as it is and says what would happen to it.
func (p *planner) observe(connection Connection, row v1alpha1.MemberGrant, match *wanted) {
	p.keep(row)
	if match == nil && InKisi(row) && !RowWindow(row).Ended(p.Now) && !p.successor(row) {
		p.do(connection, Operation{Kind: Revoke, Row: row})
	}
}

// notInKisi keeps what is covered, queued or blocked as long as it is wanted; there is nothing to take back.
func (p *planner) notInKisi(row v1alpha1.MemberGrant, match *wanted) {
	if match == nil {
		return
	}
	p.keep(row)
}

func (p *planner) tidy(connection Connection, row v1alpha1.MemberGrant) {
	row.State = v1alpha1.GrantEnded
	row.Sources, row.SourceCount = nil, 0
	p.keep(row)
	due := RowWindow(row).Until.Add(TidyAfter)
	if due.After(p.Now) {
		p.lookAgainAt(due)
		return
	}
	p.do(connection, Operation{Kind: Tidy, Row: row, Urgency: Sweep})
}

// unwanted takes a row back, unless another row is about to take its place.
func (p *planner) unwanted(connection Connection, row v1alpha1.MemberGrant) {
	successor := p.successor(row)
	if successor && !connection.OverlapRejected {
		row.State = openState(RowWindow(row), p.Now)
		p.keep(row)
		return
	}
	urgency := Revocation
	if successor {
		urgency = Urgent // until the old row is gone the new one cannot be made
	}
	operation := Operation{Kind: Revoke, Row: row, Urgency: urgency}
	if p.allowed(connection, operation) {
		row.State = v1alpha1.GrantRevoking
		row.Sources, row.SourceCount = nil, 0
	}
	p.keep(row)
	p.do(connection, operation)
}

// successor reports whether a window that has no row yet overlaps the row.
func (p *planner) successor(row v1alpha1.MemberGrant) bool {
	if p.Leaving {
		return false
	}
	for _, w := range p.wanted[pairOf(row)] {
		if !w.matched && !p.hasRow(w) && w.Overlaps(RowWindow(row)) {
			return true
		}
	}
	return false
}

// hasRow reports whether the ledger has a row that serves for the window.
func (p *planner) hasRow(w *wanted) bool {
	for _, row := range p.Ledger.Grants {
		if slices.Contains(p.wanted[pairOf(row)], w) && SameBounds(RowWindow(row), w.Window, p.Now) {
			return true
		}
	}
	return false
}

func (p *planner) match(row v1alpha1.MemberGrant) *wanted {
	for _, w := range p.wanted[pairOf(row)] {
		if !w.matched && SameBounds(RowWindow(row), w.Window, p.Now) {
			return w
		}
	}
	return nil
}

// frozen reports whether a contradiction keeps the row as it is.
func (p *planner) frozen(row v1alpha1.MemberGrant, match *wanted) bool {
	if match != nil {
		return false
	}
	if target, known := p.Targets[row.Group]; known && target.State == TargetFrozen {
		return true
	}
	for _, source := range row.Sources {
		if _, frozen := p.Entitlements.Frozen[source]; frozen {
			return true
		}
	}
	return false
}

// grantMissing asks for every window that no row serves.
func (p *planner) grantMissing() {
	if p.Leaving {
		return
	}
	for _, e := range p.Entitlements.Groups {
		target := p.Targets[e.Group]
		connection, connected := p.Connections[target.OrganizationID]
		if target.State != TargetBound || !connected || !connection.Ready || connection.Mode == v1alpha1.ModePaused {
			continue
		}
		key := pair{target.OrganizationID, target.KisiGroupID}
		for _, w := range p.wanted[key] {
			if w.matched || w.group != e.Group {
				continue
			}
			if writeAt := w.From.Add(-connection.GrantAhead); !w.From.IsZero() && writeAt.After(p.Now) {
				p.plan.Later = true
				p.lookAgainAt(writeAt)
				continue
			}
			p.grant(connection, key, w)
		}
	}
}

func (p *planner) grant(connection Connection, key pair, w *wanted) {
	row := v1alpha1.MemberGrant{
		Group: w.group, Connection: connection.Name,
		OrganizationID: key.organization, KisiGroupID: key.group,
		State: v1alpha1.GrantPending,
	}
	if account := p.Ledger.Account(key.organization); account != nil {
		row.UserID = account.UserID
	}
	if !w.Opened(p.Now) {
		row.ValidFrom = &metav1.Time{Time: w.From}
	}
	if !w.Until.IsZero() {
		row.ValidUntil = &metav1.Time{Time: w.Until}
	}
	row.Sources, row.SourceCount = capSources(w.Sources)
	operation := Operation{Kind: Grant, Row: row, NewAccess: true, Urgency: urgencyOf(w.Window, p.Now)}
	for _, other := range p.plan.Ledger.Grants {
		if pairOf(other) != key || !InKisi(other) || RowWindow(other).Ended(p.Now) {
			continue
		}
		operation.NewAccess = false
		if RowWindow(other).Overlaps(w.Window) {
			if connection.OverlapRejected {
				return // the old row goes first
			}
			operation.Replaces = true
			closing := RowWindow(other).Until
			if operation.Urgency == New && (closing.IsZero() || closing.Sub(p.Now) > soon) {
				operation.Urgency = Change
			}
		}
	}
	if len(p.plan.Ledger.Grants) >= maxGrants {
		return // the schema would refuse the intent; rows that end make room
	}
	p.do(connection, operation)
}

// allowed reports whether the connection's mode lets the operation be done.
func (p *planner) allowed(connection Connection, operation Operation) bool {
	switch connection.Mode {
	case v1alpha1.ModeObserve:
		return false
	case v1alpha1.ModeGrantOnly:
		return operation.Kind == Grant || operation.Kind == Resolve
	}
	return true
}

// do adds the operation to the plan, or says that it is held back.
func (p *planner) do(connection Connection, operation Operation) {
	if p.allowed(connection, operation) {
		p.plan.Operations = append(p.plan.Operations, operation)
		return
	}
	if operation.Kind == Resolve || operation.Kind == Tidy {
		return
	}
	p.plan.PlannedCount++
	p.plan.PlannedModes[connection.Mode] = true
	if len(p.plan.Planned) < maxPlanned {
		p.plan.Planned = append(p.plan.Planned, v1alpha1.PlannedOperation{
			Action: operation.action(), Group: operation.Row.Group,
			ValidFrom: operation.Row.ValidFrom, ValidUntil: operation.Row.ValidUntil,
		})
	}
}

func (p *planner) keep(row v1alpha1.MemberGrant) {
	p.plan.Ledger.Grants = append(p.plan.Ledger.Grants, row)
}

func (p *planner) lookAgainAt(t time.Time) {
	if t.After(p.Now) {
		p.plan.LookAgain = access.Sooner(p.plan.LookAgain, t)
	}
}

func pairOf(row v1alpha1.MemberGrant) pair { return pair{row.OrganizationID, row.KisiGroupID} }

func openState(window access.Window, now time.Time) v1alpha1.GrantState {
	if window.Opened(now) {
		return v1alpha1.GrantActive
	}
	return v1alpha1.GrantScheduled
}

func capSources(sources []string) ([]string, int32) {
	count := int32(len(sources)) // #nosec G115 -- bounded by the objects of one namespace
	if len(sources) > maxSources {
		sources = sources[:maxSources]
	}
	return slices.Clone(sources), count
}

package plan_test

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
	"github.com/kisi-operator/kisi-operator/internal/plan"
)

// neighbour is one explicit Member, with its ledger as Kubernetes has it.
type neighbour struct {
	name    string
	address entitlement.Address
	wants   []v1alpha1.ObjectName
	ledger  plan.Ledger
}

// street is all Members of a namespace, the oldest first, in front of one Kisi. Its steps are those that the controller
// takes, one write each. This Kisi refuses a second assignment of a user in a group.
type street struct {
	neighbours []*neighbour
	users      map[entitlement.Address]v1alpha1.KisiID
	kisi       map[v1alpha1.KisiID]occupied
	nextID     v1alpha1.KisiID
	requests   int
	came       int // addresses that were not there at the beginning
	learned    bool
	scene      *scene // whose targets and connection they all have
}

// occupied is a user's place in a group.
type occupied struct{ user, group v1alpha1.KisiID }

func newStreet(members int) *street {
	s := &street{users: map[entitlement.Address]v1alpha1.KisiID{}, kisi: map[v1alpha1.KisiID]occupied{}, nextID: 9000, scene: newScene()}
	for i := range members {
		n := &neighbour{name: fmt.Sprintf("m%d", i), address: entitlement.Address(fmt.Sprintf("m%d@example.com", i))}
		s.neighbours = append(s.neighbours, n)
	}
	return s
}

func (s *street) standing(address entitlement.Address) *neighbour {
	i := slices.IndexFunc(s.neighbours, func(n *neighbour) bool { return n.address == address })
	if i < 0 {
		return nil
	}
	return s.neighbours[i]
}

// member is the neighbour as the API server shows it.
func (n *neighbour) member() *v1alpha1.Member {
	return &v1alpha1.Member{
		Spec:   v1alpha1.MemberSpec{Email: v1alpha1.EmailAddress(n.address)},
		Status: v1alpha1.MemberStatus{Accounts: n.ledger.Accounts, Grants: n.ledger.Grants},
	}
}

func (s *street) formers(n *neighbour) (formers []*neighbour) {
	for _, other := range s.neighbours {
		if other.address != n.address && other.ledger.AccountUnder(organization, n.address) != nil {
			formers = append(formers, other)
		}
	}
	return formers
}

// act lets one Member take one step. It reports whether anything changed.
func (s *street) act(n *neighbour, lost bool) bool {
	ledger := plan.LedgerOf(n.member())
	if standing := s.standing(n.address); standing != n {
		released := plan.Release(&ledger, standing.ledger, n.address)
		n.ledger = ledger
		return released
	}
	taken := false
	var shared []plan.Ledger
	for _, other := range s.neighbours {
		if other != n && other.address == n.address {
			shared = append(shared, plan.LedgerOf(other.member()))
			taken = plan.Take(&ledger, plan.LedgerOf(other.member()), n.address) || taken
		}
	}
	for _, former := range s.formers(n) {
		shared = append(shared, plan.LedgerOf(former.member()))
		taken = plan.TakeFormer(&ledger, plan.LedgerOf(former.member()), n.address, func(row v1alpha1.MemberGrant) bool {
			return slices.Contains(n.wants, row.Group)
		}) || taken
	}
	owes, released := s.handOver(n)
	p := s.plan(n, ledger, owes)
	switch {
	case taken:
		n.ledger = p.Ledger
		return true
	case owes:
		return released
	}
	for _, operation := range p.Operations {
		if !plan.HeldElsewhere(operation, shared...) {
			n.ledger = p.Ledger
			s.carryOut(n, operation, lost)
			return true
		}
	}
	changed := rows(n.ledger) != rows(p.Ledger) || len(n.ledger.Accounts) != len(p.Ledger.Accounts)
	n.ledger = p.Ledger
	return changed
}

// handOver is the giver's write: what those who stand for earlier addresses have by now goes.
func (s *street) handOver(n *neighbour) (owes, released bool) {
	ledger := plan.LedgerOf(n.member())
	for _, account := range plan.LedgerOf(n.member()).Accounts {
		address := entitlement.Fold(account.Email)
		successor := s.standing(address)
		if address == n.address || successor == nil {
			continue
		}
		has := successor.ledger.AccountUnder(organization, address) != nil
		gave := has && plan.ReleaseFormer(&ledger, plan.LedgerOf(successor.member()), address)
		owes, released = owes || !has || gave, released || gave
	}
	if released {
		n.ledger = ledger
	}
	return owes, released
}

func (s *street) plan(n *neighbour, ledger plan.Ledger, handing bool) plan.Plan {
	s.scene.claims = nil
	for _, group := range n.wants {
		s.scene.claims = append(s.scene.claims, claim{"Member/" + n.name, group, span(never, never)})
	}
	in := s.scene.input()
	in.Ledger, in.Address, in.Handing = ledger, n.address, handing
	connection := in.Connections[organization]
	connection.OverlapRejected = s.learned
	in.Connections[organization] = connection
	in.Observed = s.observed(n, ledger)
	return plan.Make(in)
}

// observed is what the mirror knows of a Member's user.
func (s *street) observed(n *neighbour, ledger plan.Ledger) map[plan.Pair]plan.Observation {
	account := ledger.AccountUnder(organization, n.address)
	if account == nil {
		return nil
	}
	observed := map[plan.Pair]plan.Observation{}
	for _, target := range s.scene.targets {
		observation := plan.Observation{UserID: account.UserID}
		for id, place := range s.kisi {
			if place != (occupied{account.UserID, target.KisiGroupID}) {
				continue
			}
			claimed := slices.ContainsFunc(s.neighbours, func(other *neighbour) bool {
				return other != n && slices.ContainsFunc(other.ledger.Grants, func(row v1alpha1.MemberGrant) bool { return row.RoleAssignmentID == id })
			})
			observation.Rows = append(observation.Rows, plan.ObservedRow{ID: id, UserID: account.UserID, Basic: true, ByKeyOwner: true, Claimed: claimed})
		}
		observed[plan.Pair{OrganizationID: organization, KisiGroupID: target.KisiGroupID}] = observation
	}
	return observed
}

// carryOut does one operation. Where the answer is lost, the ledger does not learn what has become of it.
func (s *street) carryOut(n *neighbour, o plan.Operation, lost bool) {
	row := o.Row
	s.requests++
	switch o.Kind {
	case plan.Grant:
		account := n.ledger.Account(organization)
		if account == nil || entitlement.Fold(account.Email) != n.address {
			n.ledger.SetAccount(s.ensureUser(n.address))
			account = n.ledger.Account(organization)
		}
		row.UserID = account.UserID
		n.ledger.Put(row)
		for _, held := range s.kisi {
			if held == (occupied{row.UserID, row.KisiGroupID}) {
				n.ledger.Remove(row)
				return
			}
		}
		s.nextID++
		s.kisi[s.nextID] = occupied{row.UserID, row.KisiGroupID}
		if !lost {
			row.RoleAssignmentID, row.State = s.nextID, v1alpha1.GrantActive
			n.ledger.Put(row)
		}
	case plan.Resolve:
		n.ledger.Remove(row)
		if _, exists := s.kisi[row.RoleAssignmentID]; exists {
			row.State = v1alpha1.GrantActive
			n.ledger.Put(row)
			return
		}
		for id, held := range s.kisi {
			if held == (occupied{row.UserID, row.KisiGroupID}) && !s.claimed(id) {
				row.RoleAssignmentID, row.State = id, v1alpha1.GrantActive
				n.ledger.Put(row)
			}
		}
	case plan.Verify:
		if _, exists := s.kisi[row.RoleAssignmentID]; !exists {
			n.ledger.Remove(row)
		}
	default:
		delete(s.kisi, row.RoleAssignmentID)
		if !lost {
			n.ledger.Remove(row)
		}
	}
}

func (s *street) claimed(id v1alpha1.KisiID) bool {
	return slices.ContainsFunc(s.neighbours, func(n *neighbour) bool {
		return slices.ContainsFunc(n.ledger.Grants, func(row v1alpha1.MemberGrant) bool { return row.RoleAssignmentID == id })
	})
}

func (s *street) ensureUser(address entitlement.Address) v1alpha1.MemberAccount {
	origin := v1alpha1.AccountFound
	if s.users[address] == 0 {
		origin = v1alpha1.AccountCreated
		s.users[address] = v1alpha1.KisiID(len(s.users) + 1)
	}
	return v1alpha1.MemberAccount{
		Connection: "hq", OrganizationID: organization, Email: v1alpha1.EmailAddress(address), UserID: s.users[address],
		Origin: origin, Access: v1alpha1.AccountEnabled, EmailMatches: v1alpha1.AddressMatches,
	}
}

// settle has everybody act until nobody changes anything any more.
func (s *street) settle(t interface{ Fatalf(string, ...any) }) {
	for range 100 * len(s.neighbours) {
		changed := false
		for _, n := range s.neighbours {
			changed = s.act(n, false) || changed
		}
		if !changed {
			return
		}
	}
	t.Fatalf("it never ends:\n%s", s)
}

// mustBeAtHome checks that everybody has what they want by the user of their own address, and nobody anything else.
func (s *street) mustBeAtHome(t interface{ Fatalf(string, ...any) }) {
	wanted := map[occupied]bool{}
	for _, n := range s.neighbours {
		for _, group := range n.wants {
			place := occupied{s.users[n.address], s.scene.targets[group].KisiGroupID}
			wanted[place] = true
			if !slices.ContainsFunc(n.ledger.Grants, func(row v1alpha1.MemberGrant) bool {
				return row.State == v1alpha1.GrantActive && s.kisi[row.RoleAssignmentID] == place
			}) {
				t.Fatalf("%s waits for %s:\n%s", n.name, group, s)
			}
		}
		for _, account := range n.ledger.Accounts {
			if entitlement.Fold(account.Email) != n.address {
				t.Fatalf("%s remembers another address:\n%s", n.name, s)
			}
		}
	}
	seen := map[occupied]bool{}
	for id, place := range s.kisi {
		if !wanted[place] || seen[place] || !s.claimed(id) {
			t.Fatalf("#%d is one too many, or in no ledger:\n%s", id, s)
		}
		seen[place] = true
	}
}

func (s *street) String() (text string) {
	for _, n := range s.neighbours {
		text += fmt.Sprintf("%s is %s, wants %v, has", n.name, n.address, n.wants)
		for _, account := range n.ledger.Accounts {
			text += fmt.Sprintf(" %d=%s(%s)", account.UserID, account.Email, account.Origin)
		}
		for _, row := range n.ledger.Grants {
			text += fmt.Sprintf(" #%d:%d in %s %s", row.RoleAssignmentID, row.UserID, row.Group, row.State)
		}
		text += "\n"
	}
	return text + fmt.Sprintf("Kisi %v", s.kisi)
}

// permute gives every address to another Member, or the same. at is called after each edit.
func (s *street) permute(rt *rapid.T, at func()) {
	var addresses []entitlement.Address
	for _, n := range s.neighbours {
		addresses = append(addresses, n.address)
	}
	if rapid.IntRange(0, 3).Draw(rt, "somebody comes") == 0 {
		s.came++
		addresses[rapid.IntRange(0, len(addresses)-1).Draw(rt, "in the place of")] = entitlement.Address(fmt.Sprintf("new%d@example.com", s.came))
	}
	moved := rapid.Permutation(addresses).Draw(rt, "addresses")
	for _, i := range rapid.Permutation(indexes(len(addresses))).Draw(rt, "edited in the order") {
		s.neighbours[i].address = moved[i]
		at()
	}
}

func indexes(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}

func someGroups(rt *rapid.T) []v1alpha1.ObjectName {
	return pick(rt, "wants", []v1alpha1.ObjectName{"g1"}, []v1alpha1.ObjectName{"g3"}, []v1alpha1.ObjectName{"g1", "g3"})
}

func TestMembersThatExchangeAddressesEndWithTheirOwnUsers(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		s := newStreet(rapid.IntRange(2, 5).Draw(rt, "members"))
		s.learned = rapid.Bool().Draw(rt, "learned")
		for _, n := range s.neighbours {
			n.wants = someGroups(rt)
		}
		s.settle(rt)
		s.mustBeAtHome(rt)
		for range rapid.IntRange(1, 3).Draw(rt, "times") {
			s.permute(rt, func() {
				for range rapid.IntRange(0, 4).Draw(rt, "steps") {
					s.act(s.neighbours[rapid.IntRange(0, len(s.neighbours)-1).Draw(rt, "who")], rapid.IntRange(0, 4).Draw(rt, "lost") == 0)
				}
			})
		}
		s.settle(rt)
		s.mustBeAtHome(rt)
	})
}

// Where the addresses were exchanged before anybody looked, and everybody wants the same, nothing is asked of Kisi at all.
func TestAnExchangeOfAddressesAsksNothingOfKisi(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		s := newStreet(rapid.IntRange(2, 5).Draw(rt, "members"))
		for _, n := range s.neighbours {
			n.wants = []v1alpha1.ObjectName{"g1", "g3"}
		}
		s.settle(rt)
		for i, address := range rapid.Permutation(indexes(len(s.neighbours))).Draw(rt, "addresses") {
			s.neighbours[i].address = entitlement.Address(fmt.Sprintf("m%d@example.com", address))
		}
		s.requests = 0
		for range rapid.IntRange(0, 20).Draw(rt, "steps") {
			s.act(s.neighbours[rapid.IntRange(0, len(s.neighbours)-1).Draw(rt, "who")], false)
		}
		s.settle(rt)
		s.mustBeAtHome(rt)
		if s.requests > 0 {
			rt.Fatalf("%d requests:\n%s", s.requests, s)
		}
		for _, n := range s.neighbours {
			if n.ledger.Accounts[0].Origin != v1alpha1.AccountCreated {
				rt.Fatalf("%s has forgotten who made its user:\n%s", n.name, s)
			}
		}
	})
}

func TestAnAccountOfAnotherAddressStaysBehindTheOneThatCounts(t *testing.T) {
	t.Parallel()
	account := func(email v1alpha1.EmailAddress, user v1alpha1.KisiID) v1alpha1.MemberAccount {
		return v1alpha1.MemberAccount{OrganizationID: organization, Email: email, UserID: user}
	}
	var l plan.Ledger
	for _, test := range []struct {
		set  v1alpha1.MemberAccount
		want []v1alpha1.KisiID
	}{
		{account("a@example.com", 1), []v1alpha1.KisiID{1}},
		{account("A@example.com", 1), []v1alpha1.KisiID{1}},
		{account("b@example.com", 2), []v1alpha1.KisiID{2, 1}},
		{account("c@example.com", 3), []v1alpha1.KisiID{3, 2, 1}},
		{account("a@example.com", 4), []v1alpha1.KisiID{4, 3, 2}}, // made again
		{account("b@example.com", 2), []v1alpha1.KisiID{2, 4, 3}},
		{v1alpha1.MemberAccount{OrganizationID: 1, Email: "b@example.com", UserID: 2}, []v1alpha1.KisiID{2, 4, 3, 2}},
	} {
		l.SetAccount(test.set)
		var got []v1alpha1.KisiID
		for _, a := range l.Accounts {
			got = append(got, a.UserID)
		}
		if !slices.Equal(got, test.want) || *l.Account(test.set.OrganizationID) != test.set {
			t.Fatalf("after %v: %v, want %v", test.set, got, test.want)
		}
	}
	member := &v1alpha1.Member{Spec: v1alpha1.MemberSpec{Email: "C@example.com"}, Status: v1alpha1.MemberStatus{Accounts: l.Accounts}}
	if first := plan.LedgerOf(member).Account(organization); first.UserID != 3 {
		t.Errorf("of a Member whose address was changed back counts %v", first)
	}
}

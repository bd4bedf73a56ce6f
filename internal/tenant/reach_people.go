package tenant

import (
	"context"
	"maps"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
)

// people are the Members whom a change concerns.
type people struct {
	reach
	found map[client.ObjectKey]*v1alpha1.Member
}

// PeopleConcerned finds the Members for whom a change of an object may make another plan, apart from that object. A Member of
// a team, place or group is concerned as itself, since these count only on the one who stands for the address; where an
// address is named, everyone who has it is.
func PeopleConcerned(ctx context.Context, reader client.Reader, before, after client.Object) ([]*v1alpha1.Member, error) {
	p := &people{reach: reachIn(ctx, reader, before, after), found: map[client.ObjectKey]*v1alpha1.Member{}}
	p.follow(before, after)
	return slices.Collect(maps.Values(p.found)), p.Err
}

func (p *people) follow(before, after client.Object) {
	all := states(before, after)
	switch all[0].(type) {
	case *v1alpha1.Member:
		was, _ := before.(*v1alpha1.Member)
		is, _ := after.(*v1alpha1.Member)
		p.member(was, is)
	case *v1alpha1.BookingGrant:
		was, _ := before.(*v1alpha1.BookingGrant)
		is, _ := after.(*v1alpha1.BookingGrant)
		p.booking(was, is)
	case *v1alpha1.AccessSubscription:
		was, _ := before.(*v1alpha1.AccessSubscription)
		is, _ := after.(*v1alpha1.AccessSubscription)
		p.subscription(was, is)
	default:
		for _, object := range all {
			p.through(object)
		}
	}
}

// through reaches the people of what gives access to others by reference.
func (p *people) through(object client.Object) {
	switch o := object.(type) {
	case *v1alpha1.PlaceMapping:
		p.place(waysTo(o)...)
	case *v1alpha1.AccessPlan:
		p.subscribers(p.subscriptionsBy(byPlan, waysTo(o)...)...)
	case *v1alpha1.KisiGroup:
		p.group(o.Name)
	case *v1alpha1.KisiConnection:
		p.connection(o)
	}
}

func (p *people) add(members ...*v1alpha1.Member) {
	for _, member := range members {
		p.found[client.ObjectKeyFromObject(member)] = member
	}
}

// person reaches every Member of an address in the namespace.
func (p *people) person(address entitlement.Address) {
	p.add(p.membersBy(ByAddress, string(address))...)
}

// everywhere reaches the Members of all namespaces that an index entry leads to.
func (p *people) everywhere(field string, values ...string) {
	for _, value := range values {
		if !p.first("Member everywhere", field, value) {
			continue
		}
		members, err := Ledgers{Reader: p.in.reader}.By(p.in.ctx, field, value)
		p.fail(err)
		p.add(members...)
	}
}

// member reaches those whom a Member's change concerns. Who stands for an address depends on all of its Members, and rows move
// between them. Whether a user is unused depends on all who have it, in every namespace, and on those who would come upon it
// by its address. A reference by external id may become ambiguous, and a booking may lose its organizer's membership.
func (p *people) member(before, after *v1alpha1.Member) {
	var all []*v1alpha1.Member
	for _, state := range []*v1alpha1.Member{before, after} {
		if state != nil {
			all = append(all, state)
		}
	}
	standing := standingOf(before) != standingOf(after)
	for _, state := range all {
		p.everywhere(ByAddress, MemberAddress(state)...)
		p.everywhere(ByUser, MemberUsers(state)...)
		if standing {
			p.add(p.membersBy(ByFormer, MemberAddress(state)...)...)
		}
		if standing && state.Spec.ExternalID != "" {
			p.subscribers(p.subscriptionsBy(byMember, referenceIndexes("", state.Spec.ExternalID)...)...)
		}
	}
	if membershipOf(before) != membershipOf(after) {
		for _, state := range all {
			p.guestsOf(entitlement.Fold(state.Spec.Email))
		}
	}
	delete(p.found, client.ObjectKeyFromObject(all[0])) // its own change enqueues it
}

// standing is what decides which Member stands for an address, and which Member a reference means.
type standing struct {
	address    entitlement.Address
	externalID v1alpha1.ExternalID
	implicit   bool
	created    time.Time
}

func standingOf(member *v1alpha1.Member) standing {
	if member == nil || !member.DeletionTimestamp.IsZero() {
		return standing{}
	}
	return standing{
		address: entitlement.Fold(member.Spec.Email), externalID: member.Spec.ExternalID,
		implicit: entitlement.IsImplicit(member), created: member.CreationTimestamp.UTC(),
	}
}

// membership is what makes the person of an address a member, apart from subscriptions.
type membership struct {
	standing standing
	state    v1alpha1.MemberState
}

func membershipOf(member *v1alpha1.Member) membership {
	s := standingOf(member)
	if s == (standing{}) || s.implicit {
		return membership{}
	}
	s.externalID = ""
	return membership{s, member.Spec.State}
}

// subscription reaches its people, and those of the bookings that it makes somebody a member for.
func (p *people) subscription(before, after *v1alpha1.AccessSubscription) {
	if before != nil && after != nil && before.DeletionTimestamp.IsZero() == after.DeletionTimestamp.IsZero() && equality.Semantic.DeepEqual(before.Spec, after.Spec) {
		return
	}
	member := subscribedOf(before) != subscribedOf(after)
	for _, state := range []*v1alpha1.AccessSubscription{before, after} {
		if state == nil {
			continue
		}
		p.subscribers(state)
		if address := state.Spec.Subject.Email; member && address != "" {
			p.guestsOf(entitlement.Fold(address))
		}
	}
}

// subscribed is what makes the person of an address a member by a subscription.
type subscribed struct {
	address entitlement.Address
	state   v1alpha1.SubscriptionState
	until   time.Time
}

func subscribedOf(subscription *v1alpha1.AccessSubscription) subscribed {
	if subscription == nil || !subscription.DeletionTimestamp.IsZero() || subscription.Spec.Subject.Email == "" {
		return subscribed{}
	}
	s := subscribed{address: entitlement.Fold(subscription.Spec.Subject.Email), state: subscription.Spec.State}
	if end := subscription.Spec.EndTime; end != nil {
		s.until = end.UTC()
	}
	return s
}

func (p *people) subscribers(subscriptions ...*v1alpha1.AccessSubscription) {
	for _, subscription := range subscriptions {
		subject := subscription.Spec.Subject
		switch {
		case subject.Email != "":
			p.person(entitlement.Fold(subject.Email))
		case subject.MemberRef != nil:
			for _, member := range p.referred(*subject.MemberRef) {
				p.person(entitlement.Fold(member.Spec.Email))
			}
		case subject.Team != "":
			p.add(p.membersBy(byTeam, string(subject.Team))...)
		}
	}
}

// referred returns the Members that a reference means, once.
func (p *people) referred(ref v1alpha1.MemberReference) []*v1alpha1.Member {
	if ref.Name == "" {
		return p.membersBy(byExternalID, string(ref.ExternalID))
	}
	if !p.first(entitlement.KindMember, "name", string(ref.Name)) {
		return nil
	}
	members, err := p.in.MembersByReference(ref)
	p.fail(err)
	return members
}

func (p *people) place(references ...string) {
	p.guests(p.bookingsBy(byPlace, references...)...)
	p.subscribers(p.subscriptionsBy(byPlace, references...)...)
	p.add(p.membersBy(byPlace, references...)...)
}

func (p *people) group(name string) {
	p.add(p.membersBy(ByLedgerGroup, name)...)
	p.add(p.membersBy(ByGroup, name)...)
	p.guests(p.bookingsBy(ByGroup, name)...)
	p.subscribers(p.subscriptionsBy(ByGroup, name)...)
	p.place(p.placesOf(name)...)
	p.subscribers(p.subscriptionsBy(byPlan, p.plansOf(name)...)...)
}

// connection reaches those who have something in its organization, or should. A connection that makes users for everybody, or
// Members for all users, concerns everybody.
func (p *people) connection(connection *v1alpha1.KisiConnection) {
	users := connection.Spec.Users
	if users.Create == v1alpha1.CreateUsersAlways || users.Existing == v1alpha1.ExistingUsersImport {
		members, err := p.in.AllMembers()
		p.fail(err)
		p.add(members...)
		return
	}
	if organization := connection.Status.Organization; organization != nil {
		p.add(p.membersBy(ByOrganization, IDText(organization.ID))...)
	}
	for _, group := range p.groupsOf(connection) {
		p.group(group)
	}
}

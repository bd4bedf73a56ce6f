package tenant

import (
	"context"
	"fmt"
	"strconv"

	"k8s.io/apimachinery/pkg/util/sets"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
	"github.com/kisi-operator/kisi-operator/internal/plan"
)

// Field indexes, by which a change finds what it concerns without a scan.
const (
	ByAddress      = "address"      // Member, BookingGrant, AccessSubscription: the people named
	ByFormer       = "former"       // Member: the addresses, other than its own, under which it has accounts
	ByGroup        = "group"        // Member, PlaceMapping, BookingGrant, AccessPlan, AccessSubscription: the KisiGroups named in the spec, or in a booking's terms
	ByLedgerGroup  = "ledgerGroup"  // Member: the KisiGroups of its rows
	ByOrganization = "organization" // Member: the organizations of its rows, accounts and logins; KisiConnection: its own
	ByAssignment   = "assignment"   // Member: organization/role assignment of its rows
	ByUser         = "user"         // Member: organization/Kisi user of its accounts and rows
	byPlace        = "place"        // BookingGrant, AccessSubscription, Member: the places named, by name or by external id
	byPlan         = "plan"         // AccessSubscription: the plan named, by name or by external id
	byMember       = "member"       // AccessSubscription: the Member named, by name or by external id
	byTeam         = "team"         // Member, AccessSubscription: the teams named
	ByConnection   = "connection"   // KisiGroup, PlaceMapping: the connection named
	byExternalID   = "externalID"   // PlaceMapping, AccessPlan, Member
	ByAdopting     = "adopting"     // KisiGroup: "true" where rows may be ours that no ledger has
	BySecret       = "secret"       // KisiConnection
	ByBinding      = "binding"      // KisiGroup: the Kisi group it is bound to
)

// RegisterIndexes adds every field index that the controllers use.
func RegisterIndexes(ctx context.Context, indexer client.FieldIndexer) error {
	for field, values := range memberIndexes {
		if err := indexer.IndexField(ctx, &v1alpha1.Member{}, field, values); err != nil {
			return fmt.Errorf("indexing Members by %s: %w", field, err)
		}
	}
	for _, index := range []struct {
		object client.Object
		field  string
		values client.IndexerFunc
	}{
		{&v1alpha1.BookingGrant{}, ByAddress, bookingAddresses},
		{&v1alpha1.BookingGrant{}, byPlace, bookingPlace},
		{&v1alpha1.BookingGrant{}, ByGroup, bookingGroups},
		{&v1alpha1.AccessSubscription{}, ByAddress, subscriptionAddress},
		{&v1alpha1.AccessSubscription{}, byMember, subscriptionMember},
		{&v1alpha1.AccessSubscription{}, byTeam, subscriptionTeam},
		{&v1alpha1.AccessSubscription{}, byPlan, subscriptionPlan},
		{&v1alpha1.AccessSubscription{}, byPlace, subscriptionPlace},
		{&v1alpha1.AccessSubscription{}, ByGroup, subscriptionGroups},
		{&v1alpha1.AccessPlan{}, byExternalID, planExternalID},
		{&v1alpha1.AccessPlan{}, ByGroup, planGroups},
		{&v1alpha1.PlaceMapping{}, byExternalID, placeExternalID},
		{&v1alpha1.PlaceMapping{}, ByGroup, placeGroups},
		{&v1alpha1.PlaceMapping{}, ByConnection, placeConnection},
		{&v1alpha1.KisiGroup{}, ByConnection, groupConnection},
		{&v1alpha1.KisiGroup{}, ByBinding, groupBinding},
		{&v1alpha1.KisiGroup{}, ByAdopting, groupAdopting},
		{&v1alpha1.KisiConnection{}, BySecret, connectionSecrets},
		{&v1alpha1.KisiConnection{}, ByOrganization, connectionOrganization},
	} {
		if err := indexer.IndexField(ctx, index.object, index.field, index.values); err != nil {
			return fmt.Errorf("indexing %T by %s: %w", index.object, index.field, err)
		}
	}
	return nil
}

func groupAdopting(object client.Object) []string {
	if OwnershipOf(object.(*v1alpha1.KisiGroup)) == plan.OwnsLedger {
		return nil
	}
	return []string{"true"}
}

// IDText writes an id of Kisi's as the indexes have it.
func IDText(id v1alpha1.KisiID) string { return strconv.FormatInt(int64(id), 10) }

func bookingAddresses(object client.Object) []string {
	people := entitlement.Invitees(object.(*v1alpha1.BookingGrant))
	addresses := make([]string, 0, len(people))
	for _, p := range people {
		addresses = append(addresses, string(p.Address))
	}
	return addresses
}

func bookingPlace(object client.Object) []string {
	if ref := object.(*v1alpha1.BookingGrant).Spec.PlaceRef; ref != nil {
		return referenceIndexes(string(ref.Name), ref.ExternalID)
	}
	return nil
}

// referenceIndexes tells a reference by name from one by external id, which may be equal strings. For an object they are
// the ways in which it can be referred to; for a reference, which has one of the two, the way in which it does.
func referenceIndexes(name string, externalID v1alpha1.ExternalID) []string {
	var values []string
	if name != "" {
		values = append(values, "name/"+name)
	}
	if externalID != "" {
		values = append(values, "externalID/"+string(externalID))
	}
	return values
}

// bookingGroups are those that the spec names, or that were recorded with the booking's terms.
func bookingGroups(object client.Object) []string {
	booking := object.(*v1alpha1.BookingGrant)
	names := groupNames(booking.Spec.GroupRefs)
	if booking.Status.Terms != nil {
		for _, name := range booking.Status.Groups {
			names = append(names, string(name))
		}
	}
	return names
}

func groupNames(refs []v1alpha1.GroupReference) []string {
	names := make([]string, 0, len(refs))
	for _, ref := range refs {
		names = append(names, string(ref.Name))
	}
	return names
}

func subscriptionMember(object client.Object) []string {
	if ref := object.(*v1alpha1.AccessSubscription).Spec.Subject.MemberRef; ref != nil {
		return referenceIndexes(string(ref.Name), ref.ExternalID)
	}
	return nil
}

func subscriptionTeam(object client.Object) []string {
	return unlessEmpty(string(object.(*v1alpha1.AccessSubscription).Spec.Subject.Team))
}

func subscriptionPlan(object client.Object) []string {
	if ref := object.(*v1alpha1.AccessSubscription).Spec.PlanRef; ref != nil {
		return referenceIndexes(string(ref.Name), ref.ExternalID)
	}
	return nil
}

func subscriptionPlace(object client.Object) []string {
	if ref := object.(*v1alpha1.AccessSubscription).Spec.PlaceRef; ref != nil {
		return referenceIndexes(string(ref.Name), ref.ExternalID)
	}
	return nil
}

func subscriptionGroups(object client.Object) []string {
	return groupNames(object.(*v1alpha1.AccessSubscription).Spec.GroupRefs)
}

func planExternalID(object client.Object) []string {
	return unlessEmpty(string(object.(*v1alpha1.AccessPlan).Spec.ExternalID))
}

func planGroups(object client.Object) []string {
	return groupNames(object.(*v1alpha1.AccessPlan).Spec.GroupRefs)
}

func unlessEmpty(value string) []string {
	if value == "" {
		return nil
	}
	return []string{value}
}

func subscriptionAddress(object client.Object) []string {
	if email := object.(*v1alpha1.AccessSubscription).Spec.Subject.Email; email != "" {
		return []string{string(entitlement.Fold(email))}
	}
	return nil
}

func placeExternalID(object client.Object) []string {
	return unlessEmpty(string(object.(*v1alpha1.PlaceMapping).Spec.ExternalID))
}

func placeGroups(object client.Object) []string {
	var names []string
	for _, name := range entitlement.PlaceGroups(object.(*v1alpha1.PlaceMapping)) {
		names = append(names, string(name))
	}
	return names
}

func placeConnection(object client.Object) []string {
	return []string{string(object.(*v1alpha1.PlaceMapping).Spec.ConnectionRef.Name)}
}

func groupConnection(object client.Object) []string {
	return []string{string(object.(*v1alpha1.KisiGroup).Spec.ConnectionRef.Name)}
}

func groupBinding(object client.Object) []string {
	if id := object.(*v1alpha1.KisiGroup).Status.KisiGroupID; id != 0 {
		return []string{IDText(id)}
	}
	return nil
}

func connectionOrganization(object client.Object) []string {
	if organization := object.(*v1alpha1.KisiConnection).Status.Organization; organization != nil {
		return []string{IDText(organization.ID)}
	}
	return nil
}

func connectionSecrets(object client.Object) []string {
	spec := object.(*v1alpha1.KisiConnection).Spec
	names := sets.New(string(spec.APIKeySecretRef.Name))
	if spec.Webhook != nil {
		names.Insert(string(spec.Webhook.SignatureKeySecretRef.Name))
	}
	return sets.List(names)
}

package access

import (
	"fmt"
	"slices"
	"strings"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/cli/objects"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
)

// Addressed returns the address of somebody given as the name of a Member or as an e-mail address.
func Addressed(in *objects.Indexed, person string) (entitlement.Address, error) {
	person = strings.TrimSpace(person)
	if err := in.Readable(entitlement.KindMember, entitlement.KindBookingGrant, entitlement.KindAccessSubscription); err != nil {
		return "", err
	}
	if member, found := in.Named(entitlement.KindMember, person).(*v1alpha1.Member); found {
		return entitlement.Fold(member.Spec.Email), nil
	}
	if !strings.Contains(person, "@") {
		return "", fmt.Errorf("there is no Member %q in namespace %s; give the name of a Member or an e-mail address%s", person, in.Namespace, namesakes(in, person))
	}
	address := entitlement.Fold(v1alpha1.EmailAddress(person))
	if !slices.Contains(People(in), address) {
		return "", fmt.Errorf("nothing in namespace %s names %s; check the spelling and the namespace", in.Namespace, person)
	}
	return address, nil
}

// namesakes suggests the Members whose names have to do with the text.
func namesakes(in *objects.Indexed, text string) string {
	var found []string
	for _, m := range in.Set.Members {
		if containsFold(m.Name, text) || containsFold(string(m.Spec.FullName), text) {
			found = append(found, m.Name)
		}
	}
	slices.Sort(found)
	switch {
	case len(found) == 0:
		return ""
	case len(found) > few:
		return fmt.Sprintf(" (%d Members have a name like that)", len(found))
	}
	return ", such as " + strings.Join(found, ", ")
}

const few = 5

func containsFold(text, part string) bool {
	return part != "" && strings.Contains(strings.ToLower(text), strings.ToLower(part))
}

// People lists the addresses of everybody whom any object names, sorted.
func People(in *objects.Indexed) []entitlement.Address {
	named := map[entitlement.Address]bool{}
	for _, m := range in.Set.Members {
		named[entitlement.Fold(m.Spec.Email)] = true
	}
	for _, s := range in.Subscriptions {
		named[entitlement.Fold(s.Spec.Subject.Email)] = true
	}
	for _, b := range in.Set.Bookings {
		for _, invitee := range entitlement.Invitees(b) {
			named[invitee.Address] = true
		}
	}
	delete(named, "")
	people := make([]entitlement.Address, 0, len(named))
	for address := range named {
		people = append(people, address)
	}
	slices.Sort(people)
	return people
}

// somebody is one person as the objects have them.
type somebody struct {
	address entitlement.Address
	// members are all of the address: their ledgers together are what the person has.
	members []*v1alpha1.Member
	// judged is who is judged: the one who stands for the address, or what the operator would make for it.
	judged *v1alpha1.Member
}

func whois(in *objects.Indexed, address entitlement.Address) (somebody, error) {
	members, err := in.Members(address)
	if err != nil {
		return somebody{}, err
	}
	who := somebody{address: address, members: members, judged: entitlement.Primary(members)}
	if who.judged == nil {
		who.judged = entitlement.ImplicitMember(in.Namespace, entitlement.Invitee{Address: address, Email: v1alpha1.EmailAddress(address)})
	}
	return who, nil
}

// describe says who the person is.
func (s somebody) describe(in *objects.Indexed) (Person, error) {
	person := Person{Email: s.judged.Spec.Email, FullName: s.judged.Spec.FullName}
	if serving := entitlement.Serving(s.members); serving != nil {
		person.Member, person.Implicit, person.State = serving.Name, entitlement.IsImplicit(serving), serving.Spec.State
	}
	for _, m := range s.members {
		person.Accounts = append(person.Accounts, m.Status.Accounts...)
		if m.Name != person.Member && !entitlement.IsImplicit(m) && m.DeletionTimestamp.IsZero() {
			person.Duplicates = append(person.Duplicates, m.Name)
		}
	}
	slices.Sort(person.Duplicates)
	if person.FullName == "" {
		name, err := entitlement.NameOf(in, s.address, "")
		if err != nil {
			return person, err
		}
		person.FullName = name
	}
	return person, nil
}

// Named is how a person is spoken of.
func (p Person) Named() string {
	if p.FullName != "" {
		return string(p.FullName)
	}
	return string(p.Email)
}

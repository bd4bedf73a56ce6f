package migrate

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/cli/objects"
	"github.com/kisi-operator/kisi-operator/internal/cli/schema"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
	"github.com/kisi-operator/kisi-operator/internal/kisi"
)

// Settings say how the objects are to be.
type Settings struct {
	// Connection is the name of the KisiConnection.
	Connection string
	// Secret and SecretKey hold the API key in the cluster.
	Secret, SecretKey string
	// Endpoint of Kisi.
	Endpoint string
	Now      time.Time
}

// Result is what is to be written.
type Result struct {
	Organization *Organization
	Settings     Settings
	Connection   Object
	Groups       []Object
	Places       []Object
	Members      []Object
	// Subscriptions are for people with several times in one group.
	Subscriptions []Object
	// Stays lists what stays in Kisi as it is, because objects cannot say it.
	Stays []string
	// LeftOut lists what the API server would not take.
	LeftOut []string

	groups map[int64]string // names of KisiGroups
	names  map[string]bool  // taken, by kind
}

// Object is an object as it is written, with what a reader should know.
type Object struct {
	Object  objects.Object
	Comment string
}

// operatorMark is at the end of the descriptions of groups that an operator made.
const operatorMark = "[kisi-operator "

// Objects says which objects give everybody what they have in Kisi.
func Objects(ctx context.Context, o *Organization, settings Settings) *Result {
	r := &Result{Organization: o, Settings: settings, groups: map[int64]string{}, names: map[string]bool{}}
	connection := &v1alpha1.KisiConnection{ObjectMeta: metav1.ObjectMeta{Name: settings.Connection}}
	connection.Spec.APIKeySecretRef = v1alpha1.APIKeySecretReference{Name: v1alpha1.ObjectName(settings.Secret), Key: settings.SecretKey}
	connection.Spec.OrganizationID, connection.Spec.Mode = v1alpha1.KisiID(o.Organization.ID), v1alpha1.ModeObserve
	if settings.Endpoint != v1alpha1.DefaultEndpoint {
		connection.Spec.Endpoint = settings.Endpoint
	}
	if admitted := r.admit(ctx, connection, "Observe writes nothing to Kisi. The README says when to go on."); admitted != nil {
		r.Connection = *admitted
	}
	for _, g := range byID(o.Groups, func(g kisi.Group) int64 { return g.ID }) {
		r.group(ctx, g)
	}
	for _, p := range byID(o.Places, func(p kisi.Place) int64 { return p.ID }) {
		r.place(ctx, p)
	}
	for _, u := range byID(o.Users, func(u kisi.User) int64 { return u.ID }) {
		r.user(ctx, u)
	}
	r.others()
	slices.Sort(r.Stays)
	return r
}

func byID[T any](items []T, id func(T) int64) []T {
	return slices.SortedFunc(slices.Values(items), func(a, b T) int { return cmp.Compare(id(a), id(b)) })
}

// admit returns the object if the API server would take it, else notes why not.
func (r *Result) admit(ctx context.Context, object objects.Object, comment string) *Object {
	content, err := manifest(object)
	if err != nil {
		r.LeftOut = append(r.LeftOut, fmt.Sprintf("%s: %v", objects.Name(object), err))
		return nil
	}
	if _, problems := schema.Admit(ctx, &unstructured.Unstructured{Object: content}); len(problems) > 0 {
		r.LeftOut = append(r.LeftOut, fmt.Sprintf("%s: %v", objects.Name(object), problems.ToAggregate()))
		return nil
	}
	return &Object{object, comment}
}

func (r *Result) group(ctx context.Context, g kisi.Group) {
	if strings.Contains(g.Description, operatorMark) {
		r.Stays = append(r.Stays, fmt.Sprintf("Kisi group %q (%d) was made by an operator, whose KisiGroup manages it", g.Name, g.ID))
		return
	}
	group := &v1alpha1.KisiGroup{ObjectMeta: metav1.ObjectMeta{Name: r.name(entitlement.KindKisiGroup, g.Name, g.ID)}}
	group.Spec.ConnectionRef.Name = v1alpha1.ObjectName(r.Settings.Connection)
	group.Spec.Existing = &v1alpha1.ExistingGroup{ID: v1alpha1.KisiID(g.ID)}
	group.Spec.Assignments = v1alpha1.AssignmentsShared
	comment := fmt.Sprintf("%s. Doors: %s.", g.Name, cmp.Or(strings.Join(r.doorsOf(g.ID), ", "), "none"))
	if g.Place != nil {
		comment = fmt.Sprintf("%s, at %s. Doors: %s.", g.Name, g.Place.Name, cmp.Or(strings.Join(r.doorsOf(g.ID), ", "), "none"))
	}
	if admitted := r.admit(ctx, group, comment); admitted != nil {
		r.Groups = append(r.Groups, *admitted)
		r.groups[g.ID] = group.Name
	}
}

func (r *Result) doorsOf(group int64) []string {
	var doors []string
	for _, l := range r.Organization.GroupLocks {
		if l.GroupID == group {
			doors = append(doors, l.Lock.Name)
		}
	}
	slices.Sort(doors)
	return doors
}

func (r *Result) place(ctx context.Context, p kisi.Place) {
	place := &v1alpha1.PlaceMapping{ObjectMeta: metav1.ObjectMeta{Name: r.name(entitlement.KindPlaceMapping, p.Name, p.ID)}}
	place.Spec.ConnectionRef.Name = v1alpha1.ObjectName(r.Settings.Connection)
	place.Spec.Kind = v1alpha1.PlaceKindLocation
	place.Spec.KisiPlace = &v1alpha1.KisiPlaceReference{ID: v1alpha1.KisiID(p.ID)}
	var groups, doors []string
	for _, g := range r.Organization.Groups {
		if g.PlaceID != nil && *g.PlaceID == p.ID && r.groups[g.ID] != "" {
			groups = append(groups, r.groups[g.ID])
		}
	}
	for _, l := range r.Organization.Locks {
		if l.PlaceID == p.ID {
			doors = append(doors, l.Name)
		}
	}
	slices.Sort(groups)
	slices.Sort(doors)
	comment := fmt.Sprintf("%s. Doors: %s. Groups: %s. It gives nothing yet: add spec.access or spec.bookings.",
		p.Name, cmp.Or(strings.Join(doors, ", "), "none"), cmp.Or(strings.Join(groups, ", "), "none"))
	if admitted := r.admit(ctx, place, comment); admitted != nil {
		r.Places = append(r.Places, *admitted)
	}
}

// user writes a Member with what the person has in groups. The times of one group are united, as the operator does.
func (r *Result) user(ctx context.Context, u kisi.User) {
	local, _, _ := strings.Cut(u.Email, "@")
	member := &v1alpha1.Member{ObjectMeta: metav1.ObjectMeta{Name: r.name(entitlement.KindMember, cmp.Or(local, "user"), u.ID)}}
	member.Spec.Email, member.Spec.State = v1alpha1.EmailAddress(u.Email), v1alpha1.MemberActive
	if u.Name != u.Email {
		member.Spec.FullName = v1alpha1.FullName(u.Name)
	}
	comment := ""
	if !u.AccessEnabled {
		comment = "Suspended in Kisi, and stays out until an administrator enables the user there."
	}
	var more []*v1alpha1.AccessSubscription
	for _, g := range byID(r.Organization.Groups, func(g kisi.Group) int64 { return g.ID }) {
		name := r.groups[g.ID]
		if name == "" {
			continue
		}
		for i, w := range r.windows(u.ID, g.ID) {
			window := w.API()
			if i == 0 {
				member.Spec.GroupRefs = append(member.Spec.GroupRefs, v1alpha1.MemberGroupReference{Name: v1alpha1.ObjectName(name), StartTime: window.From, EndTime: window.Until})
				continue
			}
			subscription := &v1alpha1.AccessSubscription{ObjectMeta: metav1.ObjectMeta{Name: r.name(entitlement.KindAccessSubscription, fmt.Sprintf("%s-%s-%d", member.Name, name, i+1), u.ID)}}
			subscription.Spec.Subject.MemberRef = &v1alpha1.MemberReference{Name: v1alpha1.ObjectName(member.Name)}
			subscription.Spec.GroupRefs = []v1alpha1.GroupReference{{Name: v1alpha1.ObjectName(name)}}
			subscription.Spec.StartTime, subscription.Spec.EndTime, subscription.Spec.State = window.From, window.Until, v1alpha1.SubscriptionActive
			more = append(more, subscription)
		}
	}
	admitted := r.admit(ctx, member, comment)
	if admitted == nil {
		return
	}
	r.Members = append(r.Members, *admitted)
	for _, subscription := range more {
		if admitted := r.admit(ctx, subscription, ""); admitted != nil {
			r.Subscriptions = append(r.Subscriptions, *admitted)
		}
	}
}

// windows are those of a user's own assignments in a group that have not ended.
func (r *Result) windows(user, group int64) []entitlement.Sourced {
	var windows []entitlement.Sourced
	for _, a := range r.Organization.Assignments {
		if a.AssigneeType == kisi.TypeUser && a.AssigneeID == user && a.AppliesToID == group && a.RoleID == kisi.RoleGroupBasic {
			windows = append(windows, entitlement.Sourced{Window: entitlement.NewWindow(apiTime(a.ValidFrom), apiTime(a.ValidUntil))})
		}
	}
	united := entitlement.Union(windows, r.Settings.Now)
	for i, w := range united {
		if w.Opened(r.Settings.Now) {
			united[i].From = time.Time{} // it is open, whenever that began
		}
	}
	return united
}

func apiTime(t *time.Time) *metav1.Time {
	if t == nil {
		return nil
	}
	return &metav1.Time{Time: *t}
}

// others notes the assignments that objects cannot say: they stay foreign.
func (r *Result) others() {
	for _, a := range r.Organization.Assignments {
		group := cmp.Or(r.groups[a.AppliesToID], strconv.FormatInt(a.AppliesToID, 10))
		switch {
		case a.AssigneeType == kisi.TypeTeam:
			r.Stays = append(r.Stays, fmt.Sprintf("group %s: assignment %d of team %q", group, a.ID, a.Assignee.Name))
		case a.AssigneeType != kisi.TypeUser:
			r.Stays = append(r.Stays, fmt.Sprintf("group %s: assignment %d of a %s", group, a.ID, strings.ToLower(a.AssigneeType)))
		case a.RoleID != kisi.RoleGroupBasic:
			r.Stays = append(r.Stays, fmt.Sprintf("group %s: assignment %d with the role %s of user %d", group, a.ID, a.RoleID, a.AssigneeID))
		}
	}
}

// name makes a name for an object out of what people call it, and adds the id where that is taken.
func (r *Result) name(kind, called string, id int64) string {
	var name strings.Builder
	for _, c := range strings.ToLower(called) {
		switch {
		case c >= 'a' && c <= 'z' || c >= '0' && c <= '9':
			name.WriteRune(c)
		case name.Len() > 0 && !strings.HasSuffix(name.String(), "-"):
			name.WriteByte('-')
		}
	}
	const longest = 40
	text := name.String()
	text = strings.Trim(text[:min(len(text), longest)], "-")
	if text == "" || r.names[kind+"/"+text] {
		text = strings.TrimPrefix(fmt.Sprintf("%s-%d", text, id), "-")
		if text[0] >= '0' && text[0] <= '9' {
			text = "n" + text
		}
	}
	r.names[kind+"/"+text] = true
	return text
}

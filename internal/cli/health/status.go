// Package health says, purely, what is wrong in a namespace, and what to do about it.
package health

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/cli/access"
	"github.com/kisi-operator/kisi-operator/internal/cli/objects"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
	"github.com/kisi-operator/kisi-operator/internal/plan"
)

// Report is how a namespace stands (`kubectl kisi status`).
type Report struct {
	metav1.TypeMeta `json:",inline"`

	Namespace   string       `json:"namespace"`
	Time        metav1.Time  `json:"time"`
	Connections []Connection `json:"connections"`
	// Held are the groups of which the revocation limit holds something.
	Held []Held `json:"held"`
	// Problems are objects that are not Ready, and people whom Kisi keeps out.
	Problems []Problem `json:"problems"`
	// Unknown says which kinds could not be read, and which right is missing.
	Unknown []string `json:"unknown,omitempty"`
}

// List is how several namespaces stand.
type List struct {
	metav1.TypeMeta `json:",inline"`

	Items []*Report `json:"items"`
}

// DeepCopyObject makes a list printable by the printers of kubectl.
func (l *List) DeepCopyObject() runtime.Object { return access.Copy(l) }

// Connection is one KisiConnection, and what waits in its queue.
type Connection struct {
	Name         string                     `json:"name"`
	Organization string                     `json:"organization,omitempty"`
	Mode         v1alpha1.Mode              `json:"mode"`
	Ready        bool                       `json:"ready"`
	Reason       string                     `json:"reason"`
	Message      string                     `json:"message,omitempty"`
	Counts       *v1alpha1.ConnectionCounts `json:"counts,omitempty"`
	LastSyncTime *metav1.Time               `json:"lastSyncTime,omitempty"`
	Next         *access.Step               `json:"next,omitempty"`
}

// Held is what the revocation limit holds of one group.
type Held struct {
	Group string `json:"group"`
	// Doors that the group opens, or the group's name in Kisi where they are not known.
	Doors []string `json:"doors"`
	// Grants that an approval releases: these people lose the group.
	Grants []HeldGrant `json:"grants"`
	// Count is the number of grants; where people may not be read it is all that is known.
	Count int `json:"count"`
	// Account is what the limit has counted in the current window.
	Account *v1alpha1.RevocationAccount `json:"account,omitempty"`
	Next    access.Step                 `json:"next"`
}

// HeldGrant is one grant that the limit holds.
type HeldGrant struct {
	Person access.Person `json:"person"`
	From   *metav1.Time  `json:"from,omitempty"`
	Until  *metav1.Time  `json:"until,omitempty"`
	// Sources gave the access, and do not any more.
	Sources []string `json:"sources,omitempty"`
}

// Problem is one object that is not as it should be.
type Problem struct {
	access.Problem `json:",inline"`
	// Stalled is set where nothing happens until somebody changes something.
	Stalled bool         `json:"stalled,omitempty"`
	Next    *access.Step `json:"next,omitempty"`
}

// DeepCopyObject makes a report printable by the printers of kubectl.
func (r *Report) DeepCopyObject() runtime.Object { return access.Copy(r) }

// Status says how the namespace stands.
func Status(in *objects.Indexed, now time.Time) *Report {
	r := &Report{
		TypeMeta:  metav1.TypeMeta{APIVersion: access.GroupVersion.String(), Kind: "StatusReport"},
		Namespace: in.Namespace, Time: metav1.NewTime(now), Connections: []Connection{}, Held: HeldIn(in), Problems: []Problem{},
	}
	for _, kind := range objects.Kinds {
		if err := in.Readable(kind); err != nil {
			r.Unknown = append(r.Unknown, err.Error())
		}
	}
	for _, c := range in.Connections {
		r.Connections = append(r.Connections, connectionStatus(in, c))
	}
	slices.SortFunc(r.Connections, func(a, b Connection) int { return cmp.Compare(a.Name, b.Name) })
	waiting := map[string]int{} // objects that only wait for their connection, by message
	var single []Problem
	for _, object := range in.All() {
		if objects.KindOf(object) == entitlement.KindKisiConnection {
			continue
		}
		problem := problemOf(in, object)
		switch {
		case problem == nil || problem.Reason == v1alpha1.ReasonRevocationsHeld:
		case problem.Reason == v1alpha1.ReasonConnectionNotReady:
			waiting[problem.Message]++
		default:
			single = append(single, *problem)
		}
	}
	r.Problems = append(r.Problems, together(single)...)
	for message, n := range waiting {
		r.Problems = append(r.Problems, Problem{
			Problem: access.Problem{Object: fmt.Sprintf("%d objects", n), Reason: v1alpha1.ReasonConnectionNotReady, Message: message},
			Next:    &access.Step{Text: "put the connection right, and these follow", Command: "kubectl kisi doctor -n " + in.Namespace},
		})
	}
	slices.SortStableFunc(r.Problems, func(a, b Problem) int { return cmp.Compare(a.Object+a.Message, b.Object+b.Message) })
	return r
}

// many is how many objects of a kind are told one by one that have the same trouble.
const many = 5

// together tells of many objects of one kind with one reason as of one problem.
func together(problems []Problem) []Problem {
	type sort struct{ kind, reason string }
	sorts := map[sort][]Problem{}
	for _, p := range problems {
		kind, _, _ := strings.Cut(p.Object, "/")
		sorts[sort{kind, p.Reason}] = append(sorts[sort{kind, p.Reason}], p)
	}
	var told []Problem
	for s, all := range sorts {
		if len(all) <= many {
			told = append(told, all...)
			continue
		}
		one := all[0]
		one.Message = fmt.Sprintf("such as %s: %s", one.Object, one.Message)
		one.Object = fmt.Sprintf("%d %ss", len(all), s.kind)
		told = append(told, one)
	}
	return told
}

func connectionStatus(in *objects.Indexed, c *v1alpha1.KisiConnection) Connection {
	status := Connection{Name: c.Name, Mode: c.Spec.Mode, Counts: countsOf(in, c), LastSyncTime: c.Status.LastSyncTime, Reason: "NotSeen"}
	if o := c.Status.Organization; o != nil {
		status.Organization = o.Name
	}
	ready := meta.FindStatusCondition(c.Status.Conditions, v1alpha1.ConditionReady)
	switch {
	case ready == nil:
		status.Next = &access.Step{Text: "the operator has not looked at this connection; see whether it runs, and in which namespaces (--namespaces)"}
		return status
	case ready.Status != metav1.ConditionTrue:
		status.Message = ready.Message
		status.Next = &access.Step{Text: ready.Message, Command: "kubectl kisi doctor -n " + in.Namespace}
	}
	status.Ready, status.Reason = ready.Status == metav1.ConditionTrue, ready.Reason
	return status
}

// countsOf returns the counts of a connection. The operator writes them seconds later, so the grants that are in Kisi are counted
// again where the Members may be read.
func countsOf(in *objects.Indexed, c *v1alpha1.KisiConnection) *v1alpha1.ConnectionCounts {
	if c.Status.Counts == nil || c.Status.Organization == nil || in.Readable(entitlement.KindMember) != nil {
		return c.Status.Counts
	}
	counts := c.Status.Counts.DeepCopy()
	counts.Grants = 0
	for _, m := range in.Set.Members {
		for _, row := range m.Status.Grants {
			if plan.CountsAsGrant(row) && row.OrganizationID == c.Status.Organization.ID {
				counts.Grants++
			}
		}
	}
	return counts
}

// problemOf says what is wrong with an object, or nil.
func problemOf(in *objects.Indexed, object objects.Object) *Problem {
	conditions := object.GetConditions()
	ready := meta.FindStatusCondition(conditions, v1alpha1.ConditionReady)
	kind, name := objects.KindOf(object), object.GetName()
	switch {
	case ready == nil, ready.Status == metav1.ConditionTrue && ready.Reason != v1alpha1.ReasonWithheld, meta.IsStatusConditionTrue(conditions, v1alpha1.ConditionReconciling):
		return nil
	case ready.Status == metav1.ConditionTrue && kind != entitlement.KindMember:
		return nil // the Member says it
	}
	problem := &Problem{Problem: access.Problem{Object: objects.Name(object), Reason: ready.Reason, Message: ready.Message}}
	problem.Stalled = meta.IsStatusConditionTrue(conditions, v1alpha1.ConditionStalled)
	problem.Next = &access.Step{Text: "see the object", Command: fmt.Sprintf("kubectl describe %s %s -n %s", strings.ToLower(kind), name, in.Namespace)}
	if ready.Reason == v1alpha1.ReasonWithheld {
		problem.Next = &access.Step{Text: "ask the administrator who did it, then reinstate", Command: fmt.Sprintf("kubectl kisi reinstate %s -n %s", name, in.Namespace)}
	}
	return problem
}

// HeldIn lists what the revocation limit holds, by group.
func HeldIn(in *objects.Indexed) []Held {
	found := map[string]*Held{}
	held := func(group string) *Held {
		if found[group] == nil {
			found[group] = &Held{Group: group, Grants: []HeldGrant{}, Next: access.Step{
				Text:    "look at who loses what, then approve",
				Command: fmt.Sprintf("kubectl kisi approve %s -n %s", group, in.Namespace),
			}}
		}
		return found[group]
	}
	for _, m := range in.Set.Members {
		for _, row := range m.Status.Grants {
			if row.State != v1alpha1.GrantHeld {
				continue
			}
			h := held(string(row.Group))
			h.Grants = append(h.Grants, HeldGrant{
				Person: access.Person{Email: m.Spec.Email, FullName: m.Spec.FullName, Member: m.Name, Implicit: entitlement.IsImplicit(m), State: m.Spec.State},
				From:   row.ValidFrom, Until: row.ValidUntil, Sources: row.Sources,
			})
		}
	}
	for _, g := range in.Groups {
		if g.Status.Counts != nil && g.Status.Counts.Held > 0 && in.Readable(entitlement.KindMember) != nil {
			held(g.Name).Count = int(g.Status.Counts.Held)
		}
	}
	all := make([]Held, 0, len(found))
	for name, h := range found {
		h.Count = max(h.Count, len(h.Grants))
		if g, known := in.Named(entitlement.KindKisiGroup, name).(*v1alpha1.KisiGroup); known {
			h.Account = g.Status.Revocations
			if h.Doors = access.DoorsOf(g); len(h.Doors) == 0 {
				h.Doors = []string{"the doors of " + access.Called(g)}
			}
		}
		slices.SortFunc(h.Grants, func(a, b HeldGrant) int {
			return cmp.Or(cmp.Compare(a.Person.Named(), b.Person.Named()), cmp.Compare(a.Person.Member, b.Person.Member))
		})
		all = append(all, *h)
	}
	slices.SortFunc(all, func(a, b Held) int { return cmp.Compare(a.Group, b.Group) })
	return all
}

// Released narrows what is held to what an approval of one object releases.
func Released(in *objects.Indexed, kind, name string) []Held {
	var released []Held
	for _, h := range HeldIn(in) {
		switch kind {
		case entitlement.KindKisiGroup:
			if h.Group != name {
				continue
			}
		case entitlement.KindKisiConnection:
			g, known := in.Named(entitlement.KindKisiGroup, h.Group).(*v1alpha1.KisiGroup)
			if !known || string(g.Spec.ConnectionRef.Name) != name {
				continue
			}
		case entitlement.KindMember:
			h.Grants = slices.DeleteFunc(h.Grants, func(g HeldGrant) bool { return g.Person.Member != name })
			h.Count = len(h.Grants)
		}
		if h.Count > 0 {
			released = append(released, h)
		}
	}
	return released
}

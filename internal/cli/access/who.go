package access

import (
	"cmp"
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
)

// WhoReport is everybody who may enter (`kubectl kisi who`).
type WhoReport struct {
	metav1.TypeMeta `json:",inline"`

	// Namespace of the objects.
	Namespace string `json:"namespace"`
	// Time that the report is about.
	Time metav1.Time `json:"time"`
	// Target is the group or door that was asked about.
	Target string `json:"target"`
	// Groups that the target means.
	Groups []WhoGroup `json:"groups"`
	// People who may enter or should, by name of their address. Empty where people may not be read.
	People []Entrant `json:"people"`
	// Hidden says which right is missing to see the people; the counts of the groups are then all there is.
	Hidden string `json:"hidden,omitempty"`
}

// WhoGroup is one KisiGroup of a target.
type WhoGroup struct {
	Name        string          `json:"name"`
	Connection  string          `json:"connection"`
	KisiGroup   string          `json:"kisiGroup"`
	KisiGroupID v1alpha1.KisiID `json:"kisiGroupID,omitempty"`
	Doors       []string        `json:"doors,omitempty"`
	// Counts are those in the status of the KisiGroup, as of now.
	Counts *v1alpha1.GroupCounts `json:"counts,omitempty"`
}

// Entrant is one person who may enter, or should, through one group.
type Entrant struct {
	Person Person `json:"person"`
	Group  string `json:"group"`
	Answer Answer `json:"answer"`
	Opens  bool   `json:"opens"`
	// Until is when the door that opens closes; unset if it has no end.
	Until *metav1.Time `json:"until,omitempty"`
	// Window that the sources give at that time, and why.
	Window *Window `json:"window,omitempty"`
	// Leftover are grants in Kisi that no source asks for.
	Leftover []Grant `json:"leftover,omitempty"`
}

// DeepCopyObject makes a report printable by the printers of kubectl.
func (r *WhoReport) DeepCopyObject() runtime.Object { return Copy(r) }

// Who says who may enter through a group or a door: now, or at the time of the question. Whoever may not read people gets
// counts.
func (q Question) Who(target string) (*WhoReport, error) {
	groups, err := GroupsNamed(q.In, target)
	if err != nil {
		return nil, err
	}
	report := &WhoReport{
		TypeMeta:  metav1.TypeMeta{APIVersion: GroupVersion.String(), Kind: "WhoReport"},
		Namespace: q.In.Namespace, Time: metav1.NewTime(q.At), Target: target, People: []Entrant{},
	}
	asked := map[string]bool{}
	for _, g := range groups {
		asked[g.Name] = true
		report.Groups = append(report.Groups, WhoGroup{
			Name: g.Name, Connection: string(g.Spec.ConnectionRef.Name), KisiGroup: InKisi(g), KisiGroupID: g.Status.KisiGroupID,
			Doors: DoorsOf(g), Counts: g.Status.Counts,
		})
	}
	if err := q.In.Readable(personal...); err != nil {
		report.Hidden = fmt.Sprintf("people are not shown: %v", err)
		return report, nil
	}
	for _, address := range People(q.In) {
		if err := q.enter(report, asked, address); err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(report.People, func(a, b Entrant) int {
		return cmp.Or(cmp.Compare(slices.Index(answers, a.Answer), slices.Index(answers, b.Answer)), cmp.Compare(a.Person.Named(), b.Person.Named()), cmp.Compare(a.Group, b.Group))
	})
	return report, nil
}

// personal are the kinds without which nobody can be told who enters.
var personal = []string{entitlement.KindMember, entitlement.KindBookingGrant, entitlement.KindAccessSubscription, entitlement.KindPlaceMapping, entitlement.KindAccessPlan}

// enter adds a person to the report who may enter through one of the groups, or should.
func (q Question) enter(report *WhoReport, asked map[string]bool, address entitlement.Address) error {
	who, err := whois(q.In, address)
	if err != nil {
		return err
	}
	groups, err := q.groupsAmong(who, asked)
	if err != nil {
		return err
	}
	for _, g := range groups {
		switch g.Answer {
		case AnswerNo, AnswerLater:
			continue
		}
		person, err := who.describe(q.In)
		if err != nil {
			return err
		}
		person.Accounts = nil
		entrant := Entrant{Person: person, Group: g.Name, Answer: g.Answer, Opens: g.Opens, Until: g.Until, Leftover: g.Leftover}
		for _, w := range g.Windows {
			if w.Answer != AnswerLater && w.Answer != AnswerNo {
				entrant.Window = &w
			}
		}
		report.People = append(report.People, entrant)
	}
	return nil
}

// groupsAmong is groups for some of them. Whoever has nothing in these costs one evaluation and no more.
func (q Question) groupsAmong(who somebody, asked map[string]bool) ([]Group, error) {
	wanted, claims, err := entitlement.Explain(q.In, who.judged, q.judgedAt())
	if err != nil {
		return nil, err
	}
	rows := slices.DeleteFunc(slices.Clone(ledgerOf(who.members)), func(row v1alpha1.MemberGrant) bool { return !asked[string(row.Group)] })
	wanted.Groups = slices.DeleteFunc(wanted.Groups, func(e entitlement.Entitlement) bool { return !asked[string(e.Group)] })
	if len(rows)+len(wanted.Groups) == 0 {
		return nil, nil
	}
	return q.groups(who, wanted, claims, rows)
}

// Package access answers, purely, who may open what, when and why: from the objects of one namespace, at a time that is an
// argument. What should be comes from internal/entitlement, what is from the ledgers in the status of Members.
//
// The types of this package are output that others read (`-o json`, `-o yaml`): fields may be added, never renamed.
package access

import (
	"encoding/json"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
)

// GroupVersion is that of everything that `kubectl kisi` prints as JSON or YAML.
var GroupVersion = schema.GroupVersion{Group: "cli.kisi-operator.dev", Version: "v1alpha1"}

// Answer says whether a door opens, and why not, or why still.
type Answer string

const (
	// AnswerOpen: the sources give the access, and Kisi has it.
	AnswerOpen Answer = "Open"
	// AnswerCovered: the sources give the access, and an assignment in Kisi that is not the operator's lets the person in.
	AnswerCovered Answer = "Covered"
	// AnswerExpected: the sources give the access at that time, and it will be written to Kisi before.
	AnswerExpected Answer = "Expected"
	// AnswerWaiting: the sources give the access, and Kisi does not have it yet.
	AnswerWaiting Answer = "Waiting"
	// AnswerWithheld: the sources give the access, and in Kisi the person was removed or suspended.
	AnswerWithheld Answer = "Withheld"
	// AnswerStillOpen: no source gives the access any more, and Kisi still has it.
	AnswerStillOpen Answer = "StillOpen"
	// AnswerLater: the sources give access at a later time only.
	AnswerLater Answer = "Later"
	// AnswerNo: nothing gives access.
	AnswerNo Answer = "No"
)

// Opens reports whether the door opens.
func (a Answer) Opens() bool {
	switch a {
	case AnswerOpen, AnswerCovered, AnswerExpected, AnswerStillOpen:
		return true
	}
	return false
}

// Report is what one person may open (`kubectl kisi access`).
type Report struct {
	metav1.TypeMeta `json:",inline"`

	// Namespace of the objects.
	Namespace string `json:"namespace"`
	// Time that the report is about.
	Time metav1.Time `json:"time"`
	// Person whom the report is about.
	Person Person `json:"person"`
	// Doors are those that open now or later, by name, and the groups through which they do.
	Doors []Door `json:"doors"`
	// Groups are the KisiGroups that the person has access to now or later, or still has in Kisi.
	Groups []Group `json:"groups"`
	// OtherWays lists what the objects tell of access in Kisi that is not this operator's.
	OtherWays []OtherWay `json:"otherWays,omitempty"`
	// Problems are why the person has less than the objects seem to say.
	Problems []Problem `json:"problems,omitempty"`
}

// Person is somebody as the objects name them.
type Person struct {
	Email    v1alpha1.EmailAddress `json:"email"`
	FullName v1alpha1.FullName     `json:"fullName,omitempty"`
	// Member that stands for the person; empty if there is none yet.
	Member string `json:"member,omitempty"`
	// Implicit is set where the operator made that Member for an address.
	Implicit bool `json:"implicit,omitempty"`
	// State of that Member.
	State v1alpha1.MemberState `json:"state,omitempty"`
	// Duplicates are other Members of the same address; they give nothing.
	Duplicates []string `json:"duplicates,omitempty"`
	// Accounts are the person's users in Kisi.
	Accounts []v1alpha1.MemberAccount `json:"accounts,omitempty"`
}

// Door is a door, or, where the objects do not name the doors of a group, all of that group's.
type Door struct {
	Name string `json:"name"`
	// Connection to the Kisi organization of the door.
	Connection string `json:"connection,omitempty"`
	// Place in Kisi that the groups name, as its name or id.
	Place string `json:"place,omitempty"`
	// OfGroup is set where the objects do not name the doors: Name is then that of the group in Kisi.
	OfGroup bool   `json:"ofGroup,omitempty"`
	Answer  Answer `json:"answer"`
	Opens   bool   `json:"opens"`
	// Groups are the KisiGroups that open the door.
	Groups []string `json:"groups"`
}

// Group is what one person has in one KisiGroup.
type Group struct {
	Name       string `json:"name"`
	Connection string `json:"connection,omitempty"`
	// KisiGroup is the group's name in Kisi, or its id where the object names no more.
	KisiGroup   string          `json:"kisiGroup,omitempty"`
	KisiGroupID v1alpha1.KisiID `json:"kisiGroupID,omitempty"`
	// Doors that the group opens; empty where the objects do not name them.
	Doors  []string `json:"doors,omitempty"`
	Answer Answer   `json:"answer"`
	Opens  bool     `json:"opens"`
	// Until is when the door that opens closes; unset if it has no end.
	Until *metav1.Time `json:"until,omitempty"`
	// Windows are what the sources give, in order of time.
	Windows []Window `json:"windows,omitempty"`
	// Leftover are grants in Kisi that no source asks for.
	Leftover []Grant `json:"leftover,omitempty"`
}

// Window is a time for which sources give access.
type Window struct {
	From  *metav1.Time `json:"from,omitempty"`
	Until *metav1.Time `json:"until,omitempty"`
	// Sources give the access. Their own windows make up this one.
	Sources []Source `json:"sources"`
	// Answer at the time of the report.
	Answer Answer `json:"answer"`
	// Grants of the ledger for this window: what Kisi has of it.
	Grants []Grant `json:"grants,omitempty"`
	// Next is what has to happen, unless Kisi has all of it.
	Next *Step `json:"next,omitempty"`
}

// Source is an object that gives access.
type Source struct {
	Kind  string       `json:"kind"`
	Name  string       `json:"name"`
	From  *metav1.Time `json:"from,omitempty"`
	Until *metav1.Time `json:"until,omitempty"`
	// Fields say so, from the person to the group.
	Fields []Field `json:"fields"`
}

// Field is one field of one object.
type Field struct {
	// Object as Kind/name.
	Object string `json:"object"`
	Path   string `json:"path"`
	Value  string `json:"value"`
}

// Grant is a row of the ledger.
type Grant struct {
	State            v1alpha1.GrantState `json:"state"`
	From             *metav1.Time        `json:"from,omitempty"`
	Until            *metav1.Time        `json:"until,omitempty"`
	Connection       string              `json:"connection,omitempty"`
	KisiGroupID      v1alpha1.KisiID     `json:"kisiGroupID,omitempty"`
	UserID           v1alpha1.KisiID     `json:"userID,omitempty"`
	RoleAssignmentID v1alpha1.KisiID     `json:"roleAssignmentID,omitempty"`
	Sources          []string            `json:"sources,omitempty"`
	// Next is what becomes of the grant, or has to happen.
	Next *Step `json:"next,omitempty"`
}

// Step is what happens next.
type Step struct {
	// Text says what is the matter and what to do.
	Text string `json:"text"`
	// Command does it, if there is one.
	Command string `json:"command,omitempty"`
}

// OtherWay is access in Kisi that is not this operator's.
type OtherWay struct {
	Kind string `json:"kind"` // ForeignAssignment, ForeignAssignments, Owner, NotTold
	Text string `json:"text"`
}

// The kinds of other ways.
const (
	WayForeignAssignment  = "ForeignAssignment"
	WayForeignAssignments = "ForeignAssignments"
	WayOwner              = "Owner"
	WayNotTold            = "NotTold"
)

// Problem is why somebody has less than the objects seem to say.
type Problem struct {
	// Object that has the problem, as Kind/name.
	Object  string `json:"object"`
	Reason  string `json:"reason"`
	Message string `json:"message"`
}

// DeepCopyObject makes a report printable by the printers of kubectl.
func (r *Report) DeepCopyObject() runtime.Object { return Copy(r) }

// Copy copies what is written as JSON.
func Copy[T any](from *T) *T {
	to := new(T)
	if encoded, err := json.Marshal(from); err != nil || json.Unmarshal(encoded, to) != nil {
		return from // none of these types fails
	}
	return to
}

package desk

import (
	"net/http"
	"strings"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/cli/access"
	"github.com/kisi-operator/kisi-operator/internal/cli/health"
	"github.com/kisi-operator/kisi-operator/internal/cli/objects"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
)

// troublePage is what is not as it should be, and the next step.
type troublePage struct {
	// Arrivals of today who do not get in.
	Arrivals []arrivalRow
	Problems []problemRow
	Unknown  string
}

type problemRow struct {
	Object, Message string
	Reason          string
	Person          link // of a Member
	Next            *access.Step
}

func (d *Desk) trouble(w http.ResponseWriter, r *http.Request) {
	question := d.question()
	standing := health.Status(question.In, question.Now)
	page := troublePage{}
	arrivals, err := question.Arrivals(d.dayOf(question.Now))
	if err != nil {
		page.Unknown = err.Error()
	}
	for _, a := range arrivals {
		if !a.Answer.Opens() && !a.Ended {
			page.Arrivals = append(page.Arrivals, arrivalRowOf(d.clock(), a, arrivals))
		}
	}
	for _, c := range standing.Connections {
		if c.Next != nil {
			page.Problems = append(page.Problems, problemRow{Object: entitlement.SourceName(entitlement.KindKisiConnection, c.Name), Message: c.Next.Text, Reason: c.Reason, Next: &access.Step{Text: "look at the connection", Command: c.Next.Command}})
		}
	}
	for _, p := range standing.Problems {
		page.Problems = append(page.Problems, problemRow{Object: p.Object, Message: p.Message, Reason: p.Reason, Person: memberLink(question.In, p.Object), Next: p.Next})
	}
	d.show(w, r, http.StatusOK, "trouble", frame{Title: "Trouble", Live: true, Current: "trouble", Page: page})
}

// memberLink leads to the person of a Member named as Kind/name; empty for other objects.
func memberLink(in *objects.Indexed, object string) link {
	kind, name, _ := strings.Cut(object, "/")
	if kind != entitlement.KindMember {
		return link{}
	}
	member, found := in.Named(kind, name).(*v1alpha1.Member)
	if !found {
		return link{}
	}
	person := access.Person{Email: member.Spec.Email, FullName: member.Spec.FullName}
	return link{person.Named(), personLink(string(person.Email))}
}

package desk

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/cli/health"
	"github.com/kisi-operator/kisi-operator/internal/cli/objects"
	"github.com/kisi-operator/kisi-operator/internal/cli/text"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
)

// heldGroup is what the revocation limit holds of one group.
type heldGroup struct {
	Group    string
	Doors    string
	Count    int
	People   []heldRow
	Confirm  string // where it is approved
	Approved string // until when it is, already
	// Hidden is why nobody is named, and nothing can be approved here.
	Hidden string
}

// heldRow is one person who loses something.
type heldRow struct {
	Person link
	Email  string
	Loses  string
	Was    string // what gave it
}

// confirmPage asks before it approves.
type confirmPage struct {
	heldGroup

	// Digest of what is shown, so that nothing else is approved.
	Digest string
	Form   string
	Spans  []span
	// Failed is why the last try came to nothing.
	Failed string
}

// span is how long an approval may last.
type span struct {
	Value, Text string
	Chosen      bool
}

// spans are those on offer. Whatever the limit would hold meanwhile goes, too, so the shortest comes first.
var spans = []time.Duration{15 * time.Minute, time.Hour, 4 * time.Hour}

func (d *Desk) held(w http.ResponseWriter, r *http.Request) {
	in := d.cluster.Indexed()
	groups := []heldGroup{}
	for _, h := range health.HeldIn(in) {
		groups = append(groups, d.heldGroupOf(in, h))
	}
	d.show(w, r, http.StatusOK, "held", frame{Title: "Held revocations", Live: true, Current: "held", Page: groups})
}

func (d *Desk) heldGroupOf(in *objects.Indexed, h health.Held) heldGroup {
	clock := d.clock()
	group := heldGroup{Group: h.Group, Doors: strings.Join(h.Doors, ", "), Count: h.Count, Confirm: heldLink(h.Group)}
	if object, found := in.Named(entitlement.KindKisiGroup, h.Group).(*v1alpha1.KisiGroup); found {
		group.Approved = approvedUntil(clock, object)
	}
	if err := in.Readable(entitlement.KindMember); err != nil {
		group.Hidden = err.Error()
	}
	for _, g := range h.Grants {
		group.People = append(group.People, heldRow{
			Person: link{g.Person.Named(), personLink(string(g.Person.Email))}, Email: string(g.Person.Email),
			Loses: clock.Span(g.From, g.Until), Was: strings.Join(g.Sources, ", "),
		})
	}
	return group
}

// approvedUntil says until when a group is approved; empty if it is not.
func approvedUntil(clock text.Clock, group *v1alpha1.KisiGroup) string {
	until, err := time.Parse(time.RFC3339, group.Annotations[v1alpha1.ApproveRevocationsUntilAnnotation])
	if err != nil || !until.After(clock.Now) {
		return ""
	}
	return clock.Moment(until)
}

// confirm shows whom an approval concerns, and asks. The page stands still, so that nothing changes under a finger.
func (d *Desk) confirm(w http.ResponseWriter, r *http.Request) {
	d.ask(w, r, http.StatusOK, "")
}

func (d *Desk) ask(w http.ResponseWriter, r *http.Request, status int, failed string) {
	in := d.cluster.Indexed()
	released := health.Released(in, entitlement.KindKisiGroup, r.PathValue("group"))
	if len(released) == 0 {
		d.wrong(w, r, http.StatusNotFound, "Nothing is held", fmt.Errorf("nothing of group %s is held; nothing was approved here", r.PathValue("group")))
		return
	}
	page := confirmPage{heldGroup: d.heldGroupOf(in, released[0]), Digest: digest(released[0]), Form: d.secrets.form, Failed: failed}
	for i, s := range spans {
		page.Spans = append(page.Spans, span{s.String(), text.Minutes(s), i == 0})
	}
	d.show(w, r, status, "confirm", frame{Title: "Approve what is held of " + page.Group, Current: "held", Page: page})
}

// approve approves what was shown, and nothing else.
func (d *Desk) approve(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 1<<16)
	group, in := r.PathValue("group"), d.cluster.Indexed()
	lasts, err := time.ParseDuration(r.PostFormValue("for"))
	released := health.Released(in, entitlement.KindKisiGroup, group)
	switch {
	case !same(r.PostFormValue("form"), d.secrets.form):
		d.wrong(w, r, http.StatusForbidden, "Nothing was approved", errors.New("the form is not one of this desk; open the page again"))
		return
	case err != nil || !slices.Contains(spans, lasts):
		d.ask(w, r, http.StatusBadRequest, "Nothing was approved: choose how long the approval lasts.")
		return
	case in.Readable(entitlement.KindMember) != nil:
		d.ask(w, r, http.StatusForbidden, "Nothing was approved.")
		return
	case len(released) == 0 || digest(released[0]) != r.PostFormValue("shown"):
		d.ask(w, r, http.StatusConflict, "Nothing was approved: what is held has changed since the page was opened. Look again.")
		return
	}
	until := d.now().Add(lasts).Truncate(time.Second)
	if err := d.cluster.Approve(r.Context(), group, until); err != nil {
		d.ask(w, r, http.StatusBadGateway, "Nothing was approved: "+err.Error())
		return
	}
	http.Redirect(w, r, "/held", http.StatusSeeOther)
}

// digest tells what is held of a group from anything else that might be.
func digest(h health.Held) string {
	written, err := json.Marshal(h.Grants)
	if err != nil {
		panic(err) // none of these types fails
	}
	sum := sha256.Sum256(written)
	return hex.EncodeToString(sum[:])
}

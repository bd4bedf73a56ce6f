package e2e

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
	"github.com/kisi-operator/kisi-operator/internal/kisi/simulator"
)

// rows lists what the person has in the Kisi group, by whomever it was made.
func (t *tenant) rows(email, group string) []simulator.Assignment {
	var rows []simulator.Assignment
	for _, row := range t.kisi.Assignments(group) {
		if strings.EqualFold(row.User, email) {
			rows = append(rows, row)
		}
	}
	return rows
}

// member reads a Member.
func (t *tenant) member(g Gomega, name string) *v1alpha1.Member {
	return get(g, t, name, &v1alpha1.Member{})
}

// implicit reads the Member that stands for a person who is only named by address.
func (t *tenant) implicit(g Gomega, email string) *v1alpha1.Member {
	return t.member(g, implicitName(email))
}

func implicitName(email string) string {
	return entitlement.ImplicitName(entitlement.Fold(v1alpha1.EmailAddress(email)))
}

// granted waits until a Member is Ready=True/Granted, and returns it.
func (t *tenant) granted(name string) *v1alpha1.Member {
	GinkgoHelper()
	member := &v1alpha1.Member{}
	t.eventually(member, name, "True", "Granted")
	return member
}

// exists reports whether an object is there.
func (t *tenant) exists(object client.Object, name string) bool {
	GinkgoHelper()
	err := admin.Get(t.ctx, t.key(name), object)
	if err != nil {
		Expect(apierrors.IsNotFound(err)).To(BeTrue(), "reading %T %s: %v", object, name, err)
	}
	return err == nil
}

// quiet reports over a second that nothing is written to Kisi.
func (t *tenant) quiet() {
	GinkgoHelper()
	before := len(t.writes())
	Consistently(func() []string { return t.writes()[before:] }).Should(BeEmpty(), "writes to Kisi at rest")
}

// bodies lists the bodies of the requests so far that Kisi was sent, by their root key.
func (t *tenant) bodies(method, path, root string) []map[string]any {
	GinkgoHelper()
	var bodies []map[string]any
	for _, request := range t.kisi.Requests(simulator.RequestFilter{Method: method, Path: path}) {
		var body map[string]map[string]any
		Expect(json.Unmarshal(request.Body, &body)).To(Succeed())
		bodies = append(bodies, body[root])
	}
	return bodies
}

// reads lists the requests so far that asked Kisi for something.
func (t *tenant) reads() []string {
	var reads []string
	for _, request := range t.kisi.Requests(simulator.RequestFilter{Method: "GET"}) {
		reads = append(reads, request.Path+"?"+request.Query)
	}
	return reads
}

// fault makes requests to Kisi go wrong.
func (t *tenant) fault(fault simulator.Fault) {
	GinkgoHelper()
	_, err := t.kisi.AddFault(fault)
	Expect(err).NotTo(HaveOccurred())
}

// act does something in Kisi as an administrator would.
func (t *tenant) act(action simulator.Action) int {
	GinkgoHelper()
	id, err := t.kisi.Act(action)
	Expect(err).NotTo(HaveOccurred())
	return id
}

// nothingDoubled says that no address has two users, and nobody two equal rows in one group.
func (t *tenant) nothingDoubled() {
	GinkgoHelper()
	for _, organization := range t.kisi.State().Organizations {
		users := map[string]int{}
		for _, user := range organization.Users {
			users[strings.ToLower(user.Email)]++
			Expect(users[strings.ToLower(user.Email)]).To(Equal(1), "users of %s", user.Email)
		}
		var known []simulator.Assignment
		for _, row := range organization.Assignments {
			Expect(slices.ContainsFunc(known, func(other simulator.Assignment) bool {
				return row.User == other.User && row.Name == other.Name && row.Role == other.Role &&
					sameTime(row.ValidFrom, other.ValidFrom) && sameTime(row.ValidUntil, other.ValidUntil)
			})).To(BeFalse(), "%s has two equal rows in %s", row.User, row.Name)
			known = append(known, row)
		}
	}
}

func sameTime(a, b *time.Time) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Equal(*b)
}

// statusWrites counts the operator's successful writes to the status of an object, by the API server's audit log.
func (t *tenant) statusWrites(resource, name string) int {
	GinkgoHelper()
	events, err := plane.AuditEventsAbout(t.namespace, t.auditBegin)
	Expect(err).NotTo(HaveOccurred())
	writes := 0
	for _, event := range events {
		ref := event.ObjectRef
		if ref != nil && ref.Namespace == t.namespace && ref.Resource == resource && ref.Name == name && ref.Subresource == "status" &&
			strings.HasPrefix(event.User.Username, "system:serviceaccount:kisi-operator-system:") &&
			(event.Verb == "update" || event.Verb == "patch") && event.ResponseStatus != nil && event.ResponseStatus.Code == 200 {
			writes++
		}
	}
	return writes
}

// timeIn is the instant so far from now, as objects have it.
func timeIn(offset time.Duration) *metav1.Time {
	return &metav1.Time{Time: time.Now().Add(offset).UTC().Truncate(time.Second)}
}

func idText(id v1alpha1.KisiID) string { return strconv.FormatInt(int64(id), 10) }

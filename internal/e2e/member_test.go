package e2e

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/types"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/kisi/simulator"
)

const ana = `
kind: Member
metadata: {name: ana}
spec:
  email: ana@example.com
  fullName: Ana Pop
  groupRefs: [{name: members}]
`

var _ = Describe("A Member", func() {
	var t *tenant

	BeforeEach(func(ctx SpecContext) {
		t = newTenant(ctx)
		t.start()
		t.fixture()
		t.kisi.ResetRequests()
	})

	It("costs two writes and no read when new, and two writes of its status", func() {
		t.apply(ana)
		member := t.granted("ana")
		Expect(t.writes()).To(Equal([]string{"POST /users", "POST /role_assignments"}))
		Expect(t.reads()).To(BeEmpty())
		Expect(member.Status.Accounts).To(HaveLen(1))
		Expect(member.Status.Accounts[0].Origin).To(Equal(v1alpha1.AccountCreated))
		Expect(member.Status.Grants).To(HaveLen(1))
		row := member.Status.Grants[0]
		Expect(row.State).To(Equal(v1alpha1.GrantActive))
		Expect(row.Sources).To(Equal([]string{"Member/ana"}))
		Expect(row.RoleAssignmentID).To(BeEquivalentTo(t.rows("ana@example.com", "Members")[0].ID))
		t.quiet()
		Expect(t.statusWrites("members", "ana")).To(Equal(2), "intent and result")

		t.kisi.ResetRequests()
		edit(t, "ana", &v1alpha1.Member{}, func(m *v1alpha1.Member) {
			m.Spec.GroupRefs = append(m.Spec.GroupRefs, v1alpha1.MemberGroupReference{Name: "uptown"})
		})
		Eventually(func() bool { return t.opens("ana@example.com", "Uptown Door", 0) }).Should(BeTrue())
		t.granted("ana")
		Expect(t.writes()).To(Equal([]string{"POST /role_assignments"}), "a known person")
		Expect(t.reads()).To(BeEmpty())
	})

	It("is let in by its groupRefs and let out when they go, and nobody else's rows change", Label("K4", "K5", "B6"), func() {
		foreign := t.kisi.Assignments("Members")
		t.apply(ana)
		t.granted("ana")
		Expect(t.opens("ana@example.com", "Entrance", 0)).To(BeTrue())
		edit(t, "ana", &v1alpha1.Member{}, func(m *v1alpha1.Member) {
			m.Spec.GroupRefs = []v1alpha1.MemberGroupReference{{Name: "uptown"}}
		})
		Eventually(func() bool { return t.opens("ana@example.com", "Uptown Door", 0) }).Should(BeTrue())
		Eventually(func() bool { return t.opens("ana@example.com", "Entrance", 0) }).Should(BeFalse())
		Expect(t.kisi.Assignments("Members")).To(Equal(foreign))
		edit(t, "ana", &v1alpha1.Member{}, func(m *v1alpha1.Member) { m.Spec.GroupRefs = nil })
		member := &v1alpha1.Member{}
		t.eventually(member, "ana", "True", "NoAccess")
		Expect(member.Status.Grants).To(BeEmpty())
		Expect(t.rows("ana@example.com", "Uptown")).To(BeEmpty())
		_, known := t.kisi.User("acme", "ana@example.com")
		Expect(known).To(BeTrue(), "a person with no grant left keeps the user: users.onUnused is Retain")
	})

	It("has the dates of its groupRefs in Kisi", Label("K4"), func() {
		t.apply(`
kind: Member
metadata: {name: ana}
spec:
  email: ana@example.com
  groupRefs:
    - {name: members, startTime: '{{time "-1h"}}', endTime: '{{time "2h"}}'}
    - {name: uptown, startTime: '{{time "1h"}}'}
    - {name: boardroom, endTime: '{{time "-1h"}}'}
`)
		member := t.granted("ana")
		Eventually(func(g Gomega) {
			member = t.member(g, "ana")
			g.Expect(member.Status.Grants).To(HaveLen(2))
			for _, row := range member.Status.Grants {
				g.Expect(row.RoleAssignmentID).NotTo(BeZero())
			}
		}).Should(Succeed())
		Expect(t.rows("ana@example.com", "Boardroom")).To(BeEmpty(), "a window in the past gives nothing")
		inside := t.rows("ana@example.com", "Members")
		Expect(inside).To(HaveLen(1))
		Expect(inside[0].ValidFrom).To(BeNil(), "a window that is open carries no start")
		Expect(*inside[0].ValidUntil).To(BeTemporally("==", member.Spec.GroupRefs[0].EndTime.Time))
		later := t.rows("ana@example.com", "Uptown")
		Expect(later).To(HaveLen(1))
		Expect(*later[0].ValidFrom).To(BeTemporally("==", member.Spec.GroupRefs[1].StartTime.Time))
		Expect(later[0].ValidUntil).To(BeNil())
		Expect(t.opens("ana@example.com", "Entrance", 2*time.Hour+time.Second)).To(BeFalse())
		Expect(t.opens("ana@example.com", "Uptown Door", 59*time.Minute)).To(BeFalse())
		Expect(t.opens("ana@example.com", "Uptown Door", time.Hour+time.Second)).To(BeTrue())
	})

	DescribeTable("loses everything while its state is not Active, and has it back afterwards", func(state v1alpha1.MemberState) {
		t.apply(ana)
		t.granted("ana")
		edit(t, "ana", &v1alpha1.Member{}, func(m *v1alpha1.Member) { m.Spec.State = state })
		member := &v1alpha1.Member{}
		t.eventually(member, "ana", "True", "NotActive")
		Expect(member.Status.Grants).To(BeEmpty())
		Expect(t.rows("ana@example.com", "Members")).To(BeEmpty())
		user, _ := t.kisi.User("acme", "ana@example.com")
		Expect(user.AccessEnabled).To(BeTrue(), "a Member's state never suspends the user")
		edit(t, "ana", &v1alpha1.Member{}, func(m *v1alpha1.Member) { m.Spec.State = v1alpha1.MemberActive })
		t.granted("ana")
		Expect(t.opens("ana@example.com", "Entrance", 0)).To(BeTrue())
		t.nothingDoubled()
	},
		Entry("Suspended", v1alpha1.MemberSuspended),
		Entry("Pending", v1alpha1.MemberPending),
	)

	It("gets no user while it was never Active", func() {
		t.apply(`
kind: Member
metadata: {name: ana}
spec: {email: ana@example.com, state: Pending, groupRefs: [{name: members}]}
`)
		t.eventually(&v1alpha1.Member{}, "ana", "True", "NotActive")
		t.quiet()
		Expect(t.writes()).To(BeEmpty())
	})

	It("adopts the Kisi user of its address whatever the case, and never deletes it", Label("B5"), func() {
		t.apply(`
kind: Member
metadata: {name: gary}
spec: {email: Gary@ACME.example, fullName: Somebody Else, groupRefs: [{name: uptown}]}
`)
		member := t.granted("gary")
		Expect(member.Status.Accounts[0].Origin).To(Equal(v1alpha1.AccountFound))
		gary, _ := t.kisi.User("acme", "gary@acme.example")
		Expect(member.Status.Accounts[0].UserID).To(BeEquivalentTo(gary.ID))
		Expect(gary.Name).To(Equal("Gary Guest"), "the name of a user that was there before stays")
		t.delete(&v1alpha1.Member{}, "gary")
		t.gone(&v1alpha1.Member{}, "gary")
		Expect(t.rows("gary@acme.example", "Uptown")).To(BeEmpty())
		_, known := t.kisi.User("acme", "gary@acme.example")
		Expect(known).To(BeTrue())
		Expect(t.writes()).To(Equal([]string{"POST /users", "POST /role_assignments", "DELETE /role_assignments/" + idOf(member)}))
	})

	It("is one person whatever the case of the address", func() {
		t.apply(boardroom)
		t.apply(ana)
		t.granted("ana")
		t.apply(`
kind: BookingGrant
metadata: {name: b1}
spec:
  placeRef: {name: boardroom}
  organizer: {email: ANA@Example.COM}
  startTime: '{{time "-1m"}}'
  endTime: '{{time "1h"}}'
`)
		t.eventually(&v1alpha1.BookingGrant{}, "b1", "True", "Granted")
		Expect(t.member(Default, "ana").Status.Grants).To(HaveLen(2))
		Expect(t.exists(&v1alpha1.Member{}, implicitName("ana@example.com"))).To(BeFalse())
		t.nothingDoubled()
	})

	It("of the same address as an older one says so and does nothing until the older one goes", func() {
		t.apply(ana)
		t.granted("ana")
		before := t.rows("ana@example.com", "Members")
		t.kisi.ResetRequests()
		t.apply(`
kind: Member
metadata: {name: anita}
spec: {email: ANA@example.com, groupRefs: [{name: uptown}]}
`)
		second := &v1alpha1.Member{}
		t.eventually(second, "anita", "False", "DuplicateEmail")
		Expect(messageOf(second)).To(ContainSubstring(`"ana"`))
		Expect(condition(second, v1alpha1.ConditionStalled).Status).To(BeEquivalentTo("True"))
		t.quiet()
		Expect(t.writes()).To(BeEmpty())
		t.delete(&v1alpha1.Member{}, "ana")
		t.gone(&v1alpha1.Member{}, "ana")
		t.granted("anita")
		Expect(t.rows("ana@example.com", "Members")).To(BeEmpty(), "%v is taken back", before)
		Expect(t.opens("ana@example.com", "Uptown Door", 0)).To(BeTrue())
		t.nothingDoubled()
	})

	It("has its own row beside a foreign one of the same person, which stays", func() {
		t.act(simulator.Action{Action: simulator.ActionGrant, User: "gary@acme.example", Group: "Uptown"})
		foreign := t.rows("gary@acme.example", "Uptown")
		t.apply(`
kind: Member
metadata: {name: gary}
spec:
  email: gary@acme.example
  groupRefs: [{name: uptown, endTime: '{{time "1h"}}'}]
`)
		t.granted("gary")
		Expect(t.rows("gary@acme.example", "Uptown")).To(ContainElement(foreign[0]))
		t.delete(&v1alpha1.Member{}, "gary")
		t.gone(&v1alpha1.Member{}, "gary")
		Expect(t.rows("gary@acme.example", "Uptown")).To(Equal(foreign))
	})

	It("is Covered where Kisi refuses a second row and somebody else's lets the person in", func() {
		t.apply(`
kind: Member
metadata: {name: mara}
spec: {email: mara@acme.example, groupRefs: [{name: members}]}
`)
		member := t.granted("mara")
		Expect(member.Status.Grants[0].State).To(Equal(v1alpha1.GrantCovered))
		Expect(member.Status.Grants[0].RoleAssignmentID).To(BeZero())
		t.quiet()
		Expect(t.rows("mara@acme.example", "Members")).To(HaveLen(1))
		t.delete(&v1alpha1.Member{}, "mara")
		t.gone(&v1alpha1.Member{}, "mara")
		Expect(t.rows("mara@acme.example", "Members")).To(HaveLen(1), "what is not ours is not touched")
	})
})

// idOf names the only role assignment in a Member's ledger.
func idOf(member *v1alpha1.Member) string {
	GinkgoHelper()
	Expect(member.Status.Grants).To(HaveLen(1))
	return idText(member.Status.Grants[0].RoleAssignmentID)
}

var _ = Describe("What Kisi mails to a person", func() {
	DescribeTable("follows the connection's users.type and notifications", Label("O7"), func(ctx SpecContext, settings string, sendEmails bool, confirm types.GomegaMatcher, first, later bool) {
		t := newTenant(ctx, "duplicates=AlwaysNew")
		t.start()
		t.fixture(settings)
		t.apply(ana)
		t.granted("ana")
		Expect(t.bodies("POST", "/users", "user")).To(HaveExactElements(And(
			HaveKeyWithValue("send_emails", sendEmails),
			WithTransform(func(body map[string]any) any { return body["confirm"] }, confirm),
			HaveKeyWithValue("email", "ana@example.com"), HaveKeyWithValue("name", "Ana Pop"))))
		edit(t, "ana", &v1alpha1.Member{}, func(m *v1alpha1.Member) {
			m.Spec.GroupRefs = append(m.Spec.GroupRefs, v1alpha1.MemberGroupReference{Name: "uptown"})
		})
		Eventually(func() bool { return t.opens("ana@example.com", "Uptown Door", 0) }).Should(BeTrue(), "new access later")
		t.granted("ana")
		edit(t, "ana", &v1alpha1.Member{}, func(m *v1alpha1.Member) {
			m.Spec.GroupRefs[1].EndTime = timeIn(time.Hour)
		})
		Eventually(func(g Gomega) {
			rows := t.rows("ana@example.com", "Uptown")
			g.Expect(rows).To(HaveLen(1))
			g.Expect(rows[0].ValidUntil).NotTo(BeNil(), "a replacement")
		}).Should(Succeed())
		var notify []any
		for _, body := range t.bodies("POST", "/role_assignments", "role_assignment") {
			notify = append(notify, body["notify"])
		}
		Expect(notify).To(Equal([]any{first, later, false}), "first row in the organization, new access later, replacement")
	},
		Entry("Regular, Default", "notifications: Default", true, BeNil(), true, false),
		Entry("Regular, Always", "notifications: Always", true, BeNil(), true, true),
		Entry("Regular, Never", "notifications: Never", false, BeTrue(), false, false),
		Entry("Managed", "users: {type: Managed}", false, BeTrue(), false, false),
		Entry("Managed, Always", "users: {type: Managed}\n  notifications: Always", false, BeTrue(), false, false),
	)
})

package e2e

import (
	"net/http"
	"slices"
	"strconv"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/kisi/simulator"
)

// otherOrganization is one that the tenant's connection must not be pointed at by accident.
const otherOrganization = `
organizations:
  - name: Globex
    domain: globex
    id: 4711
    owner: hank@globex.example
    users:
      - {email: hank@globex.example, name: Hank}
      - {email: lenny@globex.example, name: Lenny}
    groups:
      - {name: Members}
      - {name: Boardroom}
      - {name: Uptown}
    keys:
      - {user: hank@globex.example, secret: globex-key-0123456789}
      - {user: lenny@globex.example, secret: lenny-key-0123456789}
`

const globexKey = "globex-key-0123456789"

// newKey makes an API key for a person in Kisi, who is made too if there is no such person.
func (t *tenant) newKey(email, key string) {
	GinkgoHelper()
	if _, exists := t.kisi.User("acme", email); !exists {
		t.kisi.act(simulator.Action{Action: simulator.ActionCreateUser, Email: email, Name: email})
	}
	t.kisi.act(simulator.Action{Action: simulator.ActionCreateKey, User: email, Secret: key})
}

// connection waits for a condition of the connection named default, and returns the connection.
func (t *tenant) connection(conditionType, statusAndReason string, words ...string) *v1alpha1.KisiConnection {
	GinkgoHelper()
	c := &v1alpha1.KisiConnection{}
	t.says(c, "default", conditionType, statusAndReason, words...)
	return c
}

// book applies a booking of the boardroom that is open now, for one person.
func (t *tenant) book(name, email string) {
	GinkgoHelper()
	t.apply(`
kind: BookingGrant
metadata: {name: ` + name + `}
spec:
  placeRef: {name: boardroom}
  organizer: {email: ` + email + `}
  startTime: '{{time "-1m"}}'
  endTime: '{{time "1h"}}'
`)
}

var _ = Describe("A KisiConnection", func() {
	var t *tenant

	BeforeEach(func(ctx SpecContext) {
		t = newTenant(ctx)
		t.start()
	})

	It("says whose key it is, and where", Label("K1"), func() {
		t.connect()
		c := t.connection(v1alpha1.ConditionReady, "True Connected", "3289")
		Expect(c.Status.Organization).To(HaveValue(Equal(v1alpha1.ConnectedOrganization{ID: 3289, Name: "Acme", Domain: "acme"})))
		Expect(c.Status.Account.Role).To(Equal(v1alpha1.AccountRoleOwner))
		olga, _ := t.kisi.User("acme", "olga@acme.example")
		Expect(c.Status.Account.UserID).To(BeEquivalentTo(olga.ID))
		t.connection(v1alpha1.ConditionAuthenticated, "True Authenticated")
		t.connection(v1alpha1.ConditionAuthorized, "True Authorized")
		t.connection(v1alpha1.ConditionOwnerKey, "True KeyOwnerIsOrganizationOwner")
		Expect(t.writes()).To(BeEmpty())
	})

	DescribeTable("works with the key of", Label("K1", "B2"),
		func(email, role, place string) {
			if role != "" {
				t.kisi.act(simulator.Action{Action: simulator.ActionCreateUser, Email: email, Name: "Somebody"})
				t.kisi.act(simulator.Action{Action: simulator.ActionGrant, User: email, Role: role, Place: place})
			}
			t.newKey(email, "somebodys-key-0123456789")
			t.connectWith("somebodys-key-0123456789")
			c := t.connection(v1alpha1.ConditionOwnerKey, "False KeyOwnerIsNotOrganizationOwner", "organization's owner")
			Expect(readyOf(c)).To(Equal("True Connected"), "the owner's key is advice")
			t.connection(v1alpha1.ConditionAuthorized, "True Authorized")
			Expect(c.Status.Account.Role).To(Equal(v1alpha1.AccountRoleOther))

			t.apply(groups + "\n---\n" + boardroom)
			t.eventually(&v1alpha1.KisiGroup{}, "boardroom", "True", "Bound")
			t.book("b1", "gary@acme.example")
			t.eventually(&v1alpha1.BookingGrant{}, "b1", "True", "Granted")
			Expect(t.opens("gary@acme.example", "Boardroom", 0)).To(BeTrue())
			edit(t, "b1", &v1alpha1.BookingGrant{}, func(b *v1alpha1.BookingGrant) { b.Spec.State = v1alpha1.BookingCanceled })
			Eventually(func() bool { return t.opens("gary@acme.example", "Boardroom", 0) }).Should(BeFalse(), "and takes back")
		},
		Entry("an administrator", "adam@acme.example", "", ""),
		Entry("an organization access manager", "amy@acme.example", "organization_access_manager", ""),
		Entry("a user manager", "uma@acme.example", "user_manager", ""),
		Entry("a place administrator, for people whom Kisi knows", "pia@acme.example", "place_administrator", "Downtown"),
	)

	It("says what a place administrator's key cannot do, and goes on when the person is there", Label("B2"), func() {
		t.kisi.act(simulator.Action{Action: simulator.ActionCreateUser, Email: "pia@acme.example"})
		t.kisi.act(simulator.Action{Action: simulator.ActionGrant, User: "pia@acme.example", Role: "place_administrator", Place: "Downtown"})
		t.newKey("pia@acme.example", "pias-key-0123456789")
		t.connectWith("pias-key-0123456789")
		t.connection(v1alpha1.ConditionOwnerKey, "False KeyOwnerIsNotOrganizationOwner")
		t.apply(groups + "\n---\n" + boardroom)
		t.notReady(&v1alpha1.KisiGroup{}, "uptown", v1alpha1.ReasonGroupNotFound, "Uptown")
		t.book("b1", "new@example.com")
		t.notReady(&v1alpha1.Member{}, implicit("new@example.com"), v1alpha1.ReasonInsufficientRole, "403", "role")
		t.connection(v1alpha1.ConditionReady, "True Connected")
		t.kisi.act(simulator.Action{Action: simulator.ActionCreateUser, Email: "new@example.com"})
		t.eventually(&v1alpha1.BookingGrant{}, "b1", "True", "Granted")
	})

	It("refuses the key of somebody without rights, and works when they get some", Label("S4", "P1"), func() {
		t.connectWith("guest-key-0123456789")
		c := t.connection(v1alpha1.ConditionAuthorized, "False InsufficientRole", "role_assignments_write", "administrator")
		Expect(readyOf(c)).To(Equal("False InsufficientRole"))
		Expect(isStalled(c)).To(BeTrue())
		t.connection(v1alpha1.ConditionAuthenticated, "True Authenticated")
		Expect(c.Status.Organization).To(BeNil(), "only a success pins the organization")

		t.kisi.act(simulator.Action{Action: simulator.ActionGrant, User: "gary@acme.example", Role: "organization_administrator"})
		t.lookAgain("default")
		t.connection(v1alpha1.ConditionReady, "True Connected")
	})

	It("refuses a key that Kisi does not know", Label("S4"), func() {
		t.connectWith("nobodys-key-0123456789")
		c := t.connection(v1alpha1.ConditionAuthenticated, "False Unauthorized", "401", "new key")
		Expect(readyOf(c)).To(Equal("False Unauthorized"))
		Expect(isStalled(c)).To(BeTrue())
		t.connection(v1alpha1.ConditionAuthorized, "Unknown NotChecked")
		t.secret("kisi", "apiKey", ownerKey)
		t.connection(v1alpha1.ConditionReady, "True Connected")
		t.connection(v1alpha1.ConditionAuthorized, "True Authorized")
	})

	It("says that Kisi may have pushed the key out for newer ones of the same user", Label("S4"), func() {
		Expect(t.kisi.SetSwitch("apiKeyCap", "FortyOldest")).To(Succeed())
		t.connect()
		t.connection(v1alpha1.ConditionReady, "True Connected")
		t.pollEvery(time.Hour) // the key that is not used for longest is the one that goes
		for i := range 40 {
			t.kisi.as("olga@acme.example", http.MethodPost, "/logins", map[string]any{
				"login": map[string]any{"type": "api", "name": "another " + strconv.Itoa(i)},
			})
		}
		annotate(t, "default", &v1alpha1.KisiConnection{}, v1alpha1.ReconcileAtAnnotation, "again")
		t.connection(v1alpha1.ConditionAuthenticated, "False Unauthorized", "more API keys than Kisi keeps")
	})

	It("waits for its Secret", func() {
		t.connectWith("")
		t.delete(secretNamed("kisi"), "kisi")
		t.withoutKey(v1alpha1.ReasonSecretNotFound, "spec.apiKeySecretRef", `"kisi"`, `"apiKey"`)
		t.secret("kisi", "apiKey", ownerKey)
		t.connection(v1alpha1.ConditionReady, "True Connected")
	})

	DescribeTable("says what is wrong with the key in its Secret, and heals",
		func(key, value string, words ...string) {
			t.connectWith("")
			t.delete(secretNamed("kisi"), "kisi")
			t.secret("kisi", key, value)
			t.withoutKey(v1alpha1.ReasonSecretKeyMissing, append(words, "spec.apiKeySecretRef", `"kisi"`, `"apiKey"`)...)
			asked := len(t.kisi.Requests(simulator.RequestFilter{Status: http.StatusUnauthorized}))
			Expect(asked).To(BeZero(), "a key that cannot be one is not tried")
			t.secret("kisi", "apiKey", ownerKey+"\n")
			t.connection(v1alpha1.ConditionReady, "True Connected")
		},
		Entry("no such key", "token", ownerKey, "no key"),
		Entry("empty", "apiKey", "", "empty"),
		Entry("nothing but white space", "apiKey", " \n\t", "empty"),
		Entry("two words", "apiKey", "KISI-LOGIN broken-key-0123456789", "whitespace inside"),
		Entry("two lines", "apiKey", "broken-key-0123\nsecond-line-4567", "whitespace inside"),
		Entry("a control character", "apiKey", "broken-key\x01-0123456789", "control character"),
		Entry("a letter outside ASCII", "apiKey", "brökenkey0123456789", "outside ASCII"),
	)

	It("refuses the key of another organization than spec.organizationID", func() {
		Expect(t.kisi.LoadSeed([]byte(otherOrganization))).To(Succeed())
		t.connectWith(globexKey, "organizationID: 3289")
		c := t.connection(v1alpha1.ConditionAuthorized, "False OrganizationMismatch", "4711", "3289", "spec.organizationID")
		Expect(readyOf(c)).To(Equal("False OrganizationMismatch"))
		Expect(isStalled(c)).To(BeTrue())
		Expect(c.Status.Organization).To(BeNil())
		t.connection(v1alpha1.ConditionAuthenticated, "True Authenticated")
		edit(t, "default", &v1alpha1.KisiConnection{}, func(c *v1alpha1.KisiConnection) { c.Spec.OrganizationID = 4711 })
		t.connection(v1alpha1.ConditionReady, "True Connected", "4711")
	})

	It("refuses another organization's key before it looks at the owner's role", func() {
		Expect(t.kisi.LoadSeed([]byte(otherOrganization))).To(Succeed())
		t.connectWith("lenny-key-0123456789", "organizationID: 3289")
		t.connection(v1alpha1.ConditionReady, "False OrganizationMismatch", "4711", "3289")
	})

	It("is not pinned to an organization by a key that may not do anything", func() {
		Expect(t.kisi.LoadSeed([]byte(otherOrganization))).To(Succeed())
		t.connectWith("lenny-key-0123456789")
		t.connection(v1alpha1.ConditionReady, "False InsufficientRole")
		t.secret("kisi", "apiKey", ownerKey)
		t.connection(v1alpha1.ConditionReady, "True Connected", "3289")
	})

	It("says so when Kisi does not even let the key's owner see the organization", func() {
		end := t.kisi.fault(simulator.Fault{Kind: simulator.FaultStatus, Status: http.StatusForbidden, Path: "/organization"})
		t.connect()
		t.connection(v1alpha1.ConditionAuthorized, "False InsufficientRole", "403", "administrator")
		end()
		t.lookAgain("default")
		t.connection(v1alpha1.ConditionReady, "True Connected")
	})

	It("sends nothing to an endpoint that is not allowed, and does not read the Secret", func() {
		elsewhere := newKisi()
		t.secret("kisi", "apiKey", ownerKey)
		t.apply(`
kind: KisiConnection
metadata: {name: default}
spec:
  apiKeySecretRef: {name: kisi}
  endpoint: ` + elsewhere.URL())
		c := t.connection(v1alpha1.ConditionReady, "False EndpointNotAllowed", "spec.endpoint", elsewhere.URL(), "--allowed-endpoint", t.kisi.URL())
		Expect(isStalled(c)).To(BeTrue())
		t.connection(v1alpha1.ConditionAuthenticated, "False EndpointNotAllowed")
		t.connection(v1alpha1.ConditionAuthorized, "Unknown NotChecked")
		t.lookAgain("default")
		t.stays(&v1alpha1.KisiConnection{}, "default", "False EndpointNotAllowed")
		Expect(elsewhere.Requests(simulator.RequestFilter{})).To(BeEmpty())
		Expect(t.secretReads("kisi")).To(BeZero())
	})

	It("says that Kisi cannot be reached, and heals by itself", func() {
		end := t.kisi.fault(simulator.Fault{Kind: simulator.FaultStatus, Status: http.StatusInternalServerError})
		t.connect()
		c := t.connection(v1alpha1.ConditionReady, "False Unreachable", "cannot be reached")
		Expect(isReconciling(c)).To(BeTrue(), "it is tried again")
		end()
		t.connection(v1alpha1.ConditionReady, "True Connected")
	})

	It("says that nobody answers at the endpoint", func() {
		elsewhere := newKisi()
		t.stop()
		t.options.AllowedEndpoints = []string{elsewhere.URL()}
		elsewhere.Close()
		t.start()
		t.secret("kisi", "apiKey", ownerKey)
		t.apply(`
kind: KisiConnection
metadata: {name: default}
spec:
  apiKeySecretRef: {name: kisi}
  endpoint: ` + elsewhere.URL())
		t.connection(v1alpha1.ConditionReady, "False Unreachable", "no answer")
	})

	It("says that the operator's own role is what keeps it from the Secret, and heals when it may read it", func() {
		t.stop()
		t.config = t.blindToSecrets()
		t.start()
		t.connect()
		t.connection(v1alpha1.ConditionReady, "False Unreachable", "spec.apiKeySecretRef", `"kisi"`, "role")
		Expect(t.kisi.Requests(simulator.RequestFilter{})).To(BeEmpty())
		t.letReadSecrets()
		t.connection(v1alpha1.ConditionReady, "True Connected")
	})

	It("asks Kisi anew when reconcile-at changes, and only then", func() {
		t.connect()
		t.connection(v1alpha1.ConditionReady, "True Connected")
		probes := func() int { return t.kisi.CountRequests(simulator.RequestFilter{Path: "/login"}) }
		Expect(probes()).To(Equal(1))
		t.lookAgain("default")
		Eventually(probes).Should(Equal(2))
		Consistently(probes, time.Second).Should(Equal(2))
	})
})

// withoutKey waits until the connection says that it has no usable key, in every condition.
func (t *tenant) withoutKey(reason string, words ...string) {
	GinkgoHelper()
	c := t.connection(v1alpha1.ConditionReady, "False "+reason, words...)
	Expect(isStalled(c)).To(BeFalse(), "it heals without a change of this object")
	t.connection(v1alpha1.ConditionAuthenticated, "False "+reason, words...)
	t.connection(v1alpha1.ConditionAuthorized, "Unknown NotChecked")
}

// blindToSecrets is the identity of an operator that may do all that its role allows but read the content of Secrets.
func (t *tenant) blindToSecrets() *rest.Config {
	GinkgoHelper()
	return t.lacking(func(rule *rbacv1.PolicyRule) {
		if slices.Contains(rule.Resources, "secrets") {
			rule.Verbs = []string{"list", "watch"}
		}
	})
}

// lacking is the identity of an operator that may do what is left of its role when something is taken out.
func (t *tenant) lacking(take func(*rbacv1.PolicyRule)) *rest.Config {
	GinkgoHelper()
	role := &rbacv1.ClusterRole{}
	Expect(admin.Get(t.ctx, client.ObjectKey{Name: "kisi-operator"}, role)).To(Succeed())
	less := &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: t.namespace}, Rules: role.DeepCopy().Rules}
	for i := range less.Rules {
		take(&less.Rules[i])
	}
	Expect(admin.Create(t.ctx, less)).To(Succeed())
	DeferCleanup(func() { _ = admin.Delete(t.ctx, less) })
	t.bind("less", rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: less.Name})
	config, err := plane.ConfigFor(t.namespace)
	Expect(err).NotTo(HaveOccurred())
	return config
}

// letReadSecrets gives that identity what it lacks.
func (t *tenant) letReadSecrets() {
	GinkgoHelper()
	t.bind("seeing", rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "kisi-operator"})
}

// bind gives a user, called like the namespace, a role everywhere.
func (t *tenant) bind(name string, role rbacv1.RoleRef) {
	GinkgoHelper()
	binding := &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: t.namespace + "-" + name},
		RoleRef:    role, Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: t.namespace}},
	}
	Expect(admin.Create(t.ctx, binding)).To(Succeed())
	DeferCleanup(func() { _ = admin.Delete(t.ctx, binding) })
}

package e2e

import (
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/kisi/simulator"
)

const withLogins = "users: {type: Managed, logins: Secret}"

const loginOfAna = "ana-default-kisi-login"

// letWriteSecrets gives the operator the optional role that logins take, in the tenant's namespace.
func (t *tenant) letWriteSecrets() {
	GinkgoHelper()
	_, err := plane.ApplyPath(t.ctx, filepath.Join(root, "config/rbac-logins/role.yaml"))
	Expect(err).NotTo(HaveOccurred())
	Expect(admin.Create(t.ctx, &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Namespace: t.namespace, Name: "kisi-operator-logins"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "kisi-operator-logins"},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: "kisi-operator-system", Name: "kisi-operator"}},
	})).To(Succeed())
}

// login waits until a Member's LoginReady has the status and reason, and says the words.
func (t *tenant) login(member, statusAndReason string, words ...string) {
	GinkgoHelper()
	Eventually(func(g Gomega) {
		is := condition(t.member(g, member), v1alpha1.ConditionLoginReady)
		g.Expect(string(is.Status)+" "+is.Reason).To(Equal(statusAndReason), is.Message)
		for _, word := range words {
			g.Expect(is.Message).To(ContainSubstring(word))
		}
	}).Should(Succeed())
}

// loginSecret reads the Secret of a login, as an app does.
func (t *tenant) loginSecret(name string) (secret, userID, email string) {
	GinkgoHelper()
	stored := get(Default, t, name, &corev1.Secret{})
	Expect(stored.Data).To(HaveLen(3))
	return string(stored.Data["secret"]), string(stored.Data["userID"]), string(stored.Data["email"])
}

// unlock opens a door as the app that has the login does, and returns Kisi's answer.
func (t *tenant) unlock(secret, lock string) int {
	GinkgoHelper()
	id := 0
	for _, door := range t.kisi.State().Organizations[0].Locks {
		if door.Name == lock {
			id = door.ID
		}
	}
	request, err := http.NewRequestWithContext(t.ctx, http.MethodPost, fmt.Sprintf("%s/locks/%d/unlock", t.kisi.URL(), id), strings.NewReader("{}"))
	Expect(err).NotTo(HaveOccurred())
	request.Header.Set("Authorization", "KISI-LOGIN "+secret)
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept", "application/json")
	answer, err := http.DefaultClient.Do(request)
	Expect(err).NotTo(HaveOccurred())
	defer func() { _ = answer.Body.Close() }()
	_, _ = io.Copy(io.Discard, answer.Body)
	return answer.StatusCode
}

// devices lists the device logins of a person, by id.
func (t *tenant) devices(email string) []int {
	var ids []int
	for _, login := range t.kisi.State().Organizations[0].Logins {
		if login.User == email && login.Type == "device" {
			ids = append(ids, login.ID)
		}
	}
	return ids
}

// unlocks lists who opened doors, by Kisi's event log.
func (t *tenant) unlocks() []string {
	GinkgoHelper()
	changes, err := t.kisi.History("acme", time.Time{}, time.Time{})
	Expect(err).NotTo(HaveOccurred())
	var unlocks []string
	for _, change := range changes {
		if change.Type == "lock.unlock" && change.Success {
			unlocks = append(unlocks, change.By+" "+change.ObjectName)
		}
	}
	return unlocks
}

var _ = Describe("A login for an app that unlocks in the person's name", func() {
	var t *tenant

	BeforeEach(func(ctx SpecContext) {
		t = newTenant(ctx)
		t.options.RequestTimeout = requestTimeout
	})

	populate := func() {
		GinkgoHelper()
		t.letWriteSecrets()
		t.start()
		t.fixture(withLogins)
		t.apply(ana)
		t.granted("ana")
		t.login("ana", "True LoginStored", loginOfAna)
	}
	gone := func(name string) {
		GinkgoHelper()
		Eventually(func() bool { return t.exists(&corev1.Secret{}, name) }).Should(BeFalse(), "Secret %s", name)
	}

	It("is in a Secret of the Member's; Kisi's event log names the person; it is refused when the last grant is gone", Label("K7"), func() {
		populate()
		stored := get(Default, t, loginOfAna, &corev1.Secret{})
		member := t.member(Default, "ana")
		Expect(metav1.IsControlledBy(stored, member)).To(BeTrue())
		secret, userID, email := t.loginSecret(loginOfAna)
		Expect(userID).To(Equal(idText(member.Status.Accounts[0].UserID)))
		Expect(email).To(Equal("ana@example.com"))
		Expect(t.bodies("POST", "/logins", "login")).To(HaveExactElements(And(
			HaveKeyWithValue("type", "device"), HaveKeyWithValue("email", "ana@example.com"), HaveKeyWithValue("expire", false))))

		Expect(t.unlock(secret, "Entrance")).To(Equal(http.StatusOK))
		Expect(t.unlock(secret, "Boardroom")).To(Equal(http.StatusForbidden), "the login opens what the person may open")
		Expect(t.unlocks()).To(HaveExactElements("ana@example.com Entrance"))

		edit(t, "ana", &v1alpha1.Member{}, func(m *v1alpha1.Member) { m.Spec.GroupRefs = nil })
		t.eventually(&v1alpha1.Member{}, "ana", "True", "NoAccess")
		gone(loginOfAna)
		Eventually(func() int { return t.unlock(secret, "Entrance") }).Should(Equal(http.StatusUnauthorized))
		Eventually(func(g Gomega) {
			member := t.member(g, "ana")
			g.Expect(member.Status.Logins).To(BeEmpty())
			g.Expect(condition(member, v1alpha1.ConditionLoginReady).Type).To(BeEmpty())
		}).Should(Succeed())
		Expect(t.devices("ana@example.com")).To(BeEmpty())
		t.quiet()
	})

	It("costs one request, none at rest, and its content is not read by the operator", func() {
		populate()
		t.quiet()
		Expect(t.writes()).To(HaveExactElements("POST /users", "POST /role_assignments", "POST /logins"))
		Expect(t.kisi.CountRequests(simulator.RequestFilter{Path: "/logins", Method: "GET"})).To(BeZero())
		before := t.operatorWrites()
		Consistently(t.operatorWrites).Should(Equal(before))
		Expect(t.secretReads(loginOfAna)).To(BeNumerically("<=", 1), "looking whether the name is free")
	})

	It("is there for a window that opens later, and goes when the window has closed by itself", func() {
		t.letWriteSecrets()
		t.start()
		t.fixture(withLogins)
		t.apply(boardroom)
		t.apply(bookingOf("b1", "-1m", "4s"))
		name := implicitName("ana@example.com") + "-default-kisi-login"
		Eventually(func() bool { return t.exists(&corev1.Secret{}, name) }).Should(BeTrue())
		secret, _, _ := t.loginSecret(name)
		t.eventually(&v1alpha1.BookingGrant{}, "b1", "True", "Ended")
		gone(name)
		Eventually(func() int { return t.unlock(secret, "Entrance") }).Should(Equal(http.StatusUnauthorized))
		t.apply(bookingOf("later", "3h", "4h"))
		t.eventually(&v1alpha1.BookingGrant{}, "later", "True", "Scheduled")
		Eventually(func() bool { return t.exists(&corev1.Secret{}, name) }).Should(BeTrue())
	})

	It("is made again when its Secret is deleted by hand; the old one ends first", func() {
		populate()
		before, _, _ := t.loginSecret(loginOfAna)
		t.delete(&corev1.Secret{}, loginOfAna)
		Eventually(func(g Gomega) {
			stored := get(g, t, loginOfAna, &corev1.Secret{})
			g.Expect(string(stored.Data["secret"])).NotTo(Or(Equal(before), BeEmpty()))
		}).Should(Succeed())
		t.login("ana", "True LoginStored")
		Expect(t.unlock(before, "Entrance")).To(Equal(http.StatusUnauthorized))
		now, _, _ := t.loginSecret(loginOfAna)
		Expect(t.unlock(now, "Entrance")).To(Equal(http.StatusOK))
		Expect(t.devices("ana@example.com")).To(HaveLen(1))
		writes := t.writes()
		Expect(slices.IndexFunc(writes, func(w string) bool { return strings.HasPrefix(w, "DELETE /logins/") })).
			To(BeNumerically("<", len(writes)-1), "%v", writes)
	})

	It("goes with users.logins: None, and no other login of the person is touched", func() {
		populate()
		own, _, err := t.kisi.CallAs("acme", "ana@example.com", "POST", "/logins", map[string]any{"login": map[string]any{"type": "device"}})
		Expect(err).NotTo(HaveOccurred())
		Expect(own).To(Equal(http.StatusOK))
		edit(t, "default", &v1alpha1.KisiConnection{}, func(c *v1alpha1.KisiConnection) { c.Spec.Users.Logins = v1alpha1.LoginsNone })
		gone(loginOfAna)
		Eventually(func() []int { return t.devices("ana@example.com") }).Should(HaveLen(1), "their own phone")
		t.stays(&v1alpha1.Member{}, "ana", "True Granted")
		Expect(t.opens("ana@example.com", "Entrance", 0)).To(BeTrue())
	})

	It("is not made without the role to write Secrets, and is when the role comes", func() {
		t.start()
		t.fixture(withLogins)
		t.apply(ana)
		t.granted("ana")
		t.login("ana", "False LoginsForbidden", "config/rbac-logins", loginOfAna)
		Expect(t.writes()).NotTo(ContainElement("POST /logins"), "a login whose secret would be lost")
		t.stays(&v1alpha1.Member{}, "ana", "True Granted")
		t.letWriteSecrets()
		t.lookAtMember("ana")
		t.login("ana", "True LoginStored")
		Expect(t.devices("ana@example.com")).To(HaveLen(1))
	})

	It("is not made without the right to set the Member's finalizers, and says so", func() {
		t.letWriteSecrets()
		t.config = t.lacking(func(rule *rbacv1.PolicyRule) {
			rule.Resources = slices.DeleteFunc(rule.Resources, func(resource string) bool { return resource == "members/finalizers" })
		})
		t.bind("logins", rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "kisi-operator-logins"})
		t.start()
		t.fixture(withLogins)
		t.apply(ana)
		t.granted("ana")
		t.login("ana", "False LoginsForbidden")
		Expect(t.writes()).NotTo(ContainElement("POST /logins"))
	})

	It("never overwrites a Secret that is not the Member's", func() {
		t.letWriteSecrets()
		t.secret(loginOfAna, "secret", "somebody-elses-0123456789")
		t.start()
		t.fixture(withLogins)
		t.apply(ana)
		t.granted("ana")
		t.login("ana", "False SecretNameTaken", loginOfAna)
		Expect(t.writes()).NotTo(ContainElement("POST /logins"))
		Expect(get(Default, t, loginOfAna, &corev1.Secret{}).Data["secret"]).To(BeEquivalentTo("somebody-elses-0123456789"))
		t.delete(&corev1.Secret{}, loginOfAna)
		t.login("ana", "True LoginStored")
		t.delete(&v1alpha1.Member{}, "ana")
		t.gone(&v1alpha1.Member{}, "ana")
	})

	It("goes with the Member, and the deletion does not wait for it while the connection does not work", func() {
		populate()
		secret, _, _ := t.loginSecret(loginOfAna)
		t.secret("kisi", "apiKey", "wrong-key-0123456789")
		t.eventually(&v1alpha1.KisiConnection{}, "default", "False", "Unauthorized")
		t.delete(&v1alpha1.Member{}, "ana")
		t.gone(&v1alpha1.Member{}, "ana")
		Expect(t.unlock(secret, "Entrance")).To(Equal(http.StatusOK), "what cannot be taken back now stays")
		Expect(t.implicit(Default, "ana@example.com").Status.Logins).To(HaveLen(1), "and is not forgotten")
		t.secret("kisi", "apiKey", ownerKey)
		t.gone(&v1alpha1.Member{}, implicitName("ana@example.com"))
		Expect(t.devices("ana@example.com")).To(BeEmpty())
		Expect(t.unlock(secret, "Entrance")).To(Equal(http.StatusUnauthorized))
	})

	It("moves to whoever comes to stand for the address, without a request to Kisi", func() {
		t.letWriteSecrets()
		t.start()
		t.fixture(withLogins)
		t.apply(boardroom)
		t.apply(bookingOf("b1", "-1m", "1h"))
		t.eventually(&v1alpha1.BookingGrant{}, "b1", "True", "Granted")
		name := implicitName("ana@example.com") + "-default-kisi-login"
		t.login(implicitName("ana@example.com"), "True LoginStored", name)
		secret, _, _ := t.loginSecret(name)
		t.kisi.ResetRequests()

		t.apply(explicitAna)
		t.granted("ana")
		t.login("ana", "True LoginStored", loginOfAna)
		t.gone(&v1alpha1.Member{}, implicitName("ana@example.com"))
		gone(name)
		moved, _, _ := t.loginSecret(loginOfAna)
		Expect(moved).To(Equal(secret))
		Expect(t.writes()).To(BeEmpty())
		Expect(t.unlock(secret, "Boardroom")).To(Equal(http.StatusOK))

		t.delete(&v1alpha1.Member{}, "ana")
		t.gone(&v1alpha1.Member{}, "ana")
		t.login(implicitName("ana@example.com"), "True LoginStored", name)
		Eventually(func() bool { return t.exists(&corev1.Secret{}, loginOfAna) }).Should(BeFalse())
		Expect(t.writes()).NotTo(ContainElement("POST /logins"))
		Expect(t.unlock(secret, "Boardroom")).To(Equal(http.StatusOK))
		Expect(t.devices("ana@example.com")).To(HaveLen(1))
	})

	It("is of the new user when the Member's address changes", func() {
		populate()
		edit(t, "ana", &v1alpha1.Member{}, func(m *v1alpha1.Member) { m.Spec.Email = "ana.pop@example.com" })
		Eventually(func(g Gomega) {
			stored := get(g, t, loginOfAna, &corev1.Secret{})
			g.Expect(string(stored.Data["email"])).To(Equal("ana.pop@example.com"))
		}).Should(Succeed())
		t.login("ana", "True LoginStored")
		secret, _, _ := t.loginSecret(loginOfAna)
		Expect(t.unlock(secret, "Entrance")).To(Equal(http.StatusOK))
		Expect(t.unlocks()).To(HaveExactElements("ana.pop@example.com Entrance"))
		Eventually(func() []int { return t.devices("ana@example.com") }).Should(BeEmpty())
	})

	DescribeTable("whose request was not answered is not left behind", func(fault simulator.Fault) {
		t.letWriteSecrets()
		t.start()
		t.fixture(withLogins)
		fault.Method, fault.Path, fault.Count = "POST", "/logins", 1
		t.fault(fault)
		t.apply(ana)
		t.granted("ana")
		t.login("ana", "True LoginStored")
		Expect(t.devices("ana@example.com")).To(HaveLen(1))
		secret, _, _ := t.loginSecret(loginOfAna)
		Expect(t.unlock(secret, "Entrance")).To(Equal(http.StatusOK))
		t.stays(&v1alpha1.Member{}, "ana", "True Granted")
		Expect(t.member(Default, "ana").Status.Logins).To(HaveLen(1))
	},
		Entry("when it was made", simulator.Fault{Kind: simulator.FaultDropAfter}),
		Entry("when it was not made", simulator.Fault{Kind: simulator.FaultDropBefore}),
	)

	It("of an operator that dies in the middle is settled by the next one", func() {
		t.letWriteSecrets()
		kill := t.startProcess()
		t.fixture(withLogins)
		t.fault(simulator.Fault{Kind: simulator.FaultLatency, Method: "POST", Path: "/logins", Count: 1, Latency: simulator.Duration(5 * time.Second)})
		t.apply(ana)
		t.asked("POST", "/logins")
		kill()
		t.start()
		t.granted("ana")
		t.login("ana", "True LoginStored")
		Expect(t.devices("ana@example.com")).To(HaveLen(1))
		secret, _, _ := t.loginSecret(loginOfAna)
		Expect(t.unlock(secret, "Entrance")).To(Equal(http.StatusOK))
	})

	It("survives a restart as it is", func() {
		populate()
		secret, _, _ := t.loginSecret(loginOfAna)
		t.stop()
		t.kisi.ResetRequests()
		t.start()
		t.connection(v1alpha1.ConditionSynced, "True Synced")
		t.quiet()
		Expect(t.writes()).To(BeEmpty())
		now, _, _ := t.loginSecret(loginOfAna)
		Expect(now).To(Equal(secret))
	})

	DescribeTable("is not made or taken back by a connection that may not", func(mode v1alpha1.Mode, reason string) {
		populate()
		secret, _, _ := t.loginSecret(loginOfAna)
		setMode(t, mode)
		t.apply(strings.NewReplacer("name: ana", "name: gil", "ana@", "gil@", "Ana Pop", "Gil").Replace(ana))
		t.notReady(&v1alpha1.Member{}, "gil", reason)
		edit(t, "ana", &v1alpha1.Member{}, func(m *v1alpha1.Member) { m.Spec.GroupRefs = nil })
		t.notReady(&v1alpha1.Member{}, "ana", reason)
		t.login("ana", "True LoginStored")
		Expect(t.unlock(secret, "Entrance")).To(Equal(http.StatusOK))
		Expect(t.devices("gil@example.com")).To(BeEmpty())
		setMode(t, v1alpha1.ModeEnforce)
		gone(loginOfAna)
		t.login("gil", "True LoginStored")
	},
		Entry("in Observe", v1alpha1.ModeObserve, v1alpha1.ReasonObserving),
		Entry("in Paused", v1alpha1.ModePaused, v1alpha1.ReasonPaused),
	)

	DescribeTable("leaves with its connection", func(policy string, devices int) {
		t.letWriteSecrets()
		t.start()
		t.fixture(withLogins, "disconnectPolicy: "+policy)
		t.apply(ana)
		t.granted("ana")
		t.login("ana", "True LoginStored")
		t.delete(&v1alpha1.KisiConnection{}, "default")
		t.gone(&v1alpha1.KisiConnection{}, "default")
		Expect(t.devices("ana@example.com")).To(HaveLen(devices))
		t.delete(&v1alpha1.Member{}, "ana")
		t.gone(&v1alpha1.Member{}, "ana")
		gone(loginOfAna)
		Expect(t.devices("ana@example.com")).To(HaveLen(devices))
	},
		Entry("under Revoke", "Revoke", 0),
		Entry("and stays in Kisi under Retain", "Retain", 1),
	)

	It("that Kisi refuses says why, and the person has access all the same", func() {
		t.letWriteSecrets()
		t.start()
		t.fixture(withLogins)
		end := t.kisi.fault(simulator.Fault{Kind: simulator.FaultStatus, Status: http.StatusForbidden, Method: "POST", Path: "/logins"})
		t.apply(ana)
		t.granted("ana")
		t.login("ana", "False LoginRefused", "403")
		Expect(t.opens("ana@example.com", "Entrance", 0)).To(BeTrue())
		Expect(t.member(Default, "ana").Status.Logins).To(BeEmpty())
		end()
		t.lookAtMember("ana")
		t.login("ana", "True LoginStored")
	})

	It("has a Secret with a valid name however long the Member's is", func() {
		t.letWriteSecrets()
		t.start()
		t.fixture(withLogins)
		long := strings.Repeat("long-name.", 25) + "ana" // 253 characters
		for _, name := range []string{long, long[:252] + "b"} {
			t.apply(fmt.Sprintf("kind: Member\nmetadata: {name: %s}\nspec: {email: %s@example.com, groupRefs: [{name: members}]}", name, name[252:]))
			t.login(name, "True LoginStored")
		}
		names := map[string]bool{}
		var secrets corev1.SecretList
		Expect(admin.List(t.ctx, &secrets, client.InNamespace(t.namespace), client.MatchingLabels{v1alpha1.LoginLabel: "true"})).To(Succeed())
		for _, secret := range secrets.Items {
			Expect(secret.Name).To(HavePrefix("long-name.long-name."))
			Expect(secret.Name).To(HaveSuffix("-kisi-login"))
			names[secret.Name] = true
		}
		Expect(names).To(HaveLen(2), "Members whose names begin alike have Secrets of their own")
	})
})

// lookAtMember asks for a fresh look at a Member.
func (t *tenant) lookAtMember(name string) {
	GinkgoHelper()
	annotate(t, name, &v1alpha1.Member{}, v1alpha1.ReconcileAtAnnotation, time.Now().Format(time.RFC3339Nano))
}

package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/cli/access"
	"github.com/kisi-operator/kisi-operator/internal/cli/cluster"
	"github.com/kisi-operator/kisi-operator/internal/cli/compare"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
	"github.com/kisi-operator/kisi-operator/internal/kisi/simulator"
	"github.com/kisi-operator/kisi-operator/internal/testing/controlplane"
)

// plugin is `kubectl kisi` as somebody uses it: the built executable, with a kubeconfig of their own.
type plugin struct{ kubeconfig, namespace string }

// pluginFor makes a user who may do what the rules say in the tenant's namespace, and gives them the plugin.
func (t *tenant) pluginFor(name string, rules ...rbacv1.PolicyRule) plugin {
	GinkgoHelper()
	user := t.namespace + "-" + name
	role := &rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Namespace: t.namespace, Name: name}, Rules: rules}
	Expect(admin.Create(t.ctx, role)).To(Succeed())
	Expect(admin.Create(t.ctx, &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Namespace: t.namespace, Name: name},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: name},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: user}},
	})).To(Succeed())
	config, err := plane.ConfigFor(user)
	Expect(err).NotTo(HaveOccurred())
	kubeconfig, err := controlplane.Kubeconfig(config)
	Expect(err).NotTo(HaveOccurred())
	file := filepath.Join(GinkgoT().TempDir(), name+".kubeconfig")
	Expect(os.WriteFile(file, kubeconfig, 0o600)).To(Succeed())
	return plugin{file, t.namespace}
}

// mayRead is what a viewer may do; without some resources, if they are named.
func mayRead(without ...string) rbacv1.PolicyRule {
	resources := []string{"kisiconnections", "kisigroups", "placemappings", "accessplans", "members", "accesssubscriptions", "bookinggrants"}
	return rbacv1.PolicyRule{
		APIGroups: []string{v1alpha1.GroupVersion.Group}, Verbs: []string{"get", "list", "watch"},
		Resources: slices.DeleteFunc(resources, func(r string) bool { return slices.Contains(without, r) }),
	}
}

// try runs the plugin and returns what it wrote and its exit status.
func (p plugin) try(args ...string) (out, complaint string, status int) {
	GinkgoHelper()
	command := exec.Command(filepath.Join(plane.Dir(), "kubectl-kisi"), append([]string{"--kubeconfig", p.kubeconfig, "-n", p.namespace}, args...)...)
	command.Env = append(os.Environ(), "TZ=Europe/London")
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	err := command.Run()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		status = exit.ExitCode()
	default:
		Expect(err).NotTo(HaveOccurred())
	}
	AddReportEntry("kubectl kisi "+strings.Join(args, " "), stdout.String()+stderr.String(), ReportEntryVisibilityFailureOrVerbose)
	return stdout.String(), stderr.String(), status
}

// run is try for what has to succeed.
func (p plugin) run(args ...string) string {
	GinkgoHelper()
	out, complaint, status := p.try(args...)
	Expect(status).To(Equal(0), "kubectl kisi %s: %s", strings.Join(args, " "), complaint)
	return out
}

// bound lists the KisiGroups of the tenant that open a door, by name.
func (t *tenant) bound(organization simulator.OrganizationState, lock string) []string {
	GinkgoHelper()
	var groups v1alpha1.KisiGroupList
	Expect(admin.List(t.ctx, &groups, client.InNamespace(t.namespace))).To(Succeed())
	var opening []string
	for _, g := range groups.Items {
		for _, state := range organization.Groups {
			if int64(g.Status.KisiGroupID) == int64(state.ID) && slices.Contains(state.Locks, lock) {
				opening = append(opening, g.Name)
			}
		}
	}
	return opening
}

// throughBound reports whether the door opens by one of the groups that the tenant has.
func throughBound(decision simulator.Decision, organization simulator.OrganizationState, names []string, groups []v1alpha1.KisiGroup) bool {
	for _, g := range groups {
		for _, state := range organization.Groups {
			if slices.Contains(names, g.Name) && int64(g.Status.KisiGroupID) == int64(state.ID) && slices.Contains(decision.Through, state.Name) {
				return decision.Allowed
			}
		}
	}
	return false
}

// question reads the tenant as the plugin does.
func (t *tenant) question(now, at time.Time) access.Question {
	GinkgoHelper()
	reader, err := cluster.NewClient(plane.AdminConfig())
	Expect(err).NotTo(HaveOccurred())
	set, err := reader.Read(t.ctx, t.namespace)
	Expect(err).NotTo(HaveOccurred())
	return access.Question{In: set.Index(), Now: now, At: at}
}

// compareDoors has everybody whom the objects name try every door at the times, and compares with what access and who say.
// It returns how many cells it has compared, and how many of the doors opened.
func (t *tenant) compareDoors(times ...time.Time) (cells, opened int) {
	GinkgoHelper()
	var groups v1alpha1.KisiGroupList
	Expect(admin.List(t.ctx, &groups, client.InNamespace(t.namespace))).To(Succeed())
	q := t.question(time.Now(), time.Now())
	for _, at := range times {
		q.At = at
		entering := map[string][]string{}
		for _, g := range groups.Items {
			report, err := q.Who(g.Name)
			Expect(err).NotTo(HaveOccurred())
			for _, entrant := range report.People {
				if entrant.Opens {
					entering[g.Name] = append(entering[g.Name], string(entitlement.Fold(entrant.Person.Email)))
				}
			}
		}
		for _, address := range access.People(q.In) {
			report, err := q.Of(address)
			Expect(err).NotTo(HaveOccurred())
			opens := map[string]bool{}
			for _, g := range report.Groups {
				opens[g.Name] = g.Opens
			}
			for _, organization := range t.kisi.State().Organizations {
				for _, lock := range organization.Locks {
					through := t.bound(organization, lock.Name)
					decision, err := t.kisi.TryUnlock(organization.Domain, string(address), lock.Name, simulator.Attempt{AtTheDoor: true}, at)
					Expect(err).NotTo(HaveOccurred())
					said := slices.ContainsFunc(through, func(g string) bool { return opens[g] })
					who := slices.ContainsFunc(through, func(g string) bool { return slices.Contains(entering[g], string(address)) })
					truth := throughBound(decision, organization, through, groups.Items)
					if t.kisi.refusesOverlaps() && at.After(q.Now) && said && !truth && queued(report, through) {
						continue // is written when the earlier one has ended, which this Kisi cannot know yet
					}
					Expect(said).To(Equal(truth), "%s at %s of %s, %s: the door says %v (%s), access says %s", address, lock.Name, organization.Name, at, decision, decision.Reason, asJSON(report.Groups))
					Expect(who).To(Equal(said), "%s at %s, %s: who and access differ", address, lock.Name, at)
					cells++
					if truth {
						opened++
					}
				}
			}
		}
	}
	return cells, opened
}

// queued reports whether a grant of one of the groups waits for an earlier one to end.
func queued(report *access.Report, groups []string) bool {
	for _, g := range report.Groups {
		for _, w := range g.Windows {
			if slices.Contains(groups, g.Name) && slices.ContainsFunc(w.Grants, func(grant access.Grant) bool { return grant.State == v1alpha1.GrantQueued }) {
				return true
			}
		}
	}
	return false
}

func asJSON(value any) string {
	encoded, err := json.MarshalIndent(value, "", " ")
	if err != nil {
		return err.Error()
	}
	return string(encoded)
}

var _ = Describe("kubectl kisi", func() {
	for _, system := range []string{"kangarootime", "spacebring", "officernd", "optix", "boogyman"} {
		It("says of the sample of "+system+" what its doors do, cell by cell", func(ctx SpecContext) {
			t := newSampleTenant(ctx, system)
			t.start()
			t.applySample(sampleObjects(system))
			t.keepsPromise(system)
			cells, opened := t.compareDoors(time.Now())
			Expect(opened).To(BeNumerically(">", 0))
			Expect(cells).To(BeNumerically(">", opened))

			viewer := t.pluginFor("viewer", mayRead())
			for _, address := range access.People(t.question(time.Now(), time.Now()).In) {
				var report access.Report
				Expect(json.Unmarshal([]byte(viewer.run("access", string(address), "-o", "json")), &report)).To(Succeed())
				Expect(report.Kind).To(Equal("AccessReport"))
				expected, err := t.question(time.Now(), time.Now()).Of(address)
				Expect(err).NotTo(HaveOccurred())
				Expect(report.Groups).To(HaveLen(len(expected.Groups)), "the built program says what the package says")
				Expect(viewer.run("access", string(address))).To(ContainSubstring(report.Person.Named()))
			}
		})
	}

	It("says what the doors do at any time, for objects that nobody thought of", func(ctx SpecContext) {
		t := newTenant(ctx)
		t.start()
		t.fixture("grantAhead: 48h")
		seed := GinkgoRandomSeed()
		random := rand.New(rand.NewPCG(uint64(seed), 11))
		t.applyRandomObjects(random)
		t.settled()
		now := time.Now()
		var times []time.Time
		for range 25 {
			times = append(times, now.Add(time.Duration(random.IntN(30*60))*time.Minute+time.Minute))
		}
		cells, opened := t.compareDoors(append(times, now)...)
		By(fmt.Sprintf("compared %d cells, %d open, seed %d", cells, opened, seed))
		Expect(opened).To(BeNumerically(">", cells/50))
	})

	It("is found by kubectl, and completes what is typed", func(ctx SpecContext) {
		t := newTenant(ctx)
		t.apply("kind: Member\nmetadata: {name: ana}\nspec: {email: ana@example.com, fullName: Ana Diaz}\n---\nkind: Member\nmetadata: {name: bob}\nspec: {email: bob@example.com}")
		kubectl := func(args ...string) string {
			GinkgoHelper()
			command, err := plane.KubectlCommand(ctx, args...)
			Expect(err).NotTo(HaveOccurred())
			command.Env = append(command.Env, "PATH="+strings.Join([]string{plane.Dir(), filepath.Join(root, "hack/krew"), os.Getenv("PATH")}, string(filepath.ListSeparator)))
			out, err := command.CombinedOutput()
			Expect(err).NotTo(HaveOccurred(), "%s", out)
			return string(out)
		}
		Expect(kubectl("kisi", "access", "ana", "-n", t.namespace)).To(ContainSubstring("Ana Diaz may open no door, now or later."))
		Expect(kubectl("__complete", "kisi", "access", "-n", t.namespace, "a")).To(ContainSubstring("\nana\n"))
		Expect(kubectl("__complete", "kisi", "st")).To(ContainSubstring("\nstatus\t"))
		Expect(kubectl("kisi", "diff", "--help")).To(And(ContainSubstring("kubectl kisi diff -f access/"), ContainSubstring("Exit status: 0")))
	})

	It("tells whoever may not list Members how many enter, and which right is missing", func(ctx SpecContext) {
		t := newTenant(ctx)
		t.start()
		t.fixture()
		t.apply("kind: Member\nmetadata: {name: ana}\nspec: {email: ana@example.com, fullName: Ana Diaz, groupRefs: [{name: members}]}")
		t.eventually(&v1alpha1.Member{}, "ana", "True", "Granted")
		Eventually(func(g Gomega) {
			counts := get(g, t, "members", &v1alpha1.KisiGroup{}).Status.Counts
			g.Expect(counts).NotTo(BeNil())
			g.Expect(counts.Granted).To(BeEquivalentTo(1))
			g.Expect(counts.Foreign).To(BeEquivalentTo(1))
		}).Should(Succeed())

		hidden := t.pluginFor("blind", mayRead("members")).run("who", "members")
		Expect(hidden).To(And(ContainSubstring(`ask for a Role with the verb "list" on members`), ContainSubstring("1 in"), ContainSubstring("1 more assignment"), Not(ContainSubstring("Ana"))))
		shown := t.pluginFor("viewer", mayRead()).run("who", "members")
		Expect(shown).To(And(ContainSubstring("Ana Diaz"), ContainSubstring("yes"), ContainSubstring("1 more assignment")))
		_, complaint, status := t.pluginFor("stranger", mayRead("members")).try("access", "ana")
		Expect(status).To(Equal(2))
		Expect(complaint).To(ContainSubstring(`the verb "list" on members`))
	})
})

// applyRandomObjects applies people, places, plans, subscriptions and bookings around now, of which some say nothing sensible.
func (t *tenant) applyRandomObjects(random *rand.Rand) {
	GinkgoHelper()
	pick := func(from ...string) string { return from[random.IntN(len(from))] }
	group := func() string { return pick("members", "boardroom", "uptown") }
	person := func() string { return fmt.Sprintf("p%d@example.com", random.IntN(8)) }
	span := func() string {
		start := random.IntN(36*60) - 6*60
		return fmt.Sprintf(`startTime: {{time "%dm"}}, endTime: {{time "%dm"}}`, start, start+1+random.IntN(12*60))
	}
	var documents []string
	for i := range 3 {
		documents = append(documents, fmt.Sprintf(`
kind: PlaceMapping
metadata: {name: place-%d}
spec: {kind: Room, externalID: r%d, access: [{groupRefs: [{name: %s}]}], bookings: {groupRefs: [{name: %s}], leadTime: %dm, lagTime: %dm, nonMembers: %s}}`,
			i, random.IntN(3), group(), group(), random.IntN(60), random.IntN(60), pick("Deny", "Allow")), fmt.Sprintf(`
kind: AccessPlan
metadata: {name: plan-%d}
spec: {externalID: x%d, groupRefs: [{name: %s}]}`, i, random.IntN(2), group()))
	}
	for i := range 6 {
		own := ""
		if random.IntN(2) == 0 {
			own = fmt.Sprintf(", groupRefs: [{name: %s, %s}]", group(), span())
		}
		if random.IntN(2) == 0 {
			own += fmt.Sprintf(", places: [{placeRef: {name: place-%d}, %s, state: %s}]", random.IntN(4), span(), pick("Active", "Active", "Pending"))
		}
		documents = append(documents, fmt.Sprintf(`
kind: Member
metadata: {name: m%d}
spec: {email: %s, fullName: Person %d, state: %s, teams: [%s]%s}`, i, person(), i, pick("Active", "Active", "Active", "Suspended"), pick("red", "blue"), own))
	}
	for i := range 6 {
		subject := pick(fmt.Sprintf("{email: %s}", person()), "{team: red}", "{team: blue}", fmt.Sprintf("{memberRef: {name: m%d}}", random.IntN(7)))
		gives := pick(fmt.Sprintf("planRef: {name: plan-%d}", random.IntN(4)), fmt.Sprintf("planRef: {externalID: x%d}", random.IntN(2)), fmt.Sprintf("placeRef: {name: place-%d}", random.IntN(3)), fmt.Sprintf("groupRefs: [{name: %s}]", group()))
		documents = append(documents, fmt.Sprintf(`
kind: AccessSubscription
metadata: {name: s%d}
spec: {%s, subject: %s, %s, state: %s}`, i, gives, subject, span(), pick("Active", "Active", "Active", "Canceled", "Pending")))
	}
	for i := range 8 {
		where := pick(fmt.Sprintf("placeRef: {name: place-%d}", random.IntN(4)), fmt.Sprintf("placeRef: {kind: Room, externalID: r%d}", random.IntN(3)), fmt.Sprintf("groupRefs: [{name: %s}]", group()))
		documents = append(documents, fmt.Sprintf(`
kind: BookingGrant
metadata: {name: b%d}
spec: {%s, organizer: {email: %s}, attendees: [{email: %s}], %s, state: %s}`, i, where, person(), person(), span(), pick("Confirmed", "Confirmed", "Confirmed", "Canceled")))
	}
	random.Shuffle(len(documents), func(i, j int) { documents[i], documents[j] = documents[j], documents[i] })
	t.apply(strings.Join(documents, "\n---"))
}

var _ = Describe("kubectl kisi diff", func() {
	It("names, for a pull request that deletes one line of a plan, exactly the people who lose the door", func(ctx SpecContext) {
		t := newSampleTenant(ctx, "optix")
		t.start()
		t.applySample(sampleObjects("optix"))
		t.keepsPromise("optix")
		before := t.openDoors()

		base, branch := filepath.Join(root, "config/samples/optix"), GinkgoT().TempDir()
		Expect(os.CopyFS(branch, os.DirFS(base))).To(Succeed())
		plans := filepath.Join(branch, "20-plans.yaml")
		content, err := os.ReadFile(plans)
		Expect(err).NotTo(HaveOccurred())
		line := "  groupRefs: [{name: teams}]\n"
		Expect(strings.Count(string(content), line)).To(Equal(1))
		Expect(os.WriteFile(plans, []byte(strings.Replace(string(content), line, "", 1)), 0o600)).To(Succeed())

		offline := plugin{kubeconfig: "/dev/null", namespace: "default"}
		out, complaint, status := offline.try("diff", "--offline", "--base", base, "-f", branch, "-o", "json")
		Expect(status).To(Equal(1), complaint)
		var report compare.Report
		Expect(json.Unmarshal([]byte(out), &report)).To(Succeed())
		Expect(report.Gains).To(BeEmpty())
		var said []string
		for _, change := range report.Loses {
			said = append(said, string(change.Person.Email))
		}
		markdown, _, status := offline.try("diff", "--offline", "--base", base, "-f", branch, "-o", "markdown")
		Expect(status).To(Equal(1))
		Expect(markdown).To(ContainSubstring("people lose access"))

		edit(t, "team", &v1alpha1.AccessPlan{}, func(p *v1alpha1.AccessPlan) { p.Spec.GroupRefs = nil })
		t.settled()
		var lost []string
		for key := range before {
			if !t.openDoors()[key] {
				person, _, _ := strings.Cut(key, " at ")
				lost = append(lost, person)
			}
		}
		slices.Sort(said)
		slices.Sort(lost)
		Expect(lost).NotTo(BeEmpty())
		Expect(slices.Compact(said)).To(Equal(slices.Compact(lost)), "who was said to lose a door, and who lost one")
	})
})

// openDoors lists, as "person at door of domain", which doors open now to whom the objects name.
func (t *tenant) openDoors() map[string]bool {
	GinkgoHelper()
	open := map[string]bool{}
	for _, address := range access.People(t.question(time.Now(), time.Now()).In) {
		for _, organization := range t.kisi.State().Organizations {
			for _, lock := range organization.Locks {
				decision, err := t.kisi.TryUnlock(organization.Domain, string(address), lock.Name, simulator.Attempt{AtTheDoor: true}, time.Time{})
				Expect(err).NotTo(HaveOccurred())
				if decision.Allowed {
					open[fmt.Sprintf("%s at %s of %s", address, lock.Name, organization.Domain)] = true
				}
			}
		}
	}
	return open
}

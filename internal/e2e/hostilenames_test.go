package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"unicode"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	eventsv1 "k8s.io/api/events/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/kisi/simulator"
)

// hostileName clears a screen, turns the direction of writing, begins lines of its own and is a mebibyte long.
var hostileName = "Lab\x1b[2J\x1b]0;owned\x07\u202ednob\u2066\u200f\u061c\u009b2J\nE1127 forged=\"line\"\r\u2028" + strings.Repeat("x", 1<<20)

// steers returns what of a text steers a terminal or makes a line of its own.
func steers(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' || unicode.Is(unicode.Bidi_Control, r) || unicode.In(r, unicode.Zl, unicode.Zp) {
			return r
		}
		return -1
	}, text)
}

var _ = Describe("What Kisi calls things, and says, in letters that steer a terminal and a mebibyte of them", func() {
	It("is bounded and plain in statuses, Events, the log and kubectl kisi, and takes nothing from anybody", func(ctx SpecContext) {
		seed := strings.Replace(organization, "name: Acme\n", "name: "+quoted(hostileName)+"\n", 1)
		seed = strings.Replace(seed, "name: Mara Frontdesk", "name: "+quoted(hostileName), 1)
		t := newTenantOf(ctx, newKisiFrom(seed, simulator.Options{RequestsPerSecond: -1}))
		t.start()
		t.fixture("users: {existing: Import}")
		t.apply(ana)
		t.apply("kind: KisiGroup\nmetadata: {name: lab}\nspec: {managed: {name: Lab, doors: [{name: Entrance}]}}")
		t.granted("ana")
		t.eventually(&v1alpha1.KisiGroup{}, "lab", "True", "Bound")

		t.act(simulator.Action{Action: simulator.ActionChangeGroup, Group: "Members", Name: hostileName})
		t.act(simulator.Action{Action: simulator.ActionChangeGroup, Group: "Lab", Name: hostileName + "2"})
		t.fault(simulator.Fault{
			Kind: simulator.FaultStatus, Method: http.MethodPost, Path: "/users", Status: http.StatusUnprocessableEntity, Contains: "bob@example.com",
			Body: `{"errors":{"email":[` + quoted(hostileName) + `],` + quoted(hostileName) + `:["\ud800"]}}`,
		})
		t.apply("kind: Member\nmetadata: {name: bob}\nspec: {email: bob@example.com, groupRefs: [{name: members}]}")
		t.look("members")
		t.look("lab")
		Eventually(func() string {
			return messageOf(get(Default, t, "members", &v1alpha1.KisiGroup{}))
		}).Should(ContainSubstring("Lab"), "the message names both names")
		Eventually(func() string { return readyOf(get(Default, t, "bob", &v1alpha1.Member{})) }).Should(Equal("False " + v1alpha1.ReasonRefusedByKisi))
		var told eventsv1.EventList
		Eventually(func(g Gomega) {
			g.Expect(admin.List(ctx, &told, client.InNamespace(t.namespace))).To(Succeed())
			g.Expect(told.Items).To(ContainElement(HaveField("Reason", "GroupCorrected")))
		}).Should(Succeed(), "the correction of a name is told, though it quotes one that no Event can hold")

		for _, object := range t.everything(ctx) {
			for _, c := range conditionsOf(object) {
				Expect(steers(c.Message)+strings.Repeat("\n", strings.Count(c.Message, "\n"))).To(BeEmpty(), "%T %s, %s: %.200q", object, object.GetName(), c.Type, c.Message)
				Expect(len(c.Message)).To(BeNumerically("<=", 4096))
			}
			status, err := json.Marshal(object)
			Expect(err).NotTo(HaveOccurred())
			Expect(len(status)).To(BeNumerically("<", 64<<10), "%T %s", object, object.GetName())
		}
		connection := get(Default, t, "default", &v1alpha1.KisiConnection{})
		Expect(steers(connection.Status.Organization.Name)).To(BeEmpty())
		Expect(connection.Status.Organization.Name).To(HavePrefix("Lab"))
		for _, event := range told.Items {
			Expect(steers(event.Note)).To(BeEmpty(), "%s: %q", event.Reason, event.Note)
		}
		for line := range strings.Lines(operatorLog.from(t.logBegin)) {
			Expect(len(line)).To(BeNumerically("<", 32<<10), "a line of the log: %.300s", line)
			Expect(steers(line)).To(BeEmpty(), "a line of the log: %.300q", line)
			Expect(line).NotTo(HavePrefix("E1127 forged"))
		}
		viewer := t.pluginFor("viewer", mayRead())
		for _, args := range [][]string{{"status"}, {"doctor"}, {"access", "ana@example.com"}, {"access", "bob@example.com"}} {
			out, complaint, _ := viewer.try(args...)
			Expect(steers(out+complaint)).To(BeEmpty(), "kubectl kisi %s", strings.Join(args, " "))
			Expect(len(out)).To(BeNumerically("<", 64<<10))
			Expect(out).NotTo(ContainSubstring("\nE1127 forged"))
		}
		Expect(t.opens("ana@example.com", "Entrance", 0)).To(BeTrue())
		t.granted("ana")
	})
})

// quoted is a text as JSON in ASCII, which is YAML too.
func quoted(text string) string {
	encoded, err := json.Marshal(text)
	Expect(err).NotTo(HaveOccurred())
	var plain strings.Builder
	for _, r := range string(encoded) {
		if r < 0x7f {
			plain.WriteRune(r)
		} else {
			fmt.Fprintf(&plain, "\\u%04x", r)
		}
	}
	return plain.String()
}

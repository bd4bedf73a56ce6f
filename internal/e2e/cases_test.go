package e2e

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/kisi-operator/kisi-operator/internal/kisi/simulator"
)

// A field case is trouble that people who keep doors in step with a business system have had elsewhere: a directory of
// testdata/cases with an organization of Kisi (kisi-seed.yaml) and numbered files of objects. In these
//
//   - the simulator's usual address stands for that of the case, and
//   - __T+90s__ is a time counted from the begin of the case; s, m, h and d are understood, T- is before it.
//
// The built operator works on it with its default flags, under Kisi's five requests a second.
type fieldCase struct {
	*tenant
	name string
	// began is what T means. A case that begins in the past need not wait for what has happened by now.
	began time.Time
	// due is how long an effect may take: a poll of the case's five seconds, and a while to act.
	due time.Duration
}

// newCase starts the Kisi of a case, with the switches of its seed and, over those, switches written name=value, and the
// operator.
func newCase(ctx context.Context, name string, switches ...string) *fieldCase {
	GinkgoHelper()
	return newCaseFrom(ctx, name, "kisi-seed.yaml", switches...)
}

// newCaseFrom is newCase with another of the case's organizations.
func newCaseFrom(ctx context.Context, name, seed string, switches ...string) *fieldCase {
	GinkgoHelper()
	kisi := newKisiFrom(caseFile(name, seed), simulator.Options{}, switches...)
	for _, s := range switches { // the seed has its own say
		name, value, _ := strings.Cut(s, "=")
		Expect(kisi.SetSwitch(name, value)).To(Succeed())
	}
	c := &fieldCase{tenant: newTenantOf(ctx, kisi), name: name, began: time.Now(), due: 30 * time.Second}
	c.startProcess()
	return c
}

// caseFile reads a file of a case.
func caseFile(name, file string) string {
	GinkgoHelper()
	content, err := os.ReadFile(filepath.Join(root, "internal/e2e/testdata/cases", name, file))
	Expect(err).NotTo(HaveOccurred())
	return string(content)
}

// put applies a file of the case.
func (c *fieldCase) put(file string) {
	GinkgoHelper()
	rendered := strings.ReplaceAll(c.render(caseFile(c.name, file)), sampleEndpoint, c.kisi.URL())
	for _, document := range strings.Split(rendered, "\n---\n") {
		var object struct {
			Kind       string
			Metadata   map[string]any
			StringData map[string]string
		}
		var all map[string]any
		Expect(yaml.Unmarshal([]byte(document), &all)).To(Succeed())
		Expect(yaml.Unmarshal([]byte(document), &object)).To(Succeed())
		for _, key := range object.StringData {
			c.secrets = append(c.secrets, key)
		}
		object.Metadata["namespace"] = c.namespace
		all["metadata"] = object.Metadata
		placed, err := yaml.Marshal(all)
		Expect(err).NotTo(HaveOccurred())
		_, err = plane.Apply(c.ctx, placed)
		Expect(err).NotTo(HaveOccurred(), "applying %s of %s", file, c.name)
	}
}

var caseTime = regexp.MustCompile(`__T([+-]\d+[smhd])__`)

// render fills in the times of a file.
func (c *fieldCase) render(content string) string {
	GinkgoHelper()
	return caseTime.ReplaceAllStringFunc(content, func(found string) string {
		return c.at(caseTime.FindStringSubmatch(found)[1]).Format(time.RFC3339)
	})
}

// at returns the time that a case calls T and an offset, such as "+90s" or "-1d".
func (c *fieldCase) at(offset string) time.Time {
	GinkgoHelper()
	units := map[byte]time.Duration{'s': time.Second, 'm': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour}
	unit, known := units[offset[len(offset)-1]]
	Expect(known).To(BeTrue(), "the unit of %q", offset)
	number, err := strconv.Atoi(offset[:len(offset)-1])
	Expect(err).NotTo(HaveOccurred())
	return c.began.Add(time.Duration(number) * unit).UTC().Truncate(time.Second)
}

// opensAt reports whether the person could open the door at the time T and an offset, as Kisi stands now.
func (c *fieldCase) opensAt(offset, email, door string) bool {
	GinkgoHelper()
	return c.kisi.CanOpen(email, door, c.at(offset)).Allowed
}

// opens waits until the person opens the door.
func (c *fieldCase) opens(email, door string) {
	GinkgoHelper()
	Eventually(func() simulator.Decision { return c.kisi.CanOpen(email, door, c.kisi.Clock().Now()) }, c.due).
		Should(HaveField("Allowed", true), "%s at %s", email, door)
}

// refuses waits until the door does not open for the person.
func (c *fieldCase) refuses(email, door string) {
	GinkgoHelper()
	Eventually(func() simulator.Decision { return c.kisi.CanOpen(email, door, c.kisi.Clock().Now()) }, c.due).
		Should(HaveField("Allowed", false), "%s at %s", email, door)
}

// ready waits until Ready of an object has a status and reason, such as "False DoorNotFound", and words in its message.
func (c *fieldCase) ready(object client.Object, name, statusAndReason string, words ...string) {
	GinkgoHelper()
	Eventually(func(g Gomega) {
		get(g, c.tenant, name, object)
		g.Expect(readyOf(object)).To(Equal(statusAndReason), messageOf(object))
		for _, word := range words {
			g.Expect(messageOf(object)).To(ContainSubstring(word))
		}
	}, c.due).Should(Succeed(), "Ready of %T %s", object, name)
}

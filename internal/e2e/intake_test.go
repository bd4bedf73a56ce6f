package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
)

// What calendars mean and what the guard holds is shown by internal/simulation; this is the program as it ships, with the
// rights that the chart gives it.
var _ = Describe("kisi-feed", func() {
	It("opens a door by a calendar, and keeps it open when the calendar comes back empty", func(ctx SpecContext) {
		t := newTenant(ctx)
		t.start()
		t.fixture()
		t.apply(boardroom)
		as := t.pluginFor("feed", rbacv1.PolicyRule{
			APIGroups: []string{v1alpha1.GroupVersion.Group}, Resources: []string{"bookinggrants"}, Verbs: []string{"create", "list", "patch"},
		})
		directory := GinkgoT().TempDir()
		calendar, feeds := filepath.Join(directory, "room.ics"), filepath.Join(directory, "feeds.yaml")
		Expect(os.WriteFile(feeds, fmt.Appendf(nil, `
feeds:
- name: boardroom
  from: {file: %q}
  calendar: {timeZone: Europe/Berlin, placeRef: {name: boardroom}}
`, calendar), 0o600)).To(Succeed())
		run := func(events string, args ...string) (string, error) {
			GinkgoHelper()
			Expect(os.WriteFile(calendar, []byte("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n"+events+"END:VCALENDAR\r\n"), 0o600)).To(Succeed())
			args = append([]string{"--config", feeds, "--once", "--kubeconfig", as.kubeconfig, "--namespace", t.namespace}, args...)
			out, err := exec.CommandContext(ctx, filepath.Join(plane.Dir(), "kisi-feed"), args...).CombinedOutput()
			AddReportEntry("kisi-feed "+strings.Join(args, " "), string(out), ReportEntryVisibilityFailureOrVerbose)
			return string(out), err
		}
		from := time.Now().UTC()
		events := fmt.Sprintf("BEGIN:VEVENT\r\nUID:1\r\nDTSTART:%s\r\nDURATION:PT1H\r\nORGANIZER:mailto:ana@example.com\r\nATTENDEE:mailto:gil@example.com\r\nEND:VEVENT\r\n",
			from.Add(-time.Minute).Format("20060102T150405Z"))

		out, err := run(events, "--dry-run")
		Expect(err).NotTo(HaveOccurred())
		Expect(out).To(ContainSubstring("create BookingGrant boardroom-"))
		var bookings v1alpha1.BookingGrantList
		Expect(admin.List(ctx, &bookings, client.InNamespace(t.namespace))).To(Succeed())
		Expect(bookings.Items).To(BeEmpty())

		_, err = run(events)
		Expect(err).NotTo(HaveOccurred())
		Expect(admin.List(ctx, &bookings, client.InNamespace(t.namespace))).To(Succeed())
		Expect(bookings.Items).To(HaveLen(1))
		booking := &v1alpha1.BookingGrant{}
		t.eventually(booking, bookings.Items[0].Name, "True", "Granted")

		out, err = run("")
		Expect(err).To(HaveOccurred())
		Expect(out).To(ContainSubstring("the export is empty and was not before"))
		for _, email := range []string{"ana@example.com", "gil@example.com"} {
			Expect(t.opens(email, "Boardroom", 0)).To(BeTrue(), email)
		}
	})
})

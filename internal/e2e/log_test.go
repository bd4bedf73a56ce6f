package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
)

// logged returns the lines of the tenant's operator that tell of access, by message.
func (t *tenant) logged() map[string][]map[string]any {
	lines := map[string][]map[string]any{}
	for line := range strings.Lines(operatorLog.from(t.logBegin)) {
		var entry map[string]any
		if json.Unmarshal([]byte(line), &entry) != nil || !strings.Contains(fmt.Sprint(entry["member"]), t.namespace) {
			continue
		}
		if message := fmt.Sprint(entry["msg"]); strings.Contains(message, "access") {
			lines[message] = append(lines[message], entry)
		}
	}
	return lines
}

var _ = Describe("The log", func() {
	It("says each change of somebody's access once, with what it was for, and names nobody", func(ctx SpecContext) {
		t := newTenant(ctx)
		t.start()
		t.fixture()
		t.apply(anaInMembers)
		row := t.granted("ana").Status.Grants[0]
		t.delete(&v1alpha1.Member{}, "ana")
		t.gone(&v1alpha1.Member{}, "ana")
		lines := t.logged()
		Expect(lines).To(HaveLen(2))
		for message, operation := range map[string]string{"Granted access": "Grant", "Revoked access": "Revoke"} {
			Expect(lines[message]).To(HaveLen(1), message)
			Expect(lines[message][0]).To(And(
				HaveKeyWithValue("operation", operation), HaveKeyWithValue("group", "members"), HaveKeyWithValue("connection", "default"),
				HaveKeyWithValue("assignmentID", BeNumerically("==", row.RoleAssignmentID)), HaveKeyWithValue("userID", BeNumerically("==", row.UserID)),
			), message)
		}
		Expect(lines["Granted access"][0]).To(HaveKeyWithValue("sources", ConsistOf("Member/ana")))
		Expect(operatorLog.from(t.logBegin)).NotTo(ContainSubstring("ana@example.com"))
	})

	It("says who it was only on request, and the audit log says why", func(ctx SpecContext) {
		t := newTenant(ctx)
		t.options.AuditLog = filepath.Join(GinkgoT().TempDir(), "audit.log")
		t.options.LogPeople = true
		t.start()
		t.fixture()
		t.apply(`kind: PlaceMapping
metadata: {name: lobby}
spec: {kind: Room, bookings: {groupRefs: [{name: members}], nonMembers: Allow}}`)
		t.apply(fmt.Sprintf(`kind: BookingGrant
metadata: {name: b7}
spec: {organizer: {email: ana@example.com}, placeRef: {name: lobby}, startTime: %q, endTime: %q}`,
			time.Now().Add(-time.Minute).UTC().Format(time.RFC3339), time.Now().Add(time.Hour).UTC().Format(time.RFC3339)))
		t.granted(implicitName("ana@example.com"))
		t.delete(&v1alpha1.BookingGrant{}, "b7")
		t.gone(&v1alpha1.Member{}, implicitName("ana@example.com"))
		var entries []map[string]any
		Eventually(func(g Gomega) {
			content, err := os.ReadFile(t.options.AuditLog)
			g.Expect(err).NotTo(HaveOccurred())
			entries = nil
			for line := range strings.Lines(string(content)) {
				var entry map[string]any
				g.Expect(json.Unmarshal([]byte(line), &entry)).To(Succeed(), line)
				entries = append(entries, entry)
			}
			g.Expect(entries).To(HaveLen(2))
		}).Should(Succeed(), "one line for the grant, one for the revocation")
		Expect(entries[0]).To(And(
			HaveKeyWithValue("action", "Granted"), HaveKeyWithValue("result", "Done"), HaveKeyWithValue("group", "members"),
			HaveKeyWithValue("causes", ConsistOf(HaveExactElements("BookingGrant/b7", "PlaceMapping/lobby", "KisiGroup/members"))),
			HaveKeyWithValue("email", "ana@example.com"), HaveKeyWithValue("latencySeconds", BeNumerically(">", 0)),
			HaveKey("memberUID"), HaveKey("validUntil"),
		))
		Expect(entries[1]).To(And(HaveKeyWithValue("action", "Revoked"), HaveKeyWithValue("assignmentID", entries[0]["assignmentID"])))
		Expect(t.logged()["Granted access"]).To(HaveExactElements(HaveKeyWithValue("email", "ana@example.com")))
	})
})

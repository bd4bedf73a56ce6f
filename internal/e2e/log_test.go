package e2e

import (
	"encoding/json"
	"fmt"
	"strings"

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
})

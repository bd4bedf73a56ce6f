package api_test

import (
	"context"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var _ = DescribeTable("kubectl get shows first what a person looks for",
	func(ctx context.Context, kindName string, edits map[string]any, columns string, cells ...string) {
		for _, k := range kinds {
			if k.name != kindName {
				continue
			}
			object := create(ctx, edited(k.example("full"), edits))
			out, err := plane.Kubectl(ctx, "get", k.short, object.GetName(), "-n", object.GetNamespace())
			Expect(err).NotTo(HaveOccurred())
			lines := strings.Split(strings.TrimSpace(out), "\n")
			Expect(lines).To(HaveLen(2))
			Expect(strings.Fields(lines[0])).To(Equal(append([]string{"NAME"}, strings.Fields(columns)...)))
			row := strings.Fields(lines[1])
			Expect(row[1:len(row)-1]).To(Equal(cells), "without name and age")
			return
		}
		Fail("no such kind: " + kindName)
	},
	Entry("of a connection", "KisiConnection", nil,
		"MODE ORGANIZATION GRANTS READY REASON AGE",
		"Observe", "Acme", "3", "True", "Connected"),
	Entry("of a managed group", "KisiGroup", nil,
		"ASSIGNMENTS KISI GROUP GRANTED READY REASON AGE",
		"Exclusive", "Premium", "1", "True", "Bound"),
	Entry("of an existing group by id", "KisiGroup", existing,
		"ASSIGNMENTS KISI GROUP GRANTED READY REASON AGE",
		"Exclusive", "1", "1", "True", "Bound"),
	Entry("of a place", "PlaceMapping", nil,
		"KIND EXTERNAL ID READY REASON AGE",
		"Center", "42", "True", "Resolved"),
	Entry("of a plan", "AccessPlan", nil,
		"EXTERNAL ID READY REASON AGE",
		"plan_9", "False", "GroupNotFound"),
	Entry("of a person's subscription", "AccessSubscription", nil,
		"STATE SUBJECT FROM UNTIL READY REASON AGE",
		"Active", "ana@example.com", "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z", "True", "Granted"),
	Entry("of a team's subscription", "AccessSubscription", map[string]any{"spec.subject": map[string]any{"team": "acme"}},
		"STATE SUBJECT FROM UNTIL READY REASON AGE",
		"Active", "acme", "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z", "True", "Granted"),
	Entry("of a Member's subscription", "AccessSubscription",
		map[string]any{"spec.subject": map[string]any{"memberRef": map[string]any{"name": "ana"}}},
		"STATE SUBJECT FROM UNTIL READY REASON AGE",
		"Active", "ana", "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z", "True", "Granted"),
	Entry("of a booking", "BookingGrant", nil,
		"STATE ORGANIZER FROM UNTIL GRANTED PEOPLE READY REASON AGE",
		"Scheduled", "ana@example.com", "2026-12-01T11:30:00Z", "2026-12-01T16:30:00Z", "1", "4", "True", "Scheduled"),
	Entry("of a person", "Member", nil,
		"STATE EMAIL READY REASON AGE",
		"Suspended", "ana@example.com", "True", "Granted"),
)

package v1alpha1_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
)

// What the API server says of a Member. The operator keeps the status.
const ana = `{
  "apiVersion": "access.kisi-operator.dev/v1alpha1",
  "kind": "Member",
  "metadata": {"namespace": "acme", "name": "ana", "generation": 4},
  "spec": {"email": "ana@example.com", "state": "Active"},
  "status": {
    "observedGeneration": 4,
    "conditions": [{
      "type": "Ready", "status": "False", "observedGeneration": 4, "lastTransitionTime": "2026-12-01T11:29:58Z",
      "reason": "GroupNotFound", "message": "groupRefs[1]: there is no KisiGroup named \"studio\" in this namespace; create it or correct the reference"
    }],
    "grants": [
      {"group": "members", "connection": "default", "organizationID": 3289, "kisiGroupID": 45274, "userID": 1804, "roleAssignmentID": 9001,
       "state": "Active", "sources": ["AccessSubscription/sub-77"], "sourceCount": 1},
      {"group": "boardroom", "connection": "default", "organizationID": 3289, "kisiGroupID": 45275, "userID": 1804, "roleAssignmentID": 9002,
       "validFrom": "2026-12-01T11:30:00Z", "validUntil": "2026-12-01T16:30:00Z",
       "state": "Active", "sources": ["BookingGrant/bk-8812"], "sourceCount": 1}
    ]
  }
}`

// sinceWhen says whether the ledger of a Member lets the person into a group at a time, since when, and because of what.
func sinceWhen(member *v1alpha1.Member, group v1alpha1.ObjectName, at time.Time) string {
	for _, grant := range member.Status.Grants {
		begun := grant.ValidFrom == nil || !at.Before(grant.ValidFrom.Time)
		ended := grant.ValidUntil != nil && !at.Before(grant.ValidUntil.Time)
		if grant.Group != group || !begun || ended {
			continue
		}
		switch grant.State {
		case v1alpha1.GrantActive, v1alpha1.GrantCovered:
		default:
			return fmt.Sprintf("not now: %s", grant.State)
		}
		since := "always"
		if grant.ValidFrom != nil {
			since = grant.ValidFrom.UTC().Format("since 15:04")
		}
		return fmt.Sprintf("in, %s, because of %s", since, strings.Join(grant.Sources, " and "))
	}
	return "no"
}

// Is this person in, since when, and why not?
func ExampleMember() {
	var member v1alpha1.Member
	if err := json.Unmarshal([]byte(ana), &member); err != nil {
		panic(err)
	}
	noon := time.Date(2026, time.December, 1, 12, 0, 0, 0, time.UTC)
	for _, group := range []v1alpha1.ObjectName{"members", "boardroom", "studio"} {
		fmt.Printf("%s: %s\n", group, sinceWhen(&member, group, noon))
	}
	fmt.Printf("boardroom in the evening: %s\n", sinceWhen(&member, "boardroom", noon.Add(6*time.Hour)))

	// Why not is in Ready, in words that name nobody and can be shown.
	if ready := v1alpha1.Settled(&member); ready != nil && ready.Status != metav1.ConditionTrue {
		fmt.Printf("%s: %s\n", ready.Reason, ready.Message)
	}
	// Output:
	// members: in, always, because of AccessSubscription/sub-77
	// boardroom: in, since 11:30, because of BookingGrant/bk-8812
	// studio: no
	// boardroom in the evening: no
	// GroupNotFound: groupRefs[1]: there is no KisiGroup named "studio" in this namespace; create it or correct the reference
}

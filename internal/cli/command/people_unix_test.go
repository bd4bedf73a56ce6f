//go:build unix

package command_test

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
)

// Twenty thousand people answer within two seconds.
func TestTwentyThousandPeople(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	const people = 20000
	cluster := record(t, "cowork")
	for i := range people {
		name := fmt.Sprintf("m%05d", i)
		email := name + "@example.com"
		cluster.add("Member", map[string]any{
			"apiVersion": v1alpha1.GroupVersion.String(), "kind": "Member",
			"metadata": map[string]any{"name": name, "namespace": "cowork", "uid": name, "creationTimestamp": "2026-01-01T00:00:00Z", "resourceVersion": "7"},
			"spec":     map[string]any{"email": email, "fullName": "Person " + name, "state": "Active", "teams": []any{"acme"}},
			"status": map[string]any{
				"observedGeneration": 1,
				"accounts":           []any{map[string]any{"connection": "hq", "organizationID": 3289, "email": email, "userID": 20000 + i, "origin": "Created", "access": "Enabled", "notified": "Yes"}},
				"grants":             []any{map[string]any{"group": "members", "connection": "hq", "organizationID": 3289, "kisiGroupID": 45274, "userID": 20000 + i, "roleAssignmentID": 30000 + i, "state": "Active", "sources": []any{"AccessSubscription/acme-team"}, "sourceCount": 1}},
				"conditions":         []any{map[string]any{"type": "Ready", "status": "True", "reason": "Granted", "message": "access to members", "lastTransitionTime": "2026-01-01T00:00:00Z"}},
			},
		})
	}
	for _, args := range [][]string{{"who", "members", "-o", "name"}, {"access", "m00007"}} {
		spent := processorTime()
		out, err := cluster.run(t, "", args...)
		if err != nil {
			t.Fatal(err)
		}
		if args[0] == "who" && strings.Count(out, "\n") < people {
			t.Errorf("%v: %d lines", args, strings.Count(out, "\n"))
		}
		// Of the processor, since others share this machine; what serves the recorded list is in it.
		took := processorTime() - spent
		t.Logf("%v: %s of processor time", args, took)
		if took > 2*time.Second {
			t.Errorf("%v took %s of processor time", args, took)
		}
	}
}

// processorTime is what this process has used of the processor.
func processorTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

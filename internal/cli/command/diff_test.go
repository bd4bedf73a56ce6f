package command_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kisi-operator/kisi-operator/internal/cli/command"
	"github.com/kisi-operator/kisi-operator/internal/cli/compare"
)

// lost returns the people who lose access, or -1 if the command failed otherwise.
func lost(err error) int {
	var loses *command.LosesAccessError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &loses):
		return loses.People
	}
	return -1
}

func TestDiffOfAPullRequest(t *testing.T) {
	cluster := record(t, "cowork")
	t.Chdir("testdata")
	for name, args := range map[string][]string{
		"kustomizations":    {"--base", "pr/main", "-f", "pr/branch"},
		"files":             {"--base", "pr/main/people.yaml", "--base", "pr/main/plans.yaml", "-f", "pr/branch/people.yaml", "-f", "pr/branch/plans.yaml"},
		"folders of others": {"-R", "--base", "pr/main", "-f", "pr/branch"},
	} {
		out, err := cluster.run(t, "", append([]string{"diff", "--offline", "-o", "json"}, args...)...)
		if lost(err) != 1 {
			t.Fatalf("%s: %v\n%s", name, err, out)
		}
		var report compare.Report
		if err := json.Unmarshal([]byte(out), &report); err != nil {
			t.Fatal(err)
		}
		// Ana has the studio by herself, too.
		if len(report.Loses) != 1 || report.Loses[0].Person.Member != "bob" || report.Loses[0].Door != "Studio" || report.Loses[0].OfGroup ||
			len(report.Gains) != 0 || strings.Join(report.Loses[0].Causes, ",") != "AccessPlan/full-time" {
			t.Errorf("%s: %s", name, out)
		}
	}
	if len(cluster.requests) != 0 {
		t.Errorf("--offline asked %v", cluster.requests)
	}
	out, err := cluster.run(t, "", "diff", "--offline", "--base", "pr/branch", "-f", "pr/main")
	if err != nil || !strings.Contains(out, "1 person gains access:") {
		t.Errorf("the other way round: %v\n%s", err, out)
	}
	out, err = cluster.run(t, "", "diff", "--offline", "--base", "pr/main", "-f", "pr/main")
	if err != nil || out != "No object differs.\n" {
		t.Errorf("the same: %v\n%s", err, out)
	}
}

// An object that the files do not have any more counts as deleted only against their base.
func TestDiffAgainstTheCluster(t *testing.T) {
	cluster := record(t, "cowork")
	plan := `{apiVersion: access.kisi-operator.dev/v1alpha1, kind: AccessPlan, metadata: {name: full-time}, spec: {groupRefs: [{name: studio}]}}`
	out, err := cluster.run(t, plan, "diff", "-f", "-")
	if lost(err) != 3 || !strings.Contains(out, "Bob Lind") || !strings.Contains(out, "3 people gain access:") {
		t.Errorf("%v\n%s", err, out)
	}
	if len(cluster.requests) != 7 {
		t.Errorf("asked %v", cluster.requests)
	}
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "plan.yaml"), []byte(plan), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err = cluster.run(t, "", "diff", "-f", t.TempDir(), "--base", folder)
	if lost(err) != 3 || !strings.Contains(out, "AccessPlan/full-time (removed)") {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestDiffSaysWhatIsWrongWithItsInput(t *testing.T) {
	cluster := record(t, "cowork")
	t.Chdir("testdata")
	for _, test := range []struct {
		args []string
		in   string
		want []string
	}{
		{[]string{"-f", "pr/wrong"}, "", []string{
			"pr/wrong/wrong.yaml: BookingGrant/late: spec.endTime: Invalid value", "endTime must be after startTime",
			"pr/wrong/wrong.yaml: Member/zoe: spec.groupRef: Forbidden: there is no such field",
			"pr/wrong/wrong.yaml: Member/zoe: spec.email: Invalid value", `spec.state: Unsupported value: "Sleeping"`,
		}},
		{[]string{"-f", "nowhere"}, "", []string{`nowhere: the path "nowhere" does not exist`}},
		{[]string{"-f", "-"}, "kind: [", []string{"-: ", "standard input"}},
		{[]string{"-f", "-"}, "{apiVersion: access.kisi-operator.dev/v1, kind: Member, metadata: {name: a}}", []string{`standard input: Member/a: apiVersion: Unsupported value`}},
		{[]string{"-f", "pr/main", "-f", "pr/branch"}, "", []string{"KisiGroup/members is in pr/main, too; leave it out of one of them"}},
		{nil, "", []string{"give -f with the objects"}},
		{[]string{"--offline", "-f", "pr/main"}, "", []string{"--offline needs --base"}},
		{[]string{"-f", "-"}, "{apiVersion: access.kisi-operator.dev/v1alpha1, kind: Member, metadata: {name: a, namespace: north}}\n---\n{apiVersion: access.kisi-operator.dev/v1alpha1, kind: Member, metadata: {name: a, namespace: south}}", []string{"several namespaces (north, south); choose one with -n"}},
	} {
		_, err := cluster.run(t, test.in, append([]string{"diff"}, test.args...)...)
		for _, want := range test.want {
			if err == nil || lost(err) > 0 || !strings.Contains(err.Error(), want) {
				t.Errorf("%v: %v\nwithout %q", test.args, err, want)
			}
		}
	}
}

// Two doors of one name are two doors, and a connection that takes everything back when it goes takes everybody's doors.
func TestDiffTellsDoorsAndConnectionsApart(t *testing.T) {
	cluster := record(t, "cowork")
	const (
		group      = `{apiVersion: access.kisi-operator.dev/v1alpha1, kind: KisiGroup, metadata: {name: %s}, spec: {managed: {name: %s, place: {name: %s}, doors: [{name: Entrance}]}}}`
		connection = `{apiVersion: access.kisi-operator.dev/v1alpha1, kind: KisiConnection, metadata: {name: default}, spec: {apiKeySecretRef: {name: kisi}, disconnectPolicy: %s}}`
		member     = `{apiVersion: access.kisi-operator.dev/v1alpha1, kind: Member, metadata: {name: zoe}, spec: {email: zoe@example.com, groupRefs: [%s]}}`
	)
	folder := func(documents ...string) string {
		path := t.TempDir()
		if err := os.WriteFile(filepath.Join(path, "objects.yaml"), []byte(strings.Join(documents, "\n---\n")), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	north, south := fmt.Sprintf(group, "north", "North", "Northside"), fmt.Sprintf(group, "south", "South", "Southside")
	both, one := fmt.Sprintf(member, "{name: north}, {name: south}"), fmt.Sprintf(member, "{name: north}")
	for _, test := range []struct {
		name         string
		before, then []string
		lost         int
		says         string
	}{
		{"a place", []string{fmt.Sprintf(connection, "Retain"), north, south, both}, []string{fmt.Sprintf(connection, "Retain"), north, south, one}, 1, "zoe@example.com   Entrance   always"},
		{"the connection, which retains", []string{fmt.Sprintf(connection, "Retain"), north, one}, []string{north, one}, 0, `there is no KisiConnection "default", so nothing new is granted`},
		{"the connection, which revokes", []string{fmt.Sprintf(connection, "Revoke"), north, one}, []string{north, one}, 1, "KisiConnection/default (removed)"},
	} {
		out, err := cluster.run(t, "", "diff", "--offline", "--base", folder(test.before...), "-f", folder(test.then...))
		if lost(err) != test.lost || !strings.Contains(out, test.says) {
			t.Errorf("%s: %v\n%s", test.name, err, out)
		}
	}
}

package command_test

import (
	"slices"
	"strings"
	"testing"
)

func TestApproveShowsAndAsksFirst(t *testing.T) {
	for _, test := range []struct {
		name, in string
		args     []string
		fails    string
		says     []string
		patches  []string
	}{
		{"a no", "n\n", []string{"members"}, "nothing was approved", []string{"Dora Quinn", "Eli Stone", "AccessSubscription/eli-full-time", "[y/N]"}, nil},
		{"no answer", "", []string{"members"}, "nothing was approved", []string{"[y/N]"}, nil},
		{"a yes", "y\n", []string{"members", "--for", "30m"}, "", []string{"Approved for KisiGroup members until 16:35 today."},
			[]string{`kisigroups/members {"metadata":{"annotations":{"access.kisi-operator.dev/approve-revocations-until":"2026-11-27T16:35:00Z"}}}`}},
		{"a connection", "", []string{"kisiconnection/hq", "--yes"}, "", []string{"Dora Quinn"},
			[]string{`kisiconnections/hq {"metadata":{"annotations":{"access.kisi-operator.dev/approve-revocations-until":"2026-11-27T17:05:00Z"}}}`}},
		{"one person", "", []string{"mbr/dora", "-y"}, "", []string{"1 grant(s) held"},
			[]string{`members/dora {"metadata":{"annotations":{"access.kisi-operator.dev/approve-revocations-until":"2026-11-27T17:05:00Z"}}}`}},
		{"nothing held", "", []string{"studio", "--yes"}, "", []string{"Nothing of KisiGroup studio is held; nothing was approved."}, nil},
		{"no such group", "", []string{"roof", "--yes"}, `there is no KisiGroup "roof" in namespace cowork`, nil, nil},
		{"another kind", "", []string{"bookinggrant/b1", "--yes"}, `"bookinggrant" is no kind that this works for`, nil, nil},
		{"too long", "", []string{"members", "--for", "25h", "--yes"}, "at most 24h", nil, nil},
	} {
		cluster := record(t, "cowork")
		out, err := cluster.run(t, test.in, append([]string{"approve"}, test.args...)...)
		if test.fails == "" && err != nil || test.fails != "" && (err == nil || !strings.Contains(err.Error(), test.fails)) {
			t.Errorf("%s: %v", test.name, err)
		}
		for _, says := range test.says {
			if !strings.Contains(out, says) {
				t.Errorf("%s does not say %q:\n%s", test.name, says, out)
			}
		}
		if !slices.Equal(cluster.patches, test.patches) {
			t.Errorf("%s writes %q", test.name, cluster.patches)
		}
	}
}

func TestReinstateAndReconcileWriteOneAnnotation(t *testing.T) {
	cluster := record(t, "cowork")
	if _, err := cluster.run(t, "", "reinstate", "cy"); err != nil {
		t.Fatal(err)
	}
	if _, err := cluster.run(t, "", "reconcile", "KisiGroup/members", "asub/acme-team"); err != nil {
		t.Fatal(err)
	}
	if _, err := cluster.run(t, "", "reconcile", "members"); err == nil || !strings.Contains(err.Error(), "write KIND/NAME") {
		t.Error(err)
	}
	want := []string{
		`members/cy {"metadata":{"annotations":{"access.kisi-operator.dev/reinstate":"2026-11-27T16:05:00Z"}}}`,
		`kisigroups/members {"metadata":{"annotations":{"access.kisi-operator.dev/reconcile-at":"2026-11-27T16:05:00Z"}}}`,
		`accesssubscriptions/acme-team {"metadata":{"annotations":{"access.kisi-operator.dev/reconcile-at":"2026-11-27T16:05:00Z"}}}`,
	}
	if !slices.Equal(cluster.patches, want) {
		t.Errorf("writes %q", cluster.patches)
	}
}

func TestCompletionOffersObjects(t *testing.T) {
	cluster := record(t, "cowork")
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"access", ""}, "ana\nbob\ncy\ndora\neli\n"},
		{[]string{"who", "st"}, "studio\n"},
		{[]string{"reconcile", "member/a"}, "member/ana\n"},
	} {
		out, err := cluster.run(t, "", append([]string{"__complete"}, test.args...)...)
		if err != nil || !strings.HasPrefix(out, test.want) {
			t.Errorf("%v: %v\n%s", test.args, err, out)
		}
	}
}

func TestStatusOfEveryNamespace(t *testing.T) {
	cluster := record(t, "cowork")
	cluster.add("KisiConnection", map[string]any{
		"apiVersion": "access.kisi-operator.dev/v1alpha1", "kind": "KisiConnection", "metadata": map[string]any{"name": "other", "namespace": "annex"},
		"spec": map[string]any{"mode": "Observe", "apiKeySecretRef": map[string]any{"name": "kisi"}},
	})
	out, err := cluster.run(t, "", "status", "-A")
	annex, cowork := strings.Index(out, "Namespace annex."), strings.Index(out, "Namespace cowork.")
	if err != nil || annex < 0 || cowork < annex || !strings.Contains(out[:cowork], "the operator has not looked at this connection") || strings.Contains(out[:cowork], "cowork") {
		t.Errorf("%v\n%s", err, out)
	}
	if len(cluster.requests) != 7 {
		t.Errorf("asked %v", cluster.requests)
	}
	if out, err := cluster.run(t, "", "status", "-A", "-o", "jsonpath={.kind} {.items[*].namespace}"); err != nil || out != "StatusReportList annex cowork" {
		t.Errorf("%v: %s", err, out)
	}
	for resource := range cluster.lists {
		cluster.refused[resource] = true
	}
	if _, err := cluster.run(t, "", "status", "-A"); err == nil || !strings.Contains(err.Error(), "you may not list members.access.kisi-operator.dev in all namespaces") {
		t.Error(err)
	}
}

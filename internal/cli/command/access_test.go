package command_test

import (
	"slices"
	"strings"
	"testing"
)

// One list request per kind, and no other.
func TestAsksOnceForEachKind(t *testing.T) {
	for _, args := range [][]string{{"access", "ana"}, {"who", "members"}, {"access", "ana", "-o", "json"}} {
		cluster := record(t, "cowork")
		if _, err := cluster.run(t, "", args...); err != nil {
			t.Fatal(err)
		}
		slices.Sort(cluster.requests)
		if got := len(slices.Compact(cluster.requests)); got != 7 || len(cluster.requests) != 7 {
			t.Errorf("%v asked %v", args, cluster.requests)
		}
	}
}

func TestAccessSaysWhatIsWrongWithTheQuestion(t *testing.T) {
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"access", "an"}, `there is no Member "an" in namespace cowork; give the name of a Member or an e-mail address, such as ana`},
		{[]string{"access", "zoe@example.com"}, "nothing in namespace cowork names zoe@example.com; check the spelling and the namespace"},
		{[]string{"who", "roof"}, `there is no KisiGroup, door or group in Kisi called "roof"`},
		{[]string{"access", "ana", "--at", "teatime"}, `--at "teatime" is no time; write 18:00`},
		{[]string{"access", "ana", "-o", "xml"}, "unable to match a printer"},
	} {
		if _, err := record(t, "cowork").run(t, "", test.args...); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%v: %v", test.args, err)
		}
	}
}

func TestWhoWithoutTheRightToListMembers(t *testing.T) {
	cluster := record(t, "cowork")
	cluster.refused["members"] = true
	out, err := cluster.run(t, "", "who", "members")
	if err != nil || !strings.Contains(out, `ask for a Role with the verb "list" on members`) || !strings.Contains(out, "Group members: 5 in, 0 later, 0 pending, 2 held.") || strings.Contains(out, "Ana") {
		t.Errorf("%v\n%s", err, out)
	}
}

// Every format of -o works for every report.
func TestFormats(t *testing.T) {
	cluster := record(t, "cowork")
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"access", "ana", "-o", "yaml"}, "kind: AccessReport\n"},
		{[]string{"access", "ana", "-o", "jsonpath={.person.email} {.doors[*].name}"}, "ana@example.com Members Members Studio"},
		{[]string{"access", "ana", "-o", "wide"}, "in the ledger: Active, 11:30-18:00 today, role assignment 9002 of user 1804"},
		{[]string{"access", "ana", "--utc"}, "Friday 27 November 2026, 16:05 UTC."},
		{[]string{"who", "members", "-o", "yaml"}, "kind: WhoReport\n"},
		{[]string{"who", "members", "-o", "name"}, "member.access.kisi-operator.dev/bob\n"},
		{[]string{"who", "Studio", "-o", "go-template={{range .people}}{{.person.fullName}} {{end}}"}, "Ana Diaz Gil Ott "},
		{[]string{"status", "-o", "json"}, `"kind": "StatusReport"`},
		{[]string{"status", "-o", "name"}, "member.access.kisi-operator.dev/cy\n"},
		{[]string{"status", "-o", "wide"}, "Eli Stone"},
		{[]string{"doctor", "-o", "yaml"}, "kind: DoctorReport\n"},
		{[]string{"doctor", "-o", "wide"}, "OK      KisiConnection/hq, key: Authenticated"},
	} {
		if out, _ := cluster.run(t, "", test.args...); !strings.Contains(out, test.want) {
			t.Errorf("%v does not say %q:\n%s", test.args, test.want, out)
		}
	}
}

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

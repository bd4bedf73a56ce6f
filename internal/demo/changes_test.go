package demo

import (
	"testing"
	"time"
)

func TestChangeTableShowsWindows(t *testing.T) {
	at := func(clock string) *time.Time {
		parsed, err := time.Parse(time.RFC3339, "2026-12-01T"+clock+"+02:00")
		if err != nil {
			t.Fatal(err)
		}
		return &parsed
	}
	row := func(id int) Change {
		return Change{Time: *at("11:00:00"), Type: "role_assignment.create", ObjectType: "RoleAssignment", ObjectID: id, ObjectName: "Ada"}
	}
	changes := []Change{
		{Time: *at("11:00:00"), Type: "user.create", ObjectType: "User", ObjectID: 1, ObjectName: "Ada"}, // not the row of the same number
		row(1), row(2), row(3), row(4), row(5), row(6),
	}
	years := time.Date(2035, 6, 1, 0, 0, 0, 0, time.UTC)
	assignments := []Assignment{
		{ID: 1, Group: "Hall"},
		{ID: 2, Group: "Vault", ValidFrom: at("12:00:00"), ValidUntil: at("13:00:00")},
		{ID: 3, Group: "Vault", ValidFrom: at("12:00:00")},
		{ID: 4, Group: "Vault", ValidUntil: at("13:00:00")},
		{ID: 5, Group: "Vault", ValidUntil: &years},
	}
	want := `09:00:00   user.create              Ada
09:00:00   role_assignment.create   Ada   Hall    always
09:00:00   role_assignment.create   Ada   Vault   10:00:00 - 11:00:00
09:00:00   role_assignment.create   Ada   Vault   from 10:00:00
09:00:00   role_assignment.create   Ada   Vault   until 11:00:00
09:00:00   role_assignment.create   Ada   Vault   until 2035-06-01
09:00:00   role_assignment.create   Ada
`
	if got := ChangeTable(changes, assignments); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

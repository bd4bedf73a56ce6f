package kisi

import (
	"context"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"
)

// answers serves one body to every request, marked as a complete page of a list of so many items.
func answers(t *testing.T, items int, body string) *Client {
	return clientOf(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Collection-Range", fmt.Sprintf("0-249/%d", items))
		_, _ = w.Write([]byte(body))
	})
}

func listOf(items ...string) string { return "[" + strings.Join(items, ",") + "]" }

// A list that holds anything that was not asked for answers another question: it is incomplete, and nothing of it counts.
func TestEachItemOfAListIsHeldAgainstWhatWasAskedFor(t *testing.T) {
	const (
		anasInMembers = `{"id":1,"role_id":"group_basic","assignee_type":"User","assignee_id":7,"applies_to_type":"Group","applies_to_id":3}`
		bensInMembers = `{"id":2,"role_id":"group_basic","assignee_type":"User","assignee_id":8,"applies_to_type":"Group","applies_to_id":3}`
		anasInBoard   = `{"id":3,"role_id":"group_basic","assignee_type":"User","assignee_id":7,"applies_to_type":"Group","applies_to_id":4}`
		anasInPlace   = `{"id":4,"role_id":"place_administrator","assignee_type":"User","assignee_id":7,"applies_to_type":"Place","applies_to_id":3}`
		teamInMembers = `{"id":5,"role_id":"group_basic","assignee_type":"Team","assignee_id":7,"applies_to_type":"Group","applies_to_id":3}`
		guests        = `{"id":6,"role_id":"group_basic","assignee_type":"Guest","assignee_id":7,"applies_to_type":"Group","applies_to_id":3}`
	)
	assignments := func(filter RoleAssignmentFilter) func(*Client) (string, any, error) {
		return func(c *Client) (string, any, error) {
			l, err := c.ListRoleAssignments(context.Background(), filter)
			return l.Incomplete, l.Items, err
		}
	}
	byGroup := assignments(RoleAssignmentFilter{AppliesToType: TypeGroup, AppliesToID: 3})
	byUser := assignments(RoleAssignmentFilter{AssigneeType: TypeUser, AssigneeID: 7})
	byBoth := assignments(RoleAssignmentFilter{AssigneeType: TypeUser, AssigneeID: 7, AppliesToType: TypeGroup, AppliesToID: 3})
	locks := func(c *Client) (string, any, error) {
		l, err := c.ListLocks(context.Background(), LockFilter{PlaceID: 3})
		return l.Incomplete, l.Items, err
	}
	groups := func(c *Client) (string, any, error) {
		l, err := c.ListGroups(context.Background(), GroupFilter{PlaceID: 3})
		return l.Incomplete, l.Items, err
	}
	doors := func(c *Client) (string, any, error) {
		l, err := c.ListGroupLocks(context.Background(), 3)
		return l.Incomplete, l.Items, err
	}
	logins := func(c *Client) (string, any, error) {
		l, err := c.ListLogins(context.Background(), 3)
		return l.Incomplete, l.Items, err
	}
	memberships := func(c *Client) (string, any, error) {
		l, err := c.ListTeamMemberships(context.Background(), TeamMembershipFilter{MemberType: TypeUser, MemberID: 7})
		return l.Incomplete, l.Items, err
	}
	tests := map[string]struct {
		list  func(*Client) (string, any, error)
		items []string
		whole int // how many items a complete list has; -1: it is incomplete
	}{
		"by group":                            {byGroup, []string{anasInMembers, bensInMembers, teamInMembers, guests}, 4},
		"by group, one of another group":      {byGroup, []string{anasInMembers, anasInBoard}, -1},
		"by group, one of a place of that id": {byGroup, []string{anasInPlace}, -1},
		"by user":                             {byUser, []string{anasInMembers, anasInBoard, anasInPlace}, 3},
		"by user, one of another user":        {byUser, []string{anasInMembers, bensInMembers}, -1},
		"by user, one of a guest of that id":  {byUser, []string{guests}, -1},
		"by user, with the teams'":            {byUser, []string{teamInMembers, anasInMembers}, 1},
		"by both":                             {byBoth, []string{anasInMembers}, 1},
		"by both, one of another group":       {byBoth, []string{anasInBoard}, -1},
		"by both, with the teams'":            {byBoth, []string{anasInMembers, teamInMembers}, 1},
		"by both, a team's of another group":  {byBoth, []string{strings.Replace(teamInMembers, `"applies_to_id":3`, `"applies_to_id":4`, 1)}, -1},
		"by role, one of another":             {assignments(RoleAssignmentFilter{RoleID: RoleGroupManager}), []string{anasInMembers}, -1},
		"doors of a group":                    {doors, []string{`{"id":1,"group_id":3,"lock_id":9}`}, 1},
		"doors of another group":              {doors, []string{`{"id":1,"group_id":3,"lock_id":9}`, `{"id":2,"group_id":4,"lock_id":9}`}, -1},
		"locks of a place":                    {locks, []string{`{"id":1,"place_id":3}`}, 1},
		"locks of another place":              {locks, []string{`{"id":1,"place_id":4}`}, -1},
		"groups of a place":                   {groups, []string{`{"id":1,"place_id":3}`, `{"id":2,"place_id":null}`}, 2},
		"groups of another place":             {groups, []string{`{"id":1,"place_id":4}`}, -1},
		"logins of a user":                    {logins, []string{`{"id":1,"user_id":3}`}, 1},
		"logins of another user":              {logins, []string{`{"id":1,"user_id":4}`}, -1},
		"a user's teams":                      {memberships, []string{`{"id":1,"team_id":2,"member_type":"User","member_id":7}`}, 1},
		"a guest's teams":                     {memberships, []string{`{"id":1,"team_id":2,"member_type":"Guest","member_id":7}`}, -1},
		"another user's teams":                {memberships, []string{`{"id":1,"team_id":2,"member_type":"User","member_id":8}`}, -1},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			incomplete, items, err := test.list(answers(t, len(test.items), listOf(test.items...)))
			if err != nil {
				t.Fatal(err)
			}
			switch n := reflect.ValueOf(items).Len(); {
			case test.whole < 0 && (incomplete == "" || n > 0):
				t.Errorf("incomplete: %q, items %+v", incomplete, items)
			case test.whole >= 0 && (incomplete != "" || n != test.whole):
				t.Errorf("incomplete: %q, %d items instead of %d: %+v", incomplete, n, test.whole, items)
			}
		})
	}
}

// rowsOfGroup writes group locks of a group, from one id to another.
func rowsOfGroup(group, from, to int) string {
	var rows []string
	for id := from; id <= to; id++ {
		rows = append(rows, fmt.Sprintf(`{"id":%d,"group_id":%d}`, id, group))
	}
	return strings.Join(rows, ",")
}

// Of which page an item shows that another question was answered does not matter.
func TestAContradictionOnALaterPageSpoilsTheWholeList(t *testing.T) {
	client := clientOf(t, func(w http.ResponseWriter, r *http.Request) {
		first := r.URL.Query().Get("offset") == "0"
		w.Header().Set("X-Collection-Range", map[bool]string{true: "0-9/11", false: "9-18/11"}[first])
		if first {
			_, _ = w.Write([]byte(`[` + rowsOfGroup(3, 1, 10) + `]`))
		} else {
			_, _ = w.Write([]byte(`[` + rowsOfGroup(3, 10, 10) + `,` + rowsOfGroup(4, 11, 11) + `]`))
		}
	})
	listing, err := client.ListGroupLocks(context.Background(), 3)
	if err != nil || listing.Complete() || len(listing.Items) > 0 || listing.Total != -1 {
		t.Fatalf("%+v, %v", listing, err)
	}
}

func TestAListByUserHasTheTeamsRowsOnRequest(t *testing.T) {
	client := answers(t, 1, `[{"id":5,"role_id":"group_basic","assignee_type":"Team","assignee_id":7,"applies_to_type":"Group","applies_to_id":3}]`)
	listing, err := client.ListRoleAssignments(context.Background(), RoleAssignmentFilter{AssigneeType: TypeUser, AssigneeID: 9, WithTeams: true})
	if err != nil || !listing.Complete() || len(listing.Items) != 1 {
		t.Fatalf("%+v, %v", listing, err)
	}
}

// What is read by its id is an error if it is something else. A create so answered may have been carried out.
func TestWhatIsReadByIDIsHeldAgainstWhatWasAskedFor(t *testing.T) {
	ctx := context.Background()
	const assignment = `{"id":5,"role_id":"group_basic","assignee_type":"User","assignee_id":7,"applies_to_type":"Group","applies_to_id":3}`
	tests := map[string]struct {
		body string
		call func(*Client) error
		fits bool
	}{
		"another user":       {`{"id":6}`, func(c *Client) error { _, err := c.User(ctx, 5); return err }, false},
		"another group":      {`{"id":6}`, func(c *Client) error { _, err := c.Group(ctx, 5); return err }, false},
		"another group lock": {`{"id":6}`, func(c *Client) error { _, err := c.GroupLock(ctx, 5); return err }, false},
		"another lock":       {`{"id":6}`, func(c *Client) error { _, err := c.Lock(ctx, 5); return err }, false},
		"another event set":  {`{"id":6}`, func(c *Client) error { _, err := c.EventSet(ctx, 5, "", 0); return err }, false},
		"another role":       {`{"id":"b"}`, func(c *Client) error { _, err := c.Role(ctx, "a"); return err }, false},
		"another assignment": {assignment, func(c *Client) error { _, err := c.RoleAssignment(ctx, 6, RoleAssignmentFilter{}); return err }, false},
		"the assignment":     {assignment, func(c *Client) error { _, err := c.RoleAssignment(ctx, 5, RoleAssignmentFilter{}); return err }, true},
		"the person's assignment": {assignment, func(c *Client) error {
			_, err := c.RoleAssignment(ctx, 5, RoleAssignmentFilter{AssigneeType: TypeUser, AssigneeID: 7, AppliesToType: TypeGroup, AppliesToID: 3})
			return err
		}, true},
		"another person's assignment": {assignment, func(c *Client) error {
			_, err := c.RoleAssignment(ctx, 5, RoleAssignmentFilter{AssigneeType: TypeUser, AssigneeID: 8})
			return err
		}, false},
		"a team's assignment": {strings.Replace(assignment, "User", "Team", 1), func(c *Client) error {
			_, err := c.RoleAssignment(ctx, 5, RoleAssignmentFilter{AssigneeType: TypeUser, AssigneeID: 7})
			return err
		}, false},
		"an assignment made for another": {assignment, func(c *Client) error {
			_, err := c.CreateRoleAssignment(ctx, RoleAssignmentCreate{AssigneeType: TypeUser, AssigneeID: 8, AppliesToType: TypeGroup, AppliesToID: 3})
			return err
		}, false},
		"an assignment of which little is said": {`{"id":5}`, func(c *Client) error {
			_, err := c.CreateRoleAssignment(ctx, RoleAssignmentCreate{AssigneeType: TypeUser, AssigneeID: 8, AppliesToType: TypeGroup, AppliesToID: 3})
			return err
		}, true},
		"an assignment made of another role": {strings.Replace(assignment, "group_basic", "group_manager", 1), func(c *Client) error {
			_, err := c.CreateRoleAssignment(ctx, RoleAssignmentCreate{AssigneeType: TypeUser, AssigneeID: 7, AppliesToType: TypeGroup, AppliesToID: 3, RoleID: RoleGroupBasic})
			return err
		}, false},
		"an assignment made for a team": {strings.Replace(assignment, "User", "Team", 1), func(c *Client) error {
			_, err := c.CreateRoleAssignment(ctx, RoleAssignmentCreate{AssigneeType: TypeUser, AssigneeID: 7, AppliesToType: TypeGroup, AppliesToID: 3, RoleID: RoleGroupBasic})
			return err
		}, false},
		"an assignment made to a place": {strings.Replace(assignment, `"Group"`, `"Place"`, 1), func(c *Client) error {
			_, err := c.CreateRoleAssignment(ctx, RoleAssignmentCreate{AssigneeType: TypeUser, AssigneeID: 7, AppliesToType: TypeGroup, AppliesToID: 3, RoleID: RoleGroupBasic})
			return err
		}, false},
		"a user made of another address": {`{"id":5,"email":"ben@example.com"}`, func(c *Client) error {
			_, err := c.CreateUser(ctx, UserCreate{Email: "ana@example.com"})
			return err
		}, false},
		"a user of the address in small letters": {`{"id":5,"email":"ana@example.com"}`, func(c *Client) error {
			_, err := c.CreateUser(ctx, UserCreate{Email: "Ana@Example.com"})
			return err
		}, true},
		"a group made of another description": {`{"id":5,"name":"Members","description":"of another"}`, func(c *Client) error {
			_, err := c.CreateGroup(ctx, GroupCreate{Name: "Members", Description: "of this one"})
			return err
		}, false},
		"a webhook made for another address": {`{"id":5,"type":"event_webhook","url":"https://a.example.com"}`, func(c *Client) error {
			_, err := c.CreateEventWebhook(ctx, EventWebhookCreate{Name: "a", URL: "https://b.example.com"})
			return err
		}, false},
		"a door made for another group": {`{"id":5,"group_id":4,"lock_id":9}`, func(c *Client) error { _, err := c.CreateGroupLock(ctx, 3, 9); return err }, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			err := test.call(answers(t, 0, test.body))
			if (err == nil) != test.fits {
				t.Fatalf("error: %v", err)
			}
			if IsNotFound(err) || IsUnavailable(err) {
				t.Errorf("%v passes for something else", err)
			}
			if made := strings.Contains(name, "made"); made != OutcomeUnknown(err) {
				t.Errorf("outcome unknown: %v, after %v", OutcomeUnknown(err), err)
			}
		})
	}
}

// Kisi answers a change and a deletion with 204 and no body. Any other success may come from something in between, with
// the thing still as it was: it is in doubt until somebody has looked, unless it names the very thing.
func TestAChangeIsDoneWhenKisiSaysSo(t *testing.T) {
	ctx := context.Background()
	no := false
	calls := map[string]func(*Client) error{
		"update assignment": func(c *Client) error { return c.UpdateRoleAssignment(ctx, 5, RoleAssignmentUpdate{Notify: &no}) },
		"delete assignment": func(c *Client) error { return c.DeleteRoleAssignment(ctx, 5) },
		"update user":       func(c *Client) error { return c.UpdateUser(ctx, 5, UserUpdate{AccessEnabled: &no}) },
		"delete user":       func(c *Client) error { return c.DeleteUser(ctx, 5) },
		"delete login":      func(c *Client) error { return c.DeleteLogin(ctx, 5) },
		"update group":      func(c *Client) error { return c.UpdateGroup(ctx, 5, GroupUpdate{}) },
		"delete group":      func(c *Client) error { return c.DeleteGroup(ctx, 5) },
		"delete group lock": func(c *Client) error { return c.DeleteGroupLock(ctx, 5) },
		"update webhook":    func(c *Client) error { return c.UpdateEventWebhook(ctx, 5, EventWebhookUpdate{}) },
		"delete webhook":    func(c *Client) error { return c.DeleteIntegration(ctx, 5) },
	}
	answers := map[string]struct {
		status int
		body   string
		done   bool
	}{
		"no content":           {http.StatusNoContent, "", true},
		"the thing itself":     {http.StatusOK, `{"id":5}`, true},
		"a page of a proxy":    {http.StatusOK, "<html>Sign in to the network</html>", false},
		"nothing":              {http.StatusOK, "", false},
		"null":                 {http.StatusOK, "null", false},
		"another thing":        {http.StatusOK, `{"id":6}`, false},
		"accepted for later":   {http.StatusAccepted, `{"id":5}`, false},
		"a thing of no number": {http.StatusOK, `{"id":"5"}`, false},
	}
	for what, call := range calls {
		for how, answer := range answers {
			t.Run(what+", "+how, func(t *testing.T) {
				client := clientOf(t, func(w http.ResponseWriter, r *http.Request) {
					if r.Method == http.MethodGet { // whose key it is
						_, _ = w.Write([]byte(`{"id":1,"user_id":2}`))
						return
					}
					w.WriteHeader(answer.status)
					_, _ = w.Write([]byte(answer.body))
				})
				if _, err := client.CurrentLogin(ctx); err != nil {
					t.Fatal(err)
				}
				err := call(client)
				if done := err == nil; done != answer.done {
					t.Fatalf("error: %v", err)
				}
				if OutcomeUnknown(err) == answer.done || IsNotFound(err) || Answered(err) {
					t.Errorf("outcome unknown: %v, answered: %v, after %v", OutcomeUnknown(err), Answered(err), err)
				}
			})
		}
	}
}

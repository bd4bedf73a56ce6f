package simulator

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

func listUsers(c *call) answer {
	list, refused := c.userLister()
	if refused != nil {
		return *refused
	}
	list.render = func(u user) any { return c.s.userJSON(u) }
	return list.answer(c)
}

// userLister applies the filters that /users and /members share.
func (c *call) userLister() (*lister[user], *answer) {
	s := c.s
	ids := s.usersIn.live[c.org.ID]
	if !c.mayAnywhere("users_read") {
		if self := c.query.Get("user_id"); self != "me" && atoi(self) != c.user.ID && s.switches.ListsForbidden == ListsForbidden403 {
			a := forbidden()
			return nil, &a
		}
		ids = []int{c.user.ID}
	}
	list := &lister[user]{size: usersPage, table: &s.users, ids: ids, sortKey: map[string]func(user) string{
		"name":           func(u user) string { return u.Name },
		"unlock":         func(u user) string { return timeKey(u.LastAccessedAt) },
		"access_enabled": func(u user) string { return strconv.FormatBool(u.AccessEnabled) },
	}}
	if email := c.query.Get("email"); email != "" {
		c.filterByEmail(list, email)
	}
	if id := c.query.Get("user_id"); id != "" {
		wanted := c.userIDFrom(id)
		list.ids = intersect(list.ids, []int{wanted})
	}
	if id := c.query.Get("group_id"); id != "" {
		list.ids = intersect(list.ids, s.usersOfGroup(c.org, atoi(id), s.switches.GroupUsers, c.now))
	}
	if id := c.query.Get("place_id"); id != "" {
		list.ids = intersect(list.ids, s.usersOfPlace(c.org, atoi(id), c.now))
	}
	list.whereIDs(c)
	list.whereText(c, func(u user) []string {
		texts := []string{u.Email, u.Name}
		if u.Notes != nil {
			texts = append(texts, *u.Notes)
		}
		return texts
	})
	return list, nil
}

func timeKey(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// userIDFrom reads a user_id parameter, where "me" is the key's own user.
func (c *call) userIDFrom(text string) int {
	if text == "me" {
		return c.user.ID
	}
	return atoi(text)
}

func (c *call) filterByEmail(list *lister[user], email string) {
	switch c.s.switches.UsersEmailFilter {
	case UsersEmailFilterPartial:
		list.where(func(u user) bool { return strings.Contains(foldEmail(u.Email), foldEmail(email)) })
	case UsersEmailFilterCaseSensitive:
		list.ids = intersect(list.ids, c.s.usersByEmail.live[emailKey{c.org.ID, foldEmail(email)}])
		list.where(func(u user) bool { return u.Email == email })
	default:
		list.ids = intersect(list.ids, c.s.usersByEmail.live[emailKey{c.org.ID, foldEmail(email)}])
	}
}

// intersect keeps the ids of the smaller list that the larger one has too;
// both are ascending.
func intersect(a, b []int) []int {
	if len(a) > len(b) {
		a, b = b, a
	}
	var both []int
	for _, id := range a {
		if _, found := slices.BinarySearch(b, id); found {
			both = append(both, id)
		}
	}
	return both
}

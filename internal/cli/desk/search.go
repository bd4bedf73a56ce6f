package desk

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/runes"
	"golang.org/x/text/transform"
	"golang.org/x/text/unicode/norm"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/cli/access"
	"github.com/kisi-operator/kisi-operator/internal/cli/objects"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
)

// matches are the people and doors that fit what somebody types.
type matches struct {
	Typed string
	Found []match
	// More is how many there are beyond those that are listed.
	More int
}

// match is a person or a door.
type match struct {
	link

	Detail string
}

// most is how many matches are listed.
const most = 20

// Says tells in a few words how many there are, for who does not see the list.
func (m matches) Says() string {
	switch n := len(m.Found) + m.More; {
	case m.Typed == "":
		return ""
	case n == 0:
		return "Nobody and no door has a name like that."
	case n == 1:
		return "1 found."
	default:
		return fmt.Sprintf("%d found.", n)
	}
}

// directory finds people and doors by what they are called. It is made anew when objects have changed.
type directory struct {
	mu      sync.Mutex
	of      *objects.Indexed
	entries []entry
	// compared are names as they are compared, which takes longest to tell, and stays the same when other objects change.
	compared map[string]string
}

// entry is a match with its names as they are compared, by name.
type entry struct {
	match

	names string
}

func (d *Desk) find(w http.ResponseWriter, r *http.Request) {
	typed := r.URL.Query().Get("q")
	found := d.names.search(d.cluster.Indexed(), typed)
	if r.Header.Get("HX-Request") != "" {
		write(w, http.StatusOK, "found", "found", found) // while somebody types, nothing else
		return
	}
	d.show(w, r, http.StatusOK, "found", frame{Title: "Search", Search: found, Page: found})
}

// search lists who and what has every typed word in its names. Those whose name begins with it come first.
func (dir *directory) search(in *objects.Indexed, typed string) matches {
	found := matches{Typed: typed}
	words := strings.Fields(plain(typed))
	if len(words) == 0 {
		return found
	}
	first := " " + words[0]
	var begin, contain []match
	for _, e := range dir.entriesOf(in) {
		switch {
		case !containsAll(e.names, words):
		case strings.Contains(e.names, first):
			begin = append(begin, e.match)
		default:
			contain = append(contain, e.match)
		}
	}
	all := slices.Concat(begin, contain)
	found.Found = all[:min(most, len(all))]
	found.More = len(all) - len(found.Found)
	return found
}

func containsAll(names string, words []string) bool {
	for _, word := range words {
		if !strings.Contains(names, word) {
			return false
		}
	}
	return true
}

// plain is a name without capitals and accents.
func plain(name string) string {
	if isASCII(name) {
		return strings.ToLower(name)
	}
	folded, _, err := transform.String(transform.Chain(norm.NFD, runes.Remove(runes.In(unicode.Mn)), norm.NFC, cases.Fold()), name)
	if err != nil {
		return strings.ToLower(name)
	}
	return folded
}

func isASCII(name string) bool {
	return !strings.ContainsFunc(name, func(r rune) bool { return r > unicode.MaxASCII })
}

func (dir *directory) entriesOf(in *objects.Indexed) []entry {
	dir.mu.Lock()
	defer dir.mu.Unlock()
	if dir.of != in {
		dir.gather(in)
	}
	return dir.entries
}

// gather makes the directory anew.
func (dir *directory) gather(in *objects.Indexed) {
	var all []entry
	compared := map[string]string{}
	add := func(m match, names ...string) {
		name := strings.Join(names, " ")
		as, known := dir.compared[name]
		if !known {
			as = plain(name)
		}
		compared[name] = as
		all = append(all, entry{m, " " + as})
	}
	known := namesOf(in)
	for _, address := range access.People(in) {
		name := known[address]
		add(match{link{cmp.Or(name, string(address)), personLink(string(address))}, string(address)}, name, string(address))
	}
	doors := map[string]bool{}
	for _, g := range in.Groups {
		add(match{link{access.Called(g), doorLink(g.Name)}, "group " + g.Name}, access.Called(g), g.Name)
		for _, door := range access.DoorsOf(g) {
			if !doors[door] {
				doors[door] = true
				add(match{link{door, doorLink(door)}, "door"}, door)
			}
		}
	}
	slices.SortFunc(all, func(a, b entry) int { return cmp.Or(strings.Compare(a.names, b.names), strings.Compare(a.To, b.To)) })
	dir.of, dir.entries, dir.compared = in, all, compared
}

// namesOf lists what people are called: as their Members say, else as a booking or a subscription does.
func namesOf(in *objects.Indexed) map[entitlement.Address]string {
	names := map[entitlement.Address]string{}
	add := func(address entitlement.Address, name v1alpha1.FullName) {
		if names[address] == "" {
			names[address] = string(name)
		}
	}
	for _, m := range in.Set.Members {
		add(entitlement.Fold(m.Spec.Email), m.Spec.FullName)
	}
	for _, s := range in.Subscriptions {
		add(entitlement.Fold(s.Spec.Subject.Email), s.Spec.Subject.FullName)
	}
	for _, b := range in.Set.Bookings {
		for _, invitee := range entitlement.Invitees(b) {
			add(invitee.Address, invitee.Name)
		}
	}
	return names
}

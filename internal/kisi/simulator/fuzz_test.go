package simulator

import (
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

// Whatever a seed says: one that is refused changes nothing and shows no key, and one that is taken makes the same organization
// in every simulator, whose Kisi answers.
func FuzzSeed(f *testing.F) {
	f.Add([]byte(testSeed))
	f.Add([]byte("switches: {duplicates: AlwaysNew}\norganizations: []\n"))
	f.Add([]byte(`{organizations: [{name: A, domain: a, owner: o@a.example, users: [{email: o@a.example, name: "\u001b[2J"}], keys: [{user: o@a.example, secret: seed-s3cr3t}]}]}`))
	f.Add([]byte(`{organizations: [{name: A, domain: a, id: 9007199254740993, owner: o@a.example, users: [{email: o@a.example}]}]}`))
	f.Add([]byte(`{organizations: [{name: A, domain: a, owner: o@a.example, timeZone: ../../etc, users: [{email: o@a.example}], groups: [{name: "/"}]}]}`))
	f.Add([]byte("a: &a [*a]"))
	f.Add([]byte("\xff\xfe"))
	f.Fuzz(func(t *testing.T, document []byte) {
		one, other := fuzzed(t), fuzzed(t)
		empty := one.State()
		err := one.LoadSeed(document)
		if again := other.LoadSeed(document); (err == nil) != (again == nil) {
			t.Fatalf("once %v, once %v", err, again)
		}
		if err != nil {
			if text := err.Error(); !utf8.ValidString(text) || strings.Contains(text, "seed-s3cr3t") && strings.Count(string(document), "seed-s3cr3t") == 1 && strings.Contains(string(document), "secret: seed-s3cr3t}") {
				t.Fatalf("%q", text)
			}
			if after := one.State(); !reflect.DeepEqual(after.Organizations, empty.Organizations) {
				t.Fatalf("a refused seed has changed something: %v", err)
			}
			return
		}
		if a, b := one.State(), other.State(); !reflect.DeepEqual(ids(a), ids(b)) {
			t.Fatalf("two organizations of one seed:\n%v\n%v", ids(a), ids(b))
		}
		for _, o := range one.State().Organizations {
			if o.ID < 1 || o.ID > 1<<53-1 {
				t.Fatalf("an organization of the id %d", o.ID)
			}
			for _, g := range o.Groups {
				if g.ID < 1 || g.ID > 1<<53-1 {
					t.Fatalf("a group of the id %d", g.ID)
				}
			}
		}
	})
}

func fuzzed(t *testing.T) *Server {
	t.Helper()
	s, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// ids are what the organizations have, by their ids and names.
func ids(state State) (found []any) {
	for _, o := range state.Organizations {
		found = append(found, o.ID, o.Name)
		for _, u := range o.Users {
			found = append(found, u.ID, u.Email)
		}
		for _, g := range o.Groups {
			found = append(found, g.ID, g.Name)
		}
	}
	return found
}

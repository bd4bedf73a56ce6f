package desk

import (
	"fmt"
	"slices"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/cli/objects"
)

func named(names ...string) *objects.Indexed {
	set := &objects.Set{Namespace: "cowork"}
	for i, name := range names {
		m := &v1alpha1.Member{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("m%d", i)}}
		m.Spec.Email, m.Spec.FullName = v1alpha1.EmailAddress(fmt.Sprintf("p%d@example.com", i)), v1alpha1.FullName(name)
		set.Members = append(set.Members, m)
	}
	return set.Index()
}

func TestNamesAreFoundAsPeopleTypeThem(t *testing.T) {
	in := named("Ana Diaz", "José Núñez", "Dana Weiß", "Łukasz", "Ann Smith")
	for typed, want := range map[string][]string{
		"ana":      {"Ana Diaz", "Dana Weiß"},
		"ANA d":    {"Ana Diaz", "Dana Weiß"},
		"jose nun": {"José Núñez"},
		"NÚÑEZ":    {"José Núñez"},
		"weiss":    {"Dana Weiß"},
		"p4@":      {"Ann Smith"},
		"   ":      nil,
		"ana smit": nil,
	} {
		var dir directory
		var found []string
		for _, m := range dir.search(in, typed).Found {
			found = append(found, m.Text)
		}
		if !slices.Equal(found, want) {
			t.Errorf("%q finds %v, not %v", typed, found, want)
		}
	}
}

// crowd is 20,000 people.
func crowd() *objects.Indexed {
	first, last := []string{"Ana", "Bob", "José", "Zoë", "Mia", "Łukasz", "Oren"}, []string{"Diaz", "Lind", "Núñez", "Stone", "Weiß"}
	names := make([]string, 20_000)
	for i := range names {
		names[i] = fmt.Sprintf("%s %s %d", first[i%len(first)], last[i%len(last)], i)
	}
	return named(names...)
}

// A keystroke is measured in what it allocates, which no other program on the machine changes: nothing for each person.
func TestAKeystrokeAmong20000PeopleIsCheap(t *testing.T) {
	in := crowd()
	var dir directory
	dir.search(in, "a") // makes the directory
	for _, typed := range []string{"zoe nunez 19", "19999", "nobody"} {
		if allocations := testing.AllocsPerRun(5, func() { dir.search(in, typed) }); allocations > 100 {
			t.Errorf("%q: %v allocations", typed, allocations)
		}
	}
	if found := dir.search(in, "zoe"); len(found.Found) != most || found.More < 2_000 {
		t.Errorf("%d found, and %d more", len(found.Found), found.More)
	}
}

func BenchmarkKeystroke(b *testing.B) {
	in := crowd()
	for _, typed := range []string{"z", "zoe nunez", "nobody"} {
		b.Run(typed, func(b *testing.B) {
			var dir directory
			dir.search(in, typed)
			for b.Loop() {
				dir.search(in, typed)
			}
		})
	}
	b.Run("the first after a change", func(b *testing.B) {
		var dir directory
		dir.search(in, "zoe")
		for b.Loop() {
			dir.of = nil
			dir.search(in, "zoe")
		}
	})
}

package demo

import (
	"slices"
	"strings"
	"testing"
)

// asPromised is every try of a story, with the outcome that it promises.
func asPromised(story *Story) Attempts {
	attempts := Attempts{}
	for _, person := range story.People {
		for _, door := range story.Doors {
			for _, phase := range Phases {
				attempts.Record(person, door, phase, Attempt{Opened: person.Expects(door, phase), Refusal: "fcd8ef"})
			}
		}
	}
	return attempts
}

func TestTableShowsPeopleAndDoors(t *testing.T) {
	story := meeting()
	story.People = story.People[:2]
	want := `PERSON   WHO        DOOR    BEFORE    DURING    AFTER
Ada      chair      Hall    opens     opens     opens
                    Vault   refused   opens     refused
Bob      stranger   Hall    refused   refused   refused
                    Vault   refused   refused   refused`
	if got := story.Table(asPromised(story)); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if surprises := story.Surprises(asPromised(story)); len(surprises) > 0 {
		t.Errorf("surprised by what was promised: %q", surprises)
	}
}

// Whichever single try ends otherwise, or is left out, is noticed, named and marked.
func TestEverySurpriseIsNoticed(t *testing.T) {
	story := meeting()
	for key, attempt := range asPromised(story) {
		for _, made := range []bool{true, false} {
			attempts := asPromised(story)
			attempts[key] = Attempt{Opened: !attempt.Opened, Refusal: "fcd8ef"}
			want := map[bool]string{true: "should open, was refused (fcd8ef)", false: "should be refused, opened"}[attempt.Opened]
			if !made {
				delete(attempts, key)
				want = "was not tried"
			}
			surprises := story.Surprises(attempts)
			if len(surprises) != 1 {
				t.Fatalf("%v: got %q, want one surprise", key, surprises)
			}
			for _, part := range []string{want, key.door, key.phase.String()} {
				if !strings.Contains(surprises[0], part) {
					t.Errorf("%v: %q does not say %q", key, surprises[0], part)
				}
			}
			if marks := strings.Count(story.Table(attempts), "(!)"); marks != 1 {
				t.Errorf("%v: %d cells are marked", key, marks)
			}
		}
	}
}

func TestCostSurprises(t *testing.T) {
	floor := Requests{
		{"GET", "/login", 200}, {"POST", "/event_sets", 201}, // reads
		{"POST", "/users", 200}, {"POST", "/role_assignments", 200}, {"POST", "/role_assignments", 200}, {"POST", "/role_assignments", 200},
	}
	for _, c := range []struct {
		name     string
		requests Requests
		want     []string
	}{
		{"as cheap as can be", floor, nil},
		{"one write too many", append(slices.Clone(floor), Request{"DELETE", "/role_assignments/7", 204}), []string{"5 writes to Kisi, 4 are enough"}},
		{"one write too few", floor[:5], []string{"3 writes to Kisi, 4 are enough"}},
		{"too fast", append(slices.Clone(floor), Request{"GET", "/groups", 429}), []string{"Kisi answered GET /groups with 429"}},
	} {
		if got := meeting().CostSurprises(c.requests); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

func TestSummaryCountsKindsOfRequests(t *testing.T) {
	requests := Requests{{"GET", "/groups", 200}, {"DELETE", "/role_assignments/7", 204}, {"DELETE", "/role_assignments/12", 204}}
	want := []string{"2 write DELETE /role_assignments/{id}", "1 read GET /groups"}
	var got []string
	for line := range strings.Lines(requests.Summary()) {
		got = append(got, strings.Join(strings.Fields(line), " "))
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

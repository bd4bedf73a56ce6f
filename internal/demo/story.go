// Package demo shows the operator at work on this machine: a real Kubernetes control plane, a simulated Kisi, and people
// who try doors before, during and after a booking. What they find is compared with what the samples promise.
package demo

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/template"
	"time"
)

// Story is what a directory of config/samples promises, in terms of people and doors.
type Story struct {
	// System is the name of the directory.
	System string
	// Organization is the seed of the simulated Kisi, relative to the repository.
	Organization string
	// Endpoint is where the samples expect that Kisi.
	Endpoint string
	// MoreRights is a directory of roles that the operator needs besides config/rbac, if any.
	MoreRights string
	// KeyOwner is the address of the person whose API key the samples hold; Admin is another administrator's.
	KeyOwner, Admin string
	// Domain names the organization.
	Domain string
	// Occasion names what lasts a few seconds while people try doors, such as "the booking".
	Occasion string
	// Event is the object of that occasion, with {{.Start}} and {{.End}} to fill in; EventName is its Kind/name.
	Event, EventName string
	Doors            []string
	People           []Person
	// Calendar is what kisi-feed follows while the demo is kept; nil: there is none.
	Calendar *Calendar
	// Also lists what the samples have written to Kisi besides users and grants.
	Also []Cost
}

// Cost is a number of writes to Kisi, and what they are for.
type Cost struct {
	For    string
	Writes int
}

// Person is somebody who tries every door of a story.
type Person struct {
	Email, Name string
	// Role says in a few words what the person has to do with the story.
	Role string
	// Opens says for each door when it opens to the person; a door that is not mentioned never does.
	Opens map[string]When
	// New is set for somebody whom Kisi does not know before the samples are applied.
	New bool
	// Found is set for somebody whom Kisi knows and the samples name: the refusal of a second user tells.
	Found bool
	// Windows is how many grants the samples and the event ask for that Kisi does not hold yet.
	Windows int
}

// When is a time at which a door opens to somebody.
type When int

const (
	Never When = iota
	DuringEvent
	Always
)

// Phase is a time at which doors are tried.
type Phase int

const (
	Before Phase = iota
	During
	After
)

// Phases in their order.
var Phases = []Phase{Before, During, After}

func (p Phase) String() string { return [...]string{"before", "during", "after"}[p] }

// Expects reports whether the door should open to the person.
func (p Person) Expects(door string, phase Phase) bool {
	when := p.Opens[door]
	return when == Always || when == DuringEvent && phase == During
}

// Floor is the least number of writes to Kisi that can bring the story about: one for each new person, one for each
// window, and what the samples ask for besides. A person whom Kisi knows may cost one more, the attempt that finds them,
// unless users were read before.
func (s *Story) Floor() int {
	writes := 0
	for _, person := range s.People {
		if person.New {
			writes++
		}
		writes += person.Windows
	}
	for _, cost := range s.Also {
		writes += cost.Writes
	}
	return writes
}

// found counts the people whom Kisi knows and the samples name.
func (s *Story) found() int {
	found := 0
	for _, person := range s.People {
		if person.Found {
			found++
		}
	}
	return found
}

// RenderEvent fills the window into the event's template.
func (s *Story) RenderEvent(start, end time.Time) (string, error) {
	parsed, err := template.New("event").Option("missingkey=error").Parse(s.Event)
	if err != nil {
		return "", fmt.Errorf("%s of %s: %w", s.Occasion, s.System, err)
	}
	var rendered strings.Builder
	err = parsed.Execute(&rendered, map[string]string{
		"Start": start.UTC().Format(time.RFC3339),
		"End":   end.UTC().Format(time.RFC3339),
	})
	if err != nil {
		return "", fmt.Errorf("%s of %s: %w", s.Occasion, s.System, err)
	}
	return rendered.String(), nil
}

// StoryOf returns the story that a directory of config/samples tells, or an error that lists those there are.
func StoryOf(root, system string) (*Story, error) {
	story, told := stories[system]
	if !told {
		return nil, fmt.Errorf("--system: there is no demo of %q; choose one of: %s",
			system, strings.Join(slices.Sorted(maps.Keys(stories)), ", "))
	}
	if info, err := os.Stat(filepath.Join(root, story.Samples())); err != nil || !info.IsDir() {
		return nil, fmt.Errorf("--system: %s is missing in this checkout", story.Samples())
	}
	return story, nil
}

// Samples is the directory of the story's objects, relative to the repository.
func (s *Story) Samples() string { return filepath.Join("config", "samples", s.System) }

var stories = map[string]*Story{
	quickstart.System: quickstart, kangarootime.System: kangarootime, spacebring.System: spacebring,
	officernd.System: officernd, optix.System: optix, boogyman.System: boogyman,
}

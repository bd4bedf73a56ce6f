package demo

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"sigs.k8s.io/yaml"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/testing/controlplane/binaries"
)

func meeting() *Story {
	return &Story{System: "test", Doors: []string{"Hall", "Vault"}, People: []Person{
		{Email: "a@x", Name: "Ada", Role: "chair", Opens: map[string]When{"Hall": Always, "Vault": DuringEvent}, New: true, Windows: 2},
		{Email: "b@x", Name: "Bob", Role: "stranger"},
		{Email: "c@x", Name: "Cy", Role: "known", Windows: 1},
	}}
}

func TestExpectsFollowsTheClock(t *testing.T) {
	for _, c := range []struct {
		when                  When
		before, during, after bool
	}{
		{Never, false, false, false},
		{DuringEvent, false, true, false},
		{Always, true, true, true},
	} {
		person := Person{Opens: map[string]When{"Hall": c.when}}
		for phase, want := range map[Phase]bool{Before: c.before, During: c.during, After: c.after} {
			if got := person.Expects("Hall", phase); got != want {
				t.Errorf("when %d, %s the event: got %t, want %t", c.when, phase, got, want)
			}
		}
		if person.Expects("Vault", During) {
			t.Errorf("a door that is not mentioned opens")
		}
	}
}

func TestFloorIsOneWriteForEachNewPersonAndWindow(t *testing.T) {
	newcomer := &Story{People: []Person{{New: true, Windows: 1}}}
	if got := newcomer.Floor(); got != 2 {
		t.Errorf("a new person with one group: got %d writes, want 2", got)
	}
	if got := meeting().Floor(); got != 4 {
		t.Errorf("got %d writes, want 4: one person, three windows", got)
	}
}

func TestStoryOfListsWhatThereIs(t *testing.T) {
	root, err := binaries.RepositoryRoot()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := StoryOf(root, "quickstart"); err != nil {
		t.Error(err)
	}
	if _, err := StoryOf(root, "opera"); err == nil || !strings.Contains(err.Error(), `"opera"`) || !strings.Contains(err.Error(), "quickstart") {
		t.Errorf("got %v, want an error that names opera and lists quickstart", err)
	}
	if _, err := StoryOf(t.TempDir(), "quickstart"); err == nil || !strings.Contains(err.Error(), "config/samples/quickstart") {
		t.Errorf("got %v, want an error that names the missing directory", err)
	}
}

// Every story must be about the samples and the organization that lie beside it.
func TestStoriesFitTheirFiles(t *testing.T) {
	root, err := binaries.RepositoryRoot()
	if err != nil {
		t.Fatal(err)
	}
	for name, story := range stories {
		t.Run(name, func(t *testing.T) {
			samples := readAll(t, filepath.Join(root, story.Samples(), "*.yaml"))
			seed := readAll(t, filepath.Join(root, story.Organization))
			if !strings.Contains(samples, "endpoint: "+story.Endpoint) {
				t.Errorf("no sample names %s", story.Endpoint)
			}
			for _, wanted := range append([]string{story.KeyOwner, story.Admin, "domain: " + story.Domain}, story.Doors...) {
				if !strings.Contains(seed, wanted) {
					t.Errorf("%s knows no %q", story.Organization, wanted)
				}
			}
			for _, person := range story.People {
				known := strings.Contains(seed, person.Email)
				if known && person.New || person.Found && !known {
					t.Errorf("%s: new is %t and found is %t, but in %s: %t", person.Email, person.New, person.Found, story.Organization, known)
				}
				if len(person.Opens) > 0 && !known && !person.New {
					t.Errorf("%s: doors open to somebody who is no user of Kisi", person.Email)
				}
				for door := range person.Opens {
					if !strings.Contains(strings.Join(story.Doors, "\n"), door) {
						t.Errorf("%s: there is no door %q", person.Email, door)
					}
				}
			}
			if event := renderedEvent(t, story); event.GetKind()+"/"+event.GetName() != story.EventName {
				t.Errorf("the event is %s %q, not %q", event.GetKind(), event.GetName(), story.EventName)
			}
		})
	}
}

func TestRenderEventFillsInTheWindow(t *testing.T) {
	for name, story := range stories {
		event := renderedEvent(t, story)
		for field, want := range map[string]string{"startTime": "2026-12-01T12:00:00Z", "endTime": "2026-12-01T12:00:06Z"} {
			if got, _, err := unstructured.NestedString(event.Object, "spec", field); err != nil || got != want {
				t.Errorf("%s: %s is %q (%v), want %s", name, field, got, err, want)
			}
		}
	}
	if _, err := (&Story{Event: "{{.Began}}"}).RenderEvent(time.Time{}, time.Time{}); err == nil {
		t.Error("an unknown field is accepted")
	}
}

func TestEverySystemHasAStory(t *testing.T) {
	root, err := binaries.RepositoryRoot()
	if err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(filepath.Join(root, "config/samples"))
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if _, told := stories[entry.Name()]; entry.IsDir() && !told {
			t.Errorf("config/samples/%s has no story", entry.Name())
		}
	}
}

func TestAPersonWhomKisiKnowsCostsOneRefusalAtMost(t *testing.T) {
	story := &Story{People: []Person{{Found: true}}}
	if got := story.Floor(); got != 0 {
		t.Errorf("got %d writes, want 0", got)
	}
	if surprises := story.CostSurprises(nil); surprises != nil {
		t.Error(surprises)
	}
	refused := Request{Method: "POST", Path: "/users", Status: 409}
	if surprises := story.CostSurprises(Requests{refused}); surprises != nil {
		t.Error(surprises)
	}
	if surprises := story.CostSurprises(Requests{refused, refused}); len(surprises) != 2 {
		t.Errorf("a second refusal: %v, want one for the number of writes and one for the refusal", surprises)
	}
}

func renderedEvent(t *testing.T, story *Story) *unstructured.Unstructured {
	t.Helper()
	start := time.Date(2026, 12, 1, 14, 0, 0, 0, time.FixedZone("", 2*60*60))
	rendered, err := story.RenderEvent(start, start.Add(6*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	event := &unstructured.Unstructured{}
	if err := yaml.UnmarshalStrict([]byte(rendered), &event.Object); err != nil {
		t.Fatal(err)
	}
	return event
}

func readAll(t *testing.T, pattern string) string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: nothing there (%v)", pattern, err)
	}
	var all strings.Builder
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(content)
	}
	return all.String()
}

// The API server would drop a misspelt field with no more than a warning.
func TestSamplesHaveNoUnknownFields(t *testing.T) {
	root, err := binaries.RepositoryRoot()
	if err != nil {
		t.Fatal(err)
	}
	scheme := runtime.NewScheme()
	if err := errors.Join(v1alpha1.AddToScheme(scheme), corev1.AddToScheme(scheme)); err != nil {
		t.Fatal(err)
	}
	strict := serializer.NewCodecFactory(scheme, serializer.EnableStrict).UniversalDeserializer()
	for name, story := range stories {
		files, err := filepath.Glob(filepath.Join(root, story.Samples(), "*.yaml"))
		if err != nil || len(files) == 0 {
			t.Errorf("%s: no samples (%v)", name, err)
		}
		for _, file := range files {
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for document := range strings.SplitSeq(string(content), "\n---\n") {
				if _, _, err := strict.Decode([]byte(document), nil, nil); err != nil {
					t.Errorf("%s: %v\n%s", file, err, document)
				}
			}
		}
	}
}

package simulation

import (
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/kisi/simulator"
	"github.com/kisi-operator/kisi-operator/internal/reason"
)

var campaignShare = flag.Int("campaign", 16, "meet one of so many of the mutations of the schema's fields; 1: all of them")

var (
	noon = time.Date(2000, 1, 1, 12, 0, 0, 0, time.UTC)
	// toRest is how long everything may take to come to rest after a change.
	toRest = 12 * time.Minute
)

// pools are what references and names of the business are changed to, by the end of the field's path.
var pools = map[string][]any{
	".groupRefs[].name": {"members", "studio", "pool", "sauna", "gate", "nowhere"},
	".planRef.name":     {"light", "nowhere"}, ".planRef.externalID": {"plan_1", "plan_9"},
	".placeRef.name": {"pool", "studio-a", "nowhere"}, ".placeRef.externalID": {"room_1", "room_9"},
	".memberRef.name": {"ben", "nobody"}, ".memberRef.externalID": {"person_1", "person_9"},
	".connectionRef.name": {"annex", "nowhere"}, "Ref.key": {"apiKey", "nothing"},
	"SecretRef.name": {"annex", "nothing"}, ".email": {"ANA@example.com", "ben@example.com", "dora@example.com", "new@example.com"},
	"spec.externalID": {"room_2", "plan_2", "person_2", "new"}, "spec.subject.team": {"Team Blue", "nobody"}, "spec.teams[]": {"Team Blue", "others"},
	".organizationID": {int64(3290), int64(1)}, ".existing.id": {int64(42), int64(43), int64(9)}, ".existing.name": {"Staff", "Pool", "Nowhere"},
	".managed.name": {"Staff", "Studio", "Hamam"}, "lace.id": {int64(71), int64(73), int64(9)}, "lace.name": {"Uptown", "Downtown", "Nowhere"},
	".doors[].name": {"Pool", "Entrance", "Nowhere"}, ".doors[].id": {int64(81), int64(9)},
	".endpoint": {"http://elsewhere", "https://api.kisi.io"}, ".audience": {"staff", "members", "nobody"},
	".apiKeySecretRef": {map[string]any{"name": "annex", "key": "token"}},
}

// A field of the schema that no object of the business has is one that no mutation can meet.
func TestTheCampaignMeetsEveryField(t *testing.T) {
	met := map[string]bool{}
	all, _ := theMutations(t)
	for _, m := range all {
		kind, _, _ := strings.Cut(m.Object, "/")
		met[kind+" "+m.Field] = true
	}
	fields := 0
	for _, definition := range definitions(t) {
		for _, field := range fieldsOf(definition.Spec.Versions[0].Schema.OpenAPIV3Schema.Properties["spec"], "spec")[1:] {
			fields++
			if kind := definition.Spec.Names.Kind; !met[kind+" "+field] {
				t.Errorf("testdata/campaign/objects.yaml has no %s with %s", kind, field)
			}
		}
	}
	t.Logf("%d mutations of %d of %d fields", len(all), len(met), fields)
}

// theMutations are those of all objects of the business.
func theMutations(t *testing.T) (all []mutation, objects []*unstructured.Unstructured) {
	t.Helper()
	byKind := map[string]*apiextensionsv1.CustomResourceDefinition{}
	for _, definition := range definitions(t) {
		byKind[definition.Spec.Names.Kind] = definition
	}
	objects = documents(t, "testdata/campaign/objects.yaml")
	for _, object := range objects {
		if definition := byKind[object.GetKind()]; definition != nil {
			all = append(all, mutationsOf(definition, object, pools)...)
		}
	}
	return all, objects
}

// TestEveryFieldIsChangedAndChangedBack mutates the objects of a small business, one field at a time. What the schema admits
// must come to rest in a state that the contract knows; to the one that a fresh installation comes to with the same objects;
// and when the mutation is taken back, everything is as it was, with each assignment that should have stayed.
func TestEveryFieldIsChangedAndChangedBack(t *testing.T) {
	all, objects := theMutations(t)
	met := admitted(t, all, objects)
	from := rand.IntN(*campaignShare) // #nosec G404 -- which ones does not matter
	t.Logf("the API server refuses %d of %d mutations; of the other %d one of %d is met, from the one numbered %d on", len(all)-len(met), len(all), len(met), *campaignShare, from)
	for i := from; i < len(met); i += *campaignShare {
		t.Run(strings.ReplaceAll(fmt.Sprint(met[i]), "/", " "), func(t *testing.T) {
			t.Parallel()
			meet(t, objects, met[i])
		})
	}
}

// admitted are the mutations that the API server does not refuse.
func admitted(t *testing.T, all []mutation, objects []*unstructured.Unstructured) (met []mutation) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := emptyWorld(t, noon)
		for _, object := range objects {
			if err := w.client.Create(w.ctx, object.DeepCopy()); err != nil {
				t.Fatalf("%s: %v", named(object), err)
			}
		}
		for _, m := range all {
			err := w.update(m.of(objects[m.among(objects)]), client.DryRunAll)
			switch {
			case err == nil:
				met = append(met, m)
			case !apierrors.IsInvalid(err) && !apierrors.IsBadRequest(err):
				t.Errorf("%s: %v", m, err)
			}
		}
	})
	return met
}

// among finds the object that is mutated.
func (m mutation) among(objects []*unstructured.Unstructured) int {
	return slices.IndexFunc(objects, func(o *unstructured.Unstructured) bool { return named(o) == m.Object })
}

// meet has the operator meet a mutation.
func meet(t *testing.T, objects []*unstructured.Unstructured, m mutation) {
	mutated := slices.Clone(objects)
	which := m.among(objects)
	mutated[which] = m.of(objects[which])
	var living, fresh standing
	synctest.Test(t, func(t *testing.T) {
		w := campaignWorld(t, objects)
		defer w.stop(t)
		before := w.standing(t)
		before.mustBeKnown(t, "before")
		w.mustChange(t, mutated[which])
		living = w.standing(t)
		living.mustBeKnown(t, "mutated")
		w.mustRest(t)
		w.mustChange(t, objects[which])
		after := w.standing(t)
		after.mustBeKnown(t, "taken back")
		after.mustBe(t, before, living)
	})
	synctest.Test(t, func(t *testing.T) {
		w := campaignWorld(t, mutated)
		defer w.stop(t)
		fresh = w.standing(t)
	})
	living.mustBeLike(t, fresh)
}

// campaignWorld is the business at rest, at noon.
func campaignWorld(t *testing.T, objects []*unstructured.Unstructured) *world {
	t.Helper()
	w := emptyWorld(t, noon)
	seed, err := os.ReadFile("testdata/campaign/kisi.yaml")
	if err == nil {
		err = w.kisi.LoadSeed(seed)
	}
	for _, object := range objects {
		if err == nil {
			err = w.client.Create(w.ctx, object.DeepCopy())
		}
	}
	if err == nil {
		err = w.start()
	}
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(toRest)
	return w
}

// mustChange writes the spec of an object, and waits until everything has come to rest.
func (w *world) mustChange(t *testing.T, object *unstructured.Unstructured) {
	t.Helper()
	if err := w.update(object); err != nil {
		t.Fatal(err)
	}
	time.Sleep(toRest)
}

// update writes the spec of an object.
func (w *world) update(object *unstructured.Unstructured, options ...client.UpdateOption) error {
	is := &unstructured.Unstructured{}
	is.SetGroupVersionKind(object.GroupVersionKind())
	if err := w.client.Get(w.ctx, client.ObjectKeyFromObject(object), is); err != nil {
		return err
	}
	is.Object["spec"] = object.DeepCopy().Object["spec"]
	return w.client.Update(w.ctx, is, options...)
}

// mustRest sees that the operator asks Kisi for no change any more.
func (w *world) mustRest(t *testing.T) {
	t.Helper()
	w.kisi.ResetRequests()
	time.Sleep(5 * time.Minute)
	for _, r := range w.kisi.Requests(simulator.RequestFilter{}) {
		if r.Method != http.MethodGet && r.Path != "/event_sets" && r.Status < http.StatusBadRequest {
			t.Errorf("at rest the operator sent %s %s", r.Method, r.Path)
		}
	}
}

// row is an assignment in Kisi.
type row struct {
	id          int
	user, group string
	from, until time.Time // zero: unbounded
}

// covers reports whether whoever has r may enter wherever and whenever other lets them.
func (r row) covers(other row) bool {
	return r.user == other.user && r.group == other.group && !r.from.After(other.from) && (r.until.IsZero() || !other.until.IsZero() && !r.until.Before(other.until))
}

// standing is how the business stands.
type standing struct {
	rows  map[string]row    // assignments, by whose and which they are
	kisi  map[string]string // groups of Kisi, and users who hold something
	ready map[string]string // by object: status and reason of Ready
	wrong []string          // what the contract does not know
	keeps bool              // a connection has a mode that takes nothing away
}

func (w *world) standing(t *testing.T) standing {
	t.Helper()
	is := standing{rows: map[string]row{}, kisi: map[string]string{}, ready: map[string]string{}}
	for _, organization := range w.kisi.State().Organizations {
		holds := map[string]bool{}
		for _, a := range organization.Assignments {
			is.add(organization.Domain, a)
			holds[a.User] = true
		}
		for _, g := range organization.Groups {
			is.kisi[organization.Domain+" group "+g.Place+"/"+g.Name] = fmt.Sprint(g.Locks, g.Description)
		}
		for _, u := range organization.Users {
			if holds[u.Email] {
				is.kisi[organization.Domain+" user "+u.Email] = fmt.Sprint(u.Name, u.AccessEnabled, u.SendEmails)
			}
		}
	}
	for _, object := range w.storedObjects(t, nil) {
		if object.GetKind() == "Secret" {
			continue
		}
		is.look(object)
	}
	return is
}

// add takes an assignment down. What is open already may say since when, or not.
func (s *standing) add(domain string, a simulator.Assignment) {
	r := row{id: a.ID, user: a.User, group: domain + " " + a.Name}
	if a.ValidFrom != nil && a.ValidFrom.After(now()) {
		r.from = a.ValidFrom.UTC()
	}
	if a.ValidUntil != nil {
		r.until = a.ValidUntil.UTC()
	}
	key := fmt.Sprintf("%s %s in %s from %s until %s by %s", a.Role, r.user, r.group, bound(r.from), bound(r.until), a.CreatedBy)
	for s.rows[key].id != 0 {
		key += " again"
	}
	s.rows[key] = r
}

// bound is one of a window.
func bound(t time.Time) string {
	if t.IsZero() {
		return "ever"
	}
	return t.Format(time.RFC3339)
}

// look takes down what an object says of itself.
func (s *standing) look(object *unstructured.Unstructured) {
	if mode, set, _ := unstructured.NestedString(object.Object, "spec", "mode"); set && mode != string(v1alpha1.ModeEnforce) {
		s.keeps = true
	}
	conditions, _, _ := unstructured.NestedSlice(object.Object, "status", "conditions")
	for _, entry := range conditions {
		c, _ := entry.(map[string]any)
		kind, status, why := fmt.Sprint(c["type"]), fmt.Sprint(c["status"]), fmt.Sprint(c["reason"])
		if kind == v1alpha1.ConditionReady {
			s.ready[named(object)] = status + " " + why
		}
		if !reason.Seen(object.GetKind(), kind, metav1.ConditionStatus(status), why) {
			s.wrong = append(s.wrong, fmt.Sprintf("%s: %s is %s %s, which is in no table", named(object), kind, status, why))
		}
	}
	if s.ready[named(object)] == "" {
		s.wrong = append(s.wrong, named(object)+" does not say how it stands")
	}
}

func (s standing) mustBeKnown(t *testing.T, when string) {
	t.Helper()
	for _, wrong := range s.wrong {
		t.Errorf("%s: %s", when, wrong)
	}
}

// mustBe sees that everything is as before, with each assignment that was there all the time.
func (s standing) mustBe(t *testing.T, before, meanwhile standing) {
	t.Helper()
	differ(t, "taken back", keys(s.rows), keys(before.rows))
	differ(t, "taken back", pairs(s.kisi), pairs(before.kisi))
	differ(t, "taken back", pairs(s.ready), pairs(before.ready))
	for which, was := range before.rows {
		if is := s.rows[which].id; is != 0 && meanwhile.rows[which].id != 0 && is != was.id {
			t.Errorf("assignment %d became %d: %s", was.id, is, which)
		}
	}
}

// mustBeLike sees that the living business has come to what a fresh one comes to. What is taken away only when everything is
// understood stays as long as something is not, or a connection does not enforce.
func (s standing) mustBeLike(t *testing.T, fresh standing) {
	t.Helper()
	allWell := !s.keeps
	for _, ready := range s.ready {
		allWell = allWell && strings.HasPrefix(ready, "True")
	}
	if allWell {
		differ(t, "the living", keys(s.rows), keys(fresh.rows))
		differ(t, "the living", pairs(s.ready), pairs(fresh.ready))
		return
	}
	for which, wanted := range fresh.rows {
		if !slices.ContainsFunc(slices.Collect(maps.Values(s.rows)), func(has row) bool { return has.covers(wanted) }) {
			t.Errorf("a fresh installation has %s, and the living one has not", which)
		}
	}
}

func keys(of map[string]row) []string { return slices.Sorted(maps.Keys(of)) }

func pairs(of map[string]string) (all []string) {
	for key, value := range of {
		all = append(all, key+": "+value)
	}
	slices.Sort(all)
	return all
}

func differ(t *testing.T, which string, is, wanted []string) {
	t.Helper()
	for _, line := range is {
		if !slices.Contains(wanted, line) {
			t.Errorf("%s: there is %s", which, line)
		}
	}
	for _, line := range wanted {
		if !slices.Contains(is, line) {
			t.Errorf("%s: there is no %s", which, line)
		}
	}
}

package entitlement_test

import (
	"encoding/json"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/cli/access"
	"github.com/kisi-operator/kisi-operator/internal/cli/compare"
	"github.com/kisi-operator/kisi-operator/internal/cli/objects"
	"github.com/kisi-operator/kisi-operator/internal/entitlement"
)

// indexed is the world as `kubectl kisi` has it.
func (w *world) indexed() *objects.Indexed {
	set := &objects.Set{
		Namespace: "acme", Members: w.members, Bookings: w.bookings, Subscriptions: w.subscriptions,
		Places: w.places, Plans: w.plans, Groups: w.groups,
	}
	return set.Index()
}

// asked is the Member for whom a person of an address is judged.
func (w *world) asked(email v1alpha1.EmailAddress) *v1alpha1.Member {
	members, _ := w.Members(entitlement.Fold(email))
	if standing := entitlement.Primary(members); standing != nil {
		return standing
	}
	return implicitMember(string(email))
}

// What `kubectl kisi access` and `who` say is what the oracle says, at any time and for any objects: who, through which
// group, by which sources, each with fields that are there.
func TestAccessAgreesWithTheOracle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := draw{t}
		w, now := d.world(), at(d.count("now", horizon-1))
		in, o := w.indexed(), oracle{w, now}
		minute := at(d.count("asked about", horizon-1))
		if minute.Before(now) {
			o.now = minute // of the past the objects say what they say, as seen from then
		}
		q := access.Question{In: in, Now: now, At: minute}

		entering := map[string][]string{} // by group
		for _, email := range emails {
			reported, err := q.Of(entitlement.Fold(email))
			if err != nil {
				t.Fatalf("%s: %v", email, err)
			}
			for _, g := range []string{"g1", "g2", "g3"} {
				wanted := o.gives(w.asked(email), g, minute)
				said := sourcesAt(t, in, reported, g, minute.Unix())
				if !slices.Equal(said, wanted) {
					t.Fatalf("%s in %s at %s: access says %v, the oracle %v", email, g, minute, said, wanted)
				}
				if len(wanted) > 0 && in.Named("KisiGroup", g) != nil {
					entering[g] = append(entering[g], strings.ToLower(string(email)))
				}
			}
		}
		for _, g := range []string{"g1", "g2", "g3"} {
			who, err := q.Who(g)
			if err != nil {
				t.Fatalf("who %s: %v", g, err)
			}
			var said []string
			for _, entrant := range who.People {
				said = append(said, strings.ToLower(string(entrant.Person.Email)))
			}
			slices.Sort(said)
			if wanted := slices.Sorted(slices.Values(entering[g])); !slices.Equal(said, wanted) {
				t.Fatalf("who %s at %s says %v, the oracle %v", g, minute, said, wanted)
			}
		}
	})
}

// sourcesAt returns the sources that a report gives for a group at a time, and sees to it that what they refer to is there.
func sourcesAt(t *rapid.T, in *objects.Indexed, report *access.Report, group string, second int64) []string {
	found := map[string]bool{}
	for _, g := range report.Groups {
		for _, w := range g.Windows {
			for _, s := range w.Sources {
				if g.Name == group && (s.From == nil || s.From.Unix() <= second) && (s.Until == nil || second < s.Until.Unix()) {
					found[s.Kind+"/"+s.Name] = true
				}
				if len(s.Fields) < 2 && s.Kind != "Member" || len(s.Fields) == 0 {
					t.Fatalf("%s/%s gives %s by %v: what names the person, or the group?", s.Kind, s.Name, g.Name, s.Fields)
				}
				if last := s.Fields[len(s.Fields)-1]; !slices.ContainsFunc(s.Fields, func(f access.Field) bool { return strings.HasPrefix(f.Value, g.Name) }) {
					t.Fatalf("%s/%s gives %s, and the last field says %v", s.Kind, s.Name, g.Name, last)
				}
				for _, f := range s.Fields {
					if !strings.HasSuffix(f.Value, "(default)") && !resolves(in, f) {
						t.Fatalf("%s/%s: %s has no field %s", s.Kind, s.Name, f.Object, f.Path)
					}
				}
			}
		}
	}
	return slices.Sorted(maps.Keys(found))
}

var pathSegment = regexp.MustCompile(`^(\w+)(?:\[(\d+)\])?$`)

// resolves reports whether an object has a field.
func resolves(in *objects.Indexed, f access.Field) bool {
	kind, name, _ := strings.Cut(f.Object, "/")
	encoded, err := json.Marshal(in.Named(kind, name))
	if err != nil {
		return false
	}
	var value any
	if json.Unmarshal(encoded, &value) != nil {
		return false
	}
	for segment := range strings.SplitSeq(f.Path, ".") {
		parts := pathSegment.FindStringSubmatch(segment)
		fields, isObject := value.(map[string]any)
		if parts == nil || !isObject {
			return false
		}
		value = fields[parts[1]]
		if parts[2] != "" {
			items, _ := value.([]any)
			i, _ := strconv.Atoi(parts[2])
			if i >= len(items) {
				return false
			}
			value = items[i]
		}
	}
	return value != nil
}

// The index finds what a look at each object finds.
func TestIndexFindsWhatALookAtEachObjectFinds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := draw{t}
		w, now := d.world(), at(d.count("now", horizon-1))
		in := w.indexed()
		for _, m := range w.members {
			for _, g := range w.groups {
				if indexed, err := in.Group(v1alpha1.ObjectName(g.Name)); err != nil || indexed != nil && !indexed.DeletionTimestamp.IsZero() {
					t.Fatalf("%s: %v", g.Name, err)
				}
			}
			if standing := w.asked(m.Spec.Email); standing != m && m.DeletionTimestamp.IsZero() {
				continue
			}
			looked, err := entitlement.For(w, m, now)
			found, err2 := entitlement.For(in, m, now)
			if err != nil || err2 != nil || !reflect.DeepEqual(looked, found) {
				t.Fatalf("Member %s: %v %v\nlooked: %+v\n found: %+v", m.Name, err, err2, looked, found)
			}
		}
	})
}

// Who loses a door by other objects is who had it and has it no more, at any minute; where a contradiction keeps what was
// given, nobody loses it.
func TestComparisonAgreesWithTheOracle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := draw{t}
		before, after, now := d.world(), d.world(), at(d.count("now", horizon-1))
		report, err := compare.Compare(before.indexed(), after.indexed(), now)
		if err != nil {
			t.Fatal(err)
		}
		was, is := oracle{before, now}, oracle{after, now}
		for minute := d.count("first", 9); minute < horizon; minute += 10 {
			if at(minute).Before(now) {
				continue
			}
			for _, email := range emails {
				for _, g := range []string{"g1", "g2", "g3"} {
					had, has := was.enters(email, g, minute), is.enters(email, g, minute)
					for connection := range had {
						if lost := !has[connection]; lost != changes(report.Loses, email, g, connection, minute) && lost != changes(report.Frozen, email, g, connection, minute) {
							t.Fatalf("%s at %s of %s in minute %d: loses %v\nloses: %+v\nfrozen: %+v", email, g, connection, minute, lost, report.Loses, report.Frozen)
						}
					}
					for connection := range has {
						if gained := !had[connection]; gained != changes(report.Gains, email, g, connection, minute) {
							t.Fatalf("%s at %s of %s in minute %d: gains %v\ngains: %+v", email, g, connection, minute, gained, report.Gains)
						}
					}
				}
			}
		}
	})
}

// enters says through which connection a person enters the group's doors at a minute, if they do.
func (o oracle) enters(email v1alpha1.EmailAddress, group string, minute int) map[string]bool {
	found, _ := o.Group(v1alpha1.ObjectName(group))
	if found == nil || gone(found) || len(o.gives(o.asked(email), group, at(minute))) == 0 {
		return nil
	}
	return map[string]bool{string(found.Spec.ConnectionRef.Name): true}
}

func changes(all []compare.Change, email v1alpha1.EmailAddress, door, connection string, minute int) bool {
	for _, change := range all {
		if !same(change.Person.Email, email) || change.Door != door || change.Connection != connection {
			continue
		}
		for _, w := range change.Windows {
			if entitlement.NewWindow(w.From, w.Until).Contains(at(minute)) {
				return true
			}
		}
	}
	return false
}

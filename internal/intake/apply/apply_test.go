package apply

import (
	"regexp"
	"testing"

	"pgregory.net/rapid"
)

// Names are names that Kubernetes takes, the same each time, and of other feeds, kinds and IDs another one.
func TestNames(t *testing.T) {
	valid := regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`)
	feeds, kinds := rapid.StringMatching(`[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?`), rapid.SampledFrom([]string{"BookingGrant", "Member"})
	rapid.Check(t, func(t *rapid.T) {
		type id struct{ feed, kind, id string }
		one := id{feeds.Draw(t, "feed"), kinds.Draw(t, "kind"), rapid.String().Draw(t, "id")}
		other := id{feeds.Draw(t, "other feed"), kinds.Draw(t, "other kind"), rapid.String().Draw(t, "other id")}
		name := Name(one.feed, one.kind, one.id)
		if !valid.MatchString(name) || len(name) > 253 || name != Name(one.feed, one.kind, one.id) {
			t.Errorf("%q is no name", name)
		}
		if same := name == Name(other.feed, other.kind, other.id); same != (one == other) {
			t.Errorf("%v and %v have the same name: %t", one, other, same)
		}
	})
}

func TestWhatAnObjectHasToHave(t *testing.T) {
	is := map[string]any{"state": "Confirmed", "ttl": int64(60), "place": map[string]any{"name": "a", "kind": "Room"}, "people": []any{"ana"}}
	for _, row := range []struct {
		wanted map[string]any
		want   bool
	}{
		{map[string]any{}, true},
		{map[string]any{"state": "Confirmed", "place": map[string]any{"name": "a"}}, true},
		{map[string]any{"state": "Canceled"}, false},
		{map[string]any{"place": map[string]any{"name": "b"}}, false},
		{map[string]any{"place": "a"}, false},
		{map[string]any{"people": []any{"ana", "gil"}}, false},
		{map[string]any{"people": map[string]any{"ana": true}}, false},
		{map[string]any{"other": nil}, false},
	} {
		if got := covers(is, row.wanted); got != row.want {
			t.Errorf("%v: %t", row.wanted, got)
		}
	}
}

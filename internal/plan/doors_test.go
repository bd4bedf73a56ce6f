package plan

import (
	"reflect"
	"testing"
)

func TestTheDoorsOfAGroupAreThoseOfItsList(t *testing.T) {
	door := func(lock int64) WantedDoor { return WantedDoor{Lock: lock} }
	gone, unknown := WantedDoor{Lock: 9, Gone: true}, WantedDoor{Unknown: true}
	for _, test := range []struct {
		shows             string
		wanted            []WantedDoor
		present, unlisted []int64
		add, remove       []int64
	}{
		{shows: "nothing to do", wanted: []WantedDoor{door(1), door(2)}, present: []int64{2, 1}},
		{shows: "a door is missing in the group", wanted: []WantedDoor{door(1), door(2), door(2)}, present: []int64{1}, add: []int64{2}},
		{shows: "a door too many", wanted: []WantedDoor{door(1)}, present: []int64{1, 2}, remove: []int64{2}},
		{shows: "no list", present: []int64{1, 2}, remove: []int64{1, 2}},
		{shows: "a lock that is gone keeps nothing else on", wanted: []WantedDoor{door(1), gone}, present: []int64{1, 2}, remove: []int64{2}},
		{shows: "a lock that is said to be gone, and shown in the group all the same", wanted: []WantedDoor{door(1), gone}, present: []int64{1, 9}},
		{shows: "a door by an id that does not exist", wanted: []WantedDoor{door(1), {}}, present: []int64{1, 2}, remove: []int64{2}},
		{shows: "a name that was never known may be any door", wanted: []WantedDoor{door(1), unknown}, present: []int64{2}, add: []int64{1}},
		{shows: "but not one that was taken off the list", wanted: []WantedDoor{door(1), unknown}, present: []int64{1, 2, 3}, unlisted: []int64{2}, remove: []int64{2}},
		{shows: "taken off under one name, and listed under another", wanted: []WantedDoor{door(1), unknown}, present: []int64{1}, unlisted: []int64{1}},
	} {
		got := CompareDoors(test.wanted, test.present, test.unlisted)
		if want := (DoorChange{Add: test.add, Remove: test.remove}); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, want %+v", test.shows, got, want)
		}
	}
}

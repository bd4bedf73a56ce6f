package group

import (
	"testing"

	"k8s.io/utils/ptr"

	"github.com/kisi-operator/kisi-operator/internal/kisi"
)

// The API server refuses a whole status for one number that cannot be an id.
func TestAPlaceWhoseIDCannotBeOneIsNone(t *testing.T) {
	for id, want := range map[int64]int64{7: 7, 0: 0, -5: 0, 1 << 53: 0} {
		if got := foundGroup(kisi.Group{ID: 3, PlaceID: ptr.To(id)}).placeID; int64(got) != want {
			t.Errorf("place %d is taken for %d, want %d", id, got, want)
		}
	}
}

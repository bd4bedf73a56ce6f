package tenant

import (
	"slices"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
)

func TestConnectionsHaveAnOrderThoughTheyWereMadeInTheSameSecond(t *testing.T) {
	at := metav1.NewTime(time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC))
	later := metav1.NewTime(at.Add(time.Second))
	connection := func(name string, made metav1.Time, going bool) v1alpha1.KisiConnection {
		c := v1alpha1.KisiConnection{ObjectMeta: metav1.ObjectMeta{Name: name, CreationTimestamp: made}}
		if going {
			c.DeletionTimestamp = &later
		}
		return c
	}
	ordered := []v1alpha1.KisiConnection{
		connection("b", at, false), connection("c", at, false), connection("a", later, false),
		connection("y", at, true), connection("z", at, true),
	}
	for i := range ordered {
		for j := range ordered {
			if got := ComesBefore(ordered[i], ordered[j]); got < 0 != (i < j) || got == 0 != (i == j) {
				t.Errorf("%s against %s: %d", ordered[i].Name, ordered[j].Name, got)
			}
		}
	}
	shuffled := slices.Clone(ordered)
	slices.Reverse(shuffled)
	slices.SortFunc(shuffled, ComesBefore)
	for i := range ordered {
		if shuffled[i].Name != ordered[i].Name {
			t.Errorf("sorted otherwise: %s at %d", shuffled[i].Name, i)
		}
	}
}

package controller

import (
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/tenant"
)

func abandoning[T client.Object](object T, value string) T {
	object.SetAnnotations(map[string]string{v1alpha1.AbandonAnnotation: value})
	return object
}

func TestAnAbandonThatAbandonsNothingIsToldWhenItIsWritten(t *testing.T) {
	before := map[string]string{v1alpha1.AbandonAnnotation: "yes"}
	for _, test := range []struct {
		shows  string
		object client.Object
		before map[string]string
		told   bool
	}{
		{"another word", abandoning(&v1alpha1.KisiConnection{}, "yes"), nil, true},
		{"another spelling", abandoning(&v1alpha1.Member{}, "True"), nil, true},
		{"nothing at all", abandoning(&v1alpha1.KisiGroup{}, ""), nil, true},
		{"the same one again", abandoning(&v1alpha1.KisiGroup{}, "yes"), before, false},
		{"one that is put right", abandoning(&v1alpha1.KisiGroup{}, "true"), before, false},
		{"one that says no", abandoning(&v1alpha1.KisiGroup{}, "false"), nil, false},
		{"one that is taken away", &v1alpha1.KisiGroup{}, before, false},
		{"one where it has no meaning", abandoning(&v1alpha1.AccessPlan{}, "yes"), nil, false},
	} {
		t.Run(test.shows, func(t *testing.T) {
			if got := abandonNews(test.object, test.before); (got != nil) != test.told {
				t.Errorf("%+v", got)
			}
			if test.told && tenant.Abandons(test.object) {
				t.Error("told to abandon nothing, and carried out")
			}
		})
	}
}

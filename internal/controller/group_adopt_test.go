package controller

import (
	"strings"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/tenant"
)

func claiming[T client.Object](object T, value string) T {
	object.SetAnnotations(map[string]string{v1alpha1.ClaimAnnotation: value})
	return object
}

func TestAClaimThatClaimsNothingIsToldWhenItIsWritten(t *testing.T) {
	longest := strings.Repeat("x", tenant.LongestClaim)
	tooLong := longest + "x"
	before := map[string]string{v1alpha1.ClaimAnnotation: tooLong}
	for _, test := range []struct {
		shows  string
		object client.Object
		before map[string]string
		told   bool
	}{
		{"a value that is too long", claiming(&v1alpha1.KisiGroup{}, tooLong), nil, true},
		{"the same one again", claiming(&v1alpha1.KisiGroup{}, tooLong), before, false},
		{"one that is shortened", claiming(&v1alpha1.KisiGroup{}, longest), before, false},
		{"one that is taken away", &v1alpha1.KisiGroup{}, before, false},
		{"one where it has no meaning", claiming(&v1alpha1.Member{}, tooLong), nil, false},
	} {
		t.Run(test.shows, func(t *testing.T) {
			got := claimNews(test.object, test.before)
			if (got != nil) != test.told {
				t.Errorf("%+v", got)
			}
			if group, isGroup := test.object.(*v1alpha1.KisiGroup); isGroup && test.told && tenant.ClaimPending(group) {
				t.Error("told to claim nothing, and carried out")
			}
		})
	}
}

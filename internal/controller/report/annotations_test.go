package report

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/controller/limit"
	"github.com/kisi-operator/kisi-operator/internal/tenant"
)

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

func TestAnApprovalThatApprovesNothingIsToldWhenItIsWritten(t *testing.T) {
	const past, until = "2026-12-01T11:00:00Z", "2026-12-01T13:00:00Z"
	before := map[string]string{v1alpha1.ApproveRevocationsUntilAnnotation: past}
	for _, test := range []struct {
		shows  string
		object client.Object
		before map[string]string
		told   bool
	}{
		{"a new one in the past", approved(&v1alpha1.KisiGroup{}, past), nil, true},
		{"the same one again", approved(&v1alpha1.KisiGroup{}, past), before, false},
		{"one that is put right", approved(&v1alpha1.KisiGroup{}, until), before, false},
		{"one that is no time", approved(&v1alpha1.KisiConnection{}, "yes"), before, true},
		{"one that is taken away", &v1alpha1.Member{}, before, false},
		{"one where it has no meaning", approved(&v1alpha1.AccessPlan{}, past), nil, false},
	} {
		t.Run(test.shows, func(t *testing.T) {
			if got := approvalNews(test.object, test.before, noon); (got != nil) != test.told {
				t.Errorf("%+v", got)
			}
		})
	}
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

func TestAHoldIsDescribedAndToldOnce(t *testing.T) {
	connection := &v1alpha1.KisiConnection{}
	describe := func(held limit.HeldRows) (before, after []metav1.Condition) {
		before = append(before, connection.Status.Conditions...)
		held.Describe(connection, noon)
		return before, connection.Status.Conditions
	}
	before, after := describe(limit.HeldRows{"members": 2, "boardroom": 1})
	if len(after) != 1 || !strings.Contains(after[0].Message, "holds 3 grant(s)") || !strings.Contains(after[0].Message, "boardroom (1), members (2)") {
		t.Fatalf("%+v", after)
	}
	if n := holdNews(connection, before, after); n == nil || n.reason != v1alpha1.ReasonRevocationsHeld {
		t.Errorf("%+v", n)
	}
	before, after = describe(limit.HeldRows{"members": 4, "boardroom": 2})
	if n := holdNews(connection, before, after); n != nil || !strings.Contains(after[0].Message, "holds 6 grant(s)") {
		t.Errorf("told again: %+v", n)
	}
	if before, after = describe(nil); len(after) > 0 || holdNews(connection, before, after) != nil {
		t.Errorf("released, and %+v", after)
	}
}

func abandoning[T client.Object](object T, value string) T {
	object.SetAnnotations(map[string]string{v1alpha1.AbandonAnnotation: value})
	return object
}

func claiming[T client.Object](object T, value string) T {
	object.SetAnnotations(map[string]string{v1alpha1.ClaimAnnotation: value})
	return object
}

var noon = time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)

func approved[T client.Object](object T, until string) T {
	object.SetAnnotations(map[string]string{v1alpha1.ApproveRevocationsUntilAnnotation: until})
	return object
}

func TestARebindThatLooksNothingUpIsToldWhenItIsWritten(t *testing.T) {
	group := &v1alpha1.KisiGroup{}
	group.Annotations = map[string]string{v1alpha1.RebindAnnotation: strings.Repeat("x", tenant.LongestRebind+1)}
	if rebindNews(group, nil) == nil || rebindNews(group, group.Annotations) != nil {
		t.Error("a value that is too long is not said to be, or is said to be twice")
	}
	group.Annotations[v1alpha1.RebindAnnotation] = strings.Repeat("x", tenant.LongestRebind)
	if rebindNews(group, nil) != nil {
		t.Error("the longest value is said to be too long")
	}
}

package limit

import (
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
)

var noon = time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)

func approved[T client.Object](object T, until string) T {
	object.SetAnnotations(map[string]string{v1alpha1.ApproveRevocationsUntilAnnotation: until})
	return object
}

func TestWhatAnApprovalApproves(t *testing.T) {
	for _, test := range []struct {
		until   string
		given   bool
		problem string // a part of it
		begins  time.Time
	}{
		{until: "2026-12-01T12:00:01Z", given: true},
		{until: "2026-12-02T12:00:00Z", given: true},
		{until: "2026-12-01T15:00:00+02:00", given: true},
		{until: "2026-12-01T12:00:00Z", problem: "in the past"},
		{until: "2026-12-01T13:59:59+02:00", problem: "in the past"},
		{until: "2026-12-02T12:00:01Z", problem: "more than 24 hours ahead", begins: noon.Add(time.Second)},
		{until: "2027-12-01T12:00:00Z", problem: "more than 24 hours ahead", begins: noon.AddDate(1, 0, -1)},
		{until: "", problem: "it is no time"},
		{until: "true", problem: "it is no time"},
		{until: "2026-12-01 13:00", problem: "it is no time"},
	} {
		t.Run(test.until, func(t *testing.T) {
			got := ApprovalOf(approved(&v1alpha1.Member{}, test.until), noon)
			if got.Given != test.given || !got.Begins.Equal(test.begins) || (got.Problem == "") != (test.problem == "") || !strings.Contains(got.Problem, test.problem) {
				t.Errorf("%+v", got)
			}
		})
	}
	if got := ApprovalOf(&v1alpha1.Member{}, noon); got != (Approval{}) {
		t.Errorf("without the annotation %+v", got)
	}
}

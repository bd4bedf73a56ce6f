package text

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/cli/access"
)

func TestEntriesAreSaidInWords(t *testing.T) {
	noon := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	clock := Clock{Now: noon, Zone: time.UTC}
	at := func(hours int) *metav1.Time { return &metav1.Time{Time: noon.Add(time.Duration(hours) * time.Hour)} }
	in := func(state v1alpha1.AccountAccess, by v1alpha1.AccountSuspender) access.Person {
		return access.Person{Accounts: []v1alpha1.MemberAccount{{Access: v1alpha1.AccountEnabled}, {Access: state, SuspendedBy: by}}}
	}
	enabled := access.Person{Accounts: []v1alpha1.MemberAccount{{Access: v1alpha1.AccountEnabled}}}
	for _, test := range []struct {
		person      access.Person
		answer      access.Answer
		from, until *metav1.Time
		want        string
	}{
		{enabled, access.AnswerOpen, at(-1), at(5), "in until 17:00"},
		{enabled, access.AnswerOpen, at(-1), at(25), "in until 13:00 tomorrow"},
		{enabled, access.AnswerOpen, at(-1), nil, "in"},
		{enabled, access.AnswerOpen, nil, nil, "in"},
		{enabled, access.AnswerOpen, at(1), at(5), "in from 13:00"},
		{enabled, access.AnswerCovered, at(-1), at(5), "in until 17:00, by a foreign assignment in Kisi"},
		{enabled, access.AnswerExpected, at(30), nil, "in from 18:00 tomorrow; written to Kisi before"},
		{enabled, access.AnswerWaiting, at(-1), at(5), "waits for Kisi"},
		{enabled, access.AnswerStillOpen, nil, nil, "still in, though nothing gives it any more"},
		{in(v1alpha1.AccountRemovedInKisi, ""), access.AnswerWithheld, at(-1), at(5), "removed in Kisi on purpose: ask the administrator"},
		{in(v1alpha1.AccountSuspendedInKisi, ""), access.AnswerWithheld, at(-1), at(5), "suspended in Kisi on purpose: ask the administrator"},
		{in(v1alpha1.AccountSuspendedInKisi, v1alpha1.SuspendedByDirectory), access.AnswerWithheld, at(-1), at(5), "switched off in the directory: ask who runs it"},
		{enabled, access.AnswerNo, at(-1), at(5), "no access"},
	} {
		if got := clock.Entry(test.person, test.answer, test.from, test.until); got != test.want {
			t.Errorf("%q, not %q", got, test.want)
		}
	}
	if got := clock.Arrival(access.Arrival{Ended: true, Source: access.Source{Until: at(-2)}}); got != "ended at 10:00" {
		t.Error(got)
	}
	if got := clock.Arrival(access.Arrival{Problem: &access.Problem{Message: "spec.state is Canceled"}}); got != "not let in: spec.state is Canceled" {
		t.Error(got)
	}
}

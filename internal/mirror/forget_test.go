package mirror_test

import (
	"testing"
	"time"

	"github.com/kisi-operator/kisi-operator/internal/mirror"
)

func TestAReadingUnderWayDoesNotBringAForgottenGroupBack(t *testing.T) {
	for name, test := range map[string]struct {
		begin func(*mirror.Mirror) *mirror.Reading
		end   func(*mirror.Reading) []int64
	}{
		"of the group":              {func(m *mirror.Mirror) *mirror.Reading { return m.Begin(groupID) }, finished},
		"of the group, abandoned":   {func(m *mirror.Mirror) *mirror.Reading { return m.Begin(groupID) }, abandoned},
		"of the group, not wanted":  {func(m *mirror.Mirror) *mirror.Reading { return m.Begin(groupID) }, cancelled},
		"of a person":               {func(m *mirror.Mirror) *mirror.Reading { return m.BeginPerson(groupID, 10) }, finished},
		"of a person, abandoned":    {func(m *mirror.Mirror) *mirror.Reading { return m.BeginPerson(groupID, 10) }, abandoned},
		"of a person, not wanted":   {func(m *mirror.Mirror) *mirror.Reading { return m.BeginPerson(groupID, 10) }, cancelled},
		"that others have finished": {func(m *mirror.Mirror) *mirror.Reading { r := m.Begin(groupID); r.Finish(nil, time.Now()); return r }, finished},
	} {
		t.Run(name, func(t *testing.T) {
			var m mirror.Mirror
			heard := 0
			m.Begin(groupID).Finish([]mirror.Row{row(1, 10)}, time.Now())
			reading := test.begin(&m)
			m.Watch(func(mirror.Change) { heard++ })
			m.Forget(groupID)
			if differ := test.end(reading); len(differ) > 0 || heard > 0 {
				t.Errorf("%v differ, and %d changes were reported", differ, heard)
			}
			if known := m.Groups(); len(known) > 0 {
				t.Errorf("the groups %v are known", known)
			}
			if why := m.Unread(groupID); why != "" {
				t.Errorf("the group passes for unread: %q", why)
			}
			if at := m.PersonReadAt(groupID, 10); !at.IsZero() {
				t.Errorf("the person was read at %s", at)
			}
		})
	}
}

func finished(r *mirror.Reading) []int64 { return r.Finish([]mirror.Row{row(1, 10)}, time.Now()) }

func abandoned(r *mirror.Reading) []int64 {
	r.Abandon("short")
	return nil
}

func cancelled(r *mirror.Reading) []int64 {
	r.Cancel()
	return nil
}

func TestAReadingOfAnotherGroupGoesOnWhileOneIsForgotten(t *testing.T) {
	var m mirror.Mirror
	reading := m.Begin(8)
	m.Forget(groupID)
	reading.Finish([]mirror.Row{{ID: 1, GroupID: 8, UserID: 10}}, time.Now())
	if rows, known := m.Rows(8); !known || len(rows) != 1 {
		t.Errorf("got %v, known %v", rows, known)
	}
}

func TestAReadingThatNobodyWantsSaysNothing(t *testing.T) {
	var m mirror.Mirror
	m.Begin(groupID).Finish([]mirror.Row{row(1, 10)}, time.Now())
	m.Begin(groupID).Cancel()
	if rows, known := m.Rows(groupID); !known || len(rows) != 1 || m.Unread(groupID) != "" {
		t.Errorf("got %v, known %v, unread %q", rows, known, m.Unread(groupID))
	}
}

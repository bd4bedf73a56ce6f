package mirror

import "testing"

func TestAUserIsSoundUntilSomethingIsHeard(t *testing.T) {
	for name, hear := range map[string]func(*Mirror){
		"a doubt":                     func(m *Mirror) { m.DoubtUser(2) },
		"a write of this process":     func(m *Mirror) { m.NoteWrite(Subject{Kind: User, ID: 2}, Changed) },
		"a list that does not say so": func(m *Mirror) { m.BeginUsers(10).Finish([]int64{1, 3}) },
		"the group is let go":         func(m *Mirror) { m.Forget(10) },
	} {
		t.Run(name, func(t *testing.T) {
			m := &Mirror{}
			m.BeginUsers(10).Finish([]int64{3, 2, 1})
			if !m.Sound(2) || m.Sound(4) {
				t.Fatal("a list does not say who is sound")
			}
			hear(m)
			if m.Sound(2) {
				t.Error("the user is taken for sound")
			}
			if name != "the group is let go" && !m.Sound(3) {
				t.Error("another user is not any more")
			}
		})
	}
}

func TestAListDoesNotSayWhatItMayBeTooOldFor(t *testing.T) {
	m := &Mirror{}
	reading := m.BeginUsers(10)
	m.DoubtUser(2)
	m.SettleUser(2) // nobody relies on that user yet
	reading.Finish([]int64{1, 2})
	if m.Sound(2) || !m.Sound(1) {
		t.Error("a user who was doubted while the list was read is sound")
	}
	forgotten := m.BeginUsers(10)
	m.Forget(10)
	forgotten.Finish([]int64{1})
	if m.Sound(1) {
		t.Error("a list of a group that was let go meanwhile counts")
	}
}

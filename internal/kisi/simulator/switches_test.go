package simulator

import (
	"reflect"
	"strings"
	"testing"
)

func TestEverySwitchIsDocumentedAndSettable(t *testing.T) {
	infos := DefaultSwitches().Describe()
	if fields := reflect.TypeFor[Switches]().NumField(); fields != len(infos) {
		t.Errorf("%d fields, but %d switches are described", fields, len(infos))
	}
	seen := map[string]bool{}
	for _, info := range infos {
		if seen[info.Name] || info.Question == "" || len(info.Values) < 2 || info.Value != info.Values[0] {
			t.Errorf("badly described: %+v", info)
		}
		seen[info.Name] = true
		for _, value := range info.Values {
			s := DefaultSwitches()
			if err := s.Set(info.Name, value); err != nil {
				t.Error(err)
			}
			for _, after := range s.Describe() { // exactly this one has changed
				if want := map[bool]string{true: value, false: after.Values[0]}[after.Name == info.Name]; after.Value != want {
					t.Errorf("after %s=%s: %s is %s", info.Name, value, after.Name, after.Value)
				}
			}
		}
	}
}

func TestAnUnknownSwitchOrValueIsRefusedWithTheChoices(t *testing.T) {
	s := DefaultSwitches()
	if err := s.Set("duplicate", "AlwaysNew"); err == nil || !strings.Contains(err.Error(), "duplicates") {
		t.Errorf("got %v", err)
	}
	if err := s.Set("windowUpdate", "accepted"); err == nil || !strings.Contains(err.Error(), "Accepted, IgnoredWith204, Invalid") {
		t.Errorf("got %v", err)
	}
}

package kisi

import (
	"errors"
	"strings"
	"testing"
)

func TestWhatKisiSaysNamesNobody(t *testing.T) {
	person := []string{"ana..pop@example.com", "Ana Maria Pop"}
	for _, test := range []struct {
		shows string
		err   error
		want  string
	}{
		{"nothing of an error that is not Kisi's", errors.New("no"), ""},
		{"nothing where Kisi says nothing", &Error{Status: 422}, ""},
		{"a field and its text", &Error{Status: 422, Fields: map[string][]string{"email": {"is invalid", "is odd"}}}, "email: is invalid, is odd"},
		{"a message", &Error{Status: 403, Message: "User limit reached."}, "User limit reached."},
		{"no address", &Error{Message: "\"ana..pop@example.com\" and Bob.X@other.example are bad"}, `"<address>" and <address> are bad`},
		{"no name, in any letters", &Error{Message: "ANA MARIA POP is bad, (pop) too"}, "<address> is bad, (<address>) too"},
		{"no local part", &Error{Message: "the part ana..pop is bad"}, "the part <address> is bad"},
		{"other words as they are", &Error{Message: "popular bananas"}, "popular bananas"},
		{"one line", &Error{Message: "a\nb"}, "a b"},
	} {
		if got := Said(test.err, person...); got != test.want {
			t.Errorf("%s: got %q, want %q", test.shows, got, test.want)
		}
	}
	if long := Said(&Error{Message: strings.Repeat("x", 5000)}); len([]rune(long)) > maxMessageRunes+1 {
		t.Errorf("%d runes", len([]rune(long)))
	}
}

func TestWhatARefusalMeans(t *testing.T) {
	fields := func(status int, field, text string) error {
		return &Error{Status: status, Fields: map[string][]string{field: {text}}}
	}
	for _, test := range []struct {
		err              error
		limit, duplicate bool
	}{
		{&Error{Status: 402}, true, false},
		{&Error{Status: 403, Message: "User limit reached. Upgrade your plan."}, true, false},
		{&Error{Status: 403, Message: "No seat left"}, true, false},
		{&Error{Status: 403, Message: "You are not allowed to do this."}, false, false},
		{&Error{Status: 403, Message: "Planning is not for you"}, false, false},
		{&Error{Status: 429, Message: "rate limit"}, false, false},
		{fields(422, "base", "There are no free licences"), true, false},
		{fields(422, "email", "is invalid"), false, false},
		{fields(422, "assignee", "has already been taken"), false, true},
		{fields(422, "base", "There is more than one"), false, true},
		{fields(422, "valid_until", "is invalid"), false, false},
		{&Error{Status: 422, Fields: map[string][]string{"assignee": {"has already been taken"}, "valid_until": {"is invalid"}}}, false, false},
		{&Error{Status: 422}, false, false},
		{&Error{Status: 409}, false, true},
	} {
		if got := IsLimit(test.err); got != test.limit {
			t.Errorf("IsLimit(%v) = %v", test.err, got)
		}
		if got := IsDuplicate(test.err); got != test.duplicate {
			t.Errorf("IsDuplicate(%v) = %v", test.err, got)
		}
	}
}

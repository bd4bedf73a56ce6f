package simulator

import (
	"encoding/json"
	"fmt"
	"time"
)

// fields reads the members of a request's root object one by one and collects
// what is wrong with them, so that one answer names every bad field.
type fields struct {
	raw    map[string]json.RawMessage
	errors map[string][]string
}

// root reads {"<key>": {...}}. Unknown members are ignored, as Kisi does.
func (c *call) root(key string) (*fields, *answer) {
	var outer map[string]json.RawMessage
	if len(c.body) == 0 {
		outer = map[string]json.RawMessage{}
	} else if err := json.Unmarshal(c.body, &outer); err != nil {
		a := badRequest("The request body is not a JSON object.")
		return nil, &a
	}
	raw, present := outer[key]
	f := &fields{errors: map[string][]string{}}
	if !present || json.Unmarshal(raw, &f.raw) != nil || f.raw == nil {
		a := invalid(key, "can't be blank")
		return nil, &a
	}
	return f, nil
}

func (f *fields) fail(name, message string) {
	f.errors[name] = append(f.errors[name], message)
}

func (f *fields) has(name string) bool { _, ok := f.raw[name]; return ok }

func (f *fields) isNull(name string) bool { return string(f.raw[name]) == "null" }

// read decodes a member if it is there and not null, and says whether it was.
func read[T any](f *fields, name string, into *T) bool {
	if !f.has(name) || f.isNull(name) {
		return false
	}
	if err := json.Unmarshal(f.raw[name], into); err != nil {
		f.fail(name, "is invalid")
		return false
	}
	return true
}

// set changes a value if the member is given; null is refused.
func set[T any](f *fields, name string, into *T) {
	if f.has(name) && f.isNull(name) {
		f.fail(name, "can't be blank")
		return
	}
	read(f, name, into)
}

// setNullable changes a value if the member is given; null clears it.
func setNullable[T any](f *fields, name string, into **T) {
	if !f.has(name) {
		return
	}
	if f.isNull(name) {
		*into = nil
		return
	}
	var value T
	if read(f, name, &value) {
		*into = &value
	}
}

func (f *fields) text(name string) string {
	var v string
	read(f, name, &v)
	return v
}

func (f *fields) number(name string) int {
	var v int
	read(f, name, &v)
	return v
}

func (f *fields) required(names ...string) {
	for _, name := range names {
		if !f.has(name) || f.isNull(name) || string(f.raw[name]) == `""` {
			f.fail(name, "can't be blank")
		}
	}
}

// instant reads an ISO 8601 time, to the second or as given.
func (f *fields) instant(name string, keepFraction bool) *time.Time {
	text := f.text(name)
	if text == "" {
		return nil
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		f.fail(name, fmt.Sprintf("is not a valid date and time: %q", text))
		return nil
	}
	t = t.UTC()
	if !keepFraction {
		t = t.Truncate(time.Second)
	}
	return &t
}

func (f *fields) refusal() *answer {
	if len(f.errors) == 0 {
		return nil
	}
	a := invalidFields(f.errors)
	return &a
}

package table

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

func integer(text string) (int64, error) {
	number, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, errors.New("is no whole number: correct it in the export")
	}
	return number, nil
}

// described names a value as the reader of a message knows it.
func (v *value) described() string {
	switch {
	case v.path != nil:
		return v.From
	case v.From != "" && v.format == JSON:
		return fmt.Sprintf("field %q", v.From)
	case v.From != "":
		return fmt.Sprintf("column %q", v.From)
	case v.CEL != "":
		return "the expression " + v.CEL
	}
	return fmt.Sprintf("the text %q", v.Text)
}

// personal are the fields whose values are not shown, since they may be names and addresses of people.
var personal = []string{"email", "fullName", "organizer", "attendees"}

func isPersonal(path string) bool {
	for _, step := range strings.FieldsFunc(path, func(r rune) bool { return r == '.' || r == '[' }) {
		for _, name := range personal {
			if step == name {
				return true
			}
		}
	}
	return false
}

// wrong says what is wrong with the value of a field in a row, and shows it unless it may be about a person.
func (o object) wrong(f fieldOf, r row, err error) error {
	shown := ""
	if text, _ := r.values[r.column(f.From)].(string); strings.TrimSpace(text) != "" && !isPersonal(f.name()) {
		shown = " " + shortened(text)
	}
	return fmt.Errorf("%s, for %s of the %s:%s %w", f.described(), f.name(), o.kind, shown, err)
}

// refused says what the API server would say of the object, in words of the mapping.
func (o object) refused(r row, wrong *field.Error) error {
	path := strings.TrimPrefix(wrong.Field, "spec.")
	said := fmt.Errorf("%s; correct it in the export, or the mapping", inWords(path, wrong))
	var below []string
	for _, f := range o.fields {
		name := f.name()
		if path == name || strings.HasPrefix(path, name+".") || strings.HasPrefix(path, name+"[") {
			return o.wrong(f, r, said)
		}
		if strings.HasPrefix(name, path+".") && f.Text == "" {
			below = append(below, f.described())
		}
	}
	if len(below) > 0 {
		return fmt.Errorf("%s, for %s of the %s: %w", strings.Join(below, " and "), path, o.kind, said)
	}
	return fmt.Errorf("%s of the %s: %w", path, o.kind, said)
}

// inWords says what is wrong without the value, and without a pattern that only machines read.
func inWords(path string, wrong *field.Error) string {
	switch {
	case wrong.Type == field.ErrorTypeRequired:
		return "is empty, and may not be"
	case wrong.Type == field.ErrorTypeNotSupported:
		return "is none of those: " + wrong.Detail
	case wrong.Type == field.ErrorTypeTooLong, wrong.Type == field.ErrorTypeTooMany:
		return "is too long: " + wrong.Detail
	case strings.Contains(wrong.Detail, "should match") && isPersonal(path) && !strings.HasSuffix(path, "fullName"):
		return "is no plain e-mail address"
	case strings.Contains(wrong.Detail, "should match"):
		return "has characters that it may not have"
	}
	return wrong.Detail
}

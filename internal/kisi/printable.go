package kisi

import (
	"encoding/json"
	"errors"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Printable returns at most so many bytes of a text from outside, on one line. What could forge a log line, steer a terminal or
// turn the direction of writing is a space in it: everything that is neither a mark that is seen nor a space.
func Printable(text string, most int) string {
	return cut(text, func(written, _ int) bool { return written > most-len(ellipsis) }, len(text) > most)
}

// printable is Printable for so many runes as are kept of what Kisi says.
func printable(text string) string {
	return cut(text, func(_, runes int) bool { return runes > maxMessageRunes }, utf8.RuneCountInString(text) > maxMessageRunes)
}

const ellipsis = "…"

// cut makes a text printable. One that is too long ends, with a sign of it, before it is more than is taken.
func cut(text string, tooMuch func(written, runes int) bool, long bool) string {
	hidden := func(r rune) bool { return !unicode.IsPrint(r) }
	if !long && utf8.ValidString(text) && !strings.ContainsFunc(text, hidden) { // as nearly all are
		return text
	}
	var clean strings.Builder
	runes := 0
	for _, r := range text {
		if hidden(r) {
			r = ' '
		}
		if runes++; long && tooMuch(clean.Len()+utf8.RuneLen(r), runes) {
			return clean.String() + ellipsis
		}
		clean.WriteRune(r)
	}
	return clean.String()
}

// misread says why an answer cannot be read, without the values that stand in it: those may be a secret that was echoed, or
// somebody's name.
func misread(err error) string {
	var kind *json.UnmarshalTypeError
	var when *time.ParseError
	switch {
	case errors.As(err, &kind):
		value, _, _ := strings.Cut(kind.Value, " ") // of a number the number follows
		if kind.Field != "" {
			return printable(kind.Field + " is a " + value)
		}
		return printable("it is a " + value)
	case errors.As(err, &when):
		return "a time is in no known form"
	}
	return printable(err.Error())
}

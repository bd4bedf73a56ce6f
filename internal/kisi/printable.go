package kisi

import (
	"encoding/json"
	"errors"
	"strings"
	"time"
	"unicode"
)

// Printable returns at most so many bytes of a text from outside, on one line. What could forge a log line, steer a terminal or
// turn the direction of writing is a space in it: everything that is neither a mark that is seen nor a space.
func Printable(text string, most int) string {
	text = plain(text)
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:max(0, most-len(ellipsis))], "") + ellipsis
}

// printable is Printable for so many runes as are kept of what Kisi says.
func printable(text string) string {
	text = plain(text)
	runes := 0
	for i := range text {
		if runes++; runes > maxMessageRunes {
			return text[:i] + ellipsis
		}
	}
	return text
}

const ellipsis = "…"

// plain has a space for what does not print. It comes first, since what is no UTF-8 grows.
func plain(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, text)
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

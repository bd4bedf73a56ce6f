package kisi

import (
	"errors"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// redactedPerson stands in Kisi's words for what tells who a person is.
const redactedPerson = "<address>"

var (
	anyAddress = regexp.MustCompile(`[^\s<>"'(),;:]+@[^\s<>"'(),;:]+`)
	// seats are the words in which a refusal speaks of what a plan allows. Kisi does not publish them.
	seats = regexp.MustCompile(`(?i)\b(limits?|quotas?|seats?|licen[cs]es?|plan|upgrade|subscription|billing|maximum number)\b`)
	// taken are the words in which a refusal says that there is such a thing already.
	taken = regexp.MustCompile(`(?i)(already|taken|duplicate|exists|overlap|more than one|unique)`)
)

// Said returns what Kisi said of a refusal, on one line: its fields and texts, in which every address, and each of the
// texts that belong to a person, is replaced. It is empty where Kisi said nothing.
func Said(err error, personal ...string) string {
	var e *Error
	if !errors.As(err, &e) {
		return ""
	}
	var said []string
	if e.Message != "" {
		said = append(said, e.Message)
	}
	for _, field := range slices.Sorted(maps.Keys(e.Fields)) {
		said = append(said, field+": "+strings.Join(e.Fields[field], ", "))
	}
	text := strings.Join(said, "; ")
	for _, person := range personalTexts(personal) {
		text = person.ReplaceAllString(text, "${1}"+redactedPerson+"${2}")
	}
	return printable(anyAddress.ReplaceAllString(text, redactedPerson))
}

// personalTexts finds, whole and in whole words, the texts, the local parts of addresses among them, and the words of
// names; the longest first.
func personalTexts(personal []string) []*regexp.Regexp {
	var texts []string
	for _, text := range personal {
		text = strings.TrimSpace(text)
		texts = append(texts, text)
		if local, _, address := strings.Cut(text, "@"); address {
			texts = append(texts, local)
			continue
		}
		texts = append(texts, strings.FieldsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })...)
	}
	slices.SortStableFunc(texts, func(a, b string) int { return len(b) - len(a) })
	var found []*regexp.Regexp
	for _, text := range slices.Compact(texts) {
		if len([]rune(text)) > 1 {
			found = append(found, regexp.MustCompile(`(?i)(^|[^\pL\pN])`+regexp.QuoteMeta(text)+`($|[^\pL\pN])`))
		}
	}
	return found
}

// IsLimit reports a refusal because of what the organization's plan allows: a 402, or a refusal that speaks of a limit, of
// seats or of the plan.
func IsLimit(err error) bool {
	if hasStatus(err, http.StatusPaymentRequired) {
		return true
	}
	return (IsForbidden(err) || IsInvalid(err) || IsConflict(err)) && seats.MatchString(words(err))
}

// IsDuplicate reports that a create was refused for nothing but another thing of the same kind: a 409, or a 422 whose every
// text says so.
func IsDuplicate(err error) bool {
	if IsConflict(err) {
		return true
	}
	var e *Error
	if !errors.As(err, &e) || !IsInvalid(err) {
		return false
	}
	said := 0
	for _, texts := range e.Fields {
		for _, text := range texts {
			if !taken.MatchString(text) {
				return false
			}
			said++
		}
	}
	return said > 0 || taken.MatchString(e.Message)
}

// words is all that a refusal says, without the names of its fields.
func words(err error) string {
	var e *Error
	if !errors.As(err, &e) {
		return ""
	}
	said := []string{e.Message}
	for _, field := range slices.Sorted(maps.Keys(e.Fields)) {
		said = append(said, e.Fields[field]...)
	}
	return strings.Join(said, " ")
}

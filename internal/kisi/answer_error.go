package kisi

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// What is kept of a refusal: so many runes of each text, so many texts, and as many fields with texts of their own.
const (
	maxMessageRunes = 300
	maxTexts        = 5
)

// statusError reads an answer that is not a success. Kisi has two shapes: {"code","error"}, and {"errors":{field:
// [message]}} for 422. A proxy before Kisi may answer with anything.
func (c *Client) statusError(r request, a answer) *Error {
	failure := &Error{Op: r.op, Method: r.method, Path: r.path, Status: a.status, RetryAfter: c.retryAfter(a)}
	if a.status < 400 {
		failure.Message = "redirects are not followed"
		return failure
	}
	var body struct {
		Code   json.RawMessage `json:"code"`
		Error  json.RawMessage `json:"error"`
		Errors json.RawMessage `json:"errors"`
	}
	if err := json.Unmarshal(a.body, &body); err != nil {
		return failure // the status says it all
	}
	clean := func(texts []string) []string {
		for i, text := range texts {
			texts[i] = printable(c.scrub(text, r.secret))
		}
		return texts
	}
	failure.Code = strings.Join(clean(texts(body.Code)), " ")
	failure.Message = strings.Join(clean(texts(body.Error)), ", ")
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(body.Errors, &fields); err != nil {
		if messages := clean(texts(body.Errors)); len(messages) > 0 {
			failure.Message = strings.Join(append(clean(texts(body.Error)), messages...), ", ")
		}
		return failure
	}
	for i, field := range slices.Sorted(maps.Keys(fields)) {
		if i == maxTexts {
			break
		}
		if failure.Fields == nil {
			failure.Fields = map[string][]string{}
		}
		failure.Fields[printable(c.scrub(field, r.secret))] = clean(texts(fields[field]))
	}
	return failure
}

// texts reads a string, or the first strings in a list, from JSON of unknown shape.
func texts(raw json.RawMessage) []string {
	var value any
	if len(raw) == 0 || json.Unmarshal(raw, &value) != nil {
		return nil
	}
	var found []string
	var collect func(value any)
	collect = func(value any) {
		if len(found) == maxTexts {
			return
		}
		switch value := value.(type) {
		case string:
			found = append(found, value)
		case float64:
			found = append(found, strconv.FormatFloat(value, 'f', -1, 64))
		case []any:
			for _, item := range value {
				collect(item)
			}
		case map[string]any:
			for _, key := range slices.Sorted(maps.Keys(value)) {
				collect(value[key])
			}
		}
	}
	collect(value)
	return found
}

// retryAfter reads Retry-After, in seconds or as a date. A date is compared with the answer's own Date, so that a wrong
// clock here does not matter.
func (c *Client) retryAfter(a answer) time.Duration {
	value := strings.TrimSpace(a.header.Get("Retry-After"))
	if value == "" {
		return 0
	}
	if seconds, err := strconv.ParseUint(value, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	until, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	now := a.at
	if now.IsZero() {
		now = c.config.Clock.Now()
	}
	return max(0, until.Sub(now))
}

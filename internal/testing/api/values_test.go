package api_test

import (
	"fmt"
	"maps"
	"strings"
)

// The rules of the values that many fields share. The borders are written out here, so that a changed marker fails a spec.

func (r rules) and(others ...rules) rules {
	combined := rules{
		given: maps.Clone(r.given),
		good:  append([]any{}, r.good...),
		bad:   append([]rule{}, r.bad...),
	}
	for _, other := range others {
		combined.good = append(combined.good, other.good...)
		combined.bad = append(combined.bad, other.bad...)
	}
	return combined
}

// with prepares the object by removing what would contradict the field, or by adding what it needs.
func (r rules) with(given map[string]any) rules {
	r.given = given
	return r
}

func without(paths ...string) map[string]any {
	edits := map[string]any{}
	for _, path := range paths {
		edits[path] = absent
	}
	return edits
}

func refused(bad ...rule) rules { return rules{bad: bad} }

var required = refused(rule{keyword: "required", value: absent, says: "Required value"})

// optional is for fields with no rule but that they may be absent.
var optional = rules{good: []any{absent}}

func oneOf(values ...string) rules {
	all := rules{bad: []rule{
		{keyword: "enum", value: strings.ToLower(values[0]), says: fmt.Sprintf(`supported values: "%s"`, strings.Join(values, `", "`))},
		{keyword: "enum", value: "", says: "Unsupported value"},
	}}
	for _, value := range values {
		all.good = append(all.good, value)
	}
	return all
}

func between(low, high int64) rules {
	return atLeast(low).and(rules{good: []any{high}, bad: []rule{
		{keyword: "maximum", value: high + 1, says: fmt.Sprintf("should be less than or equal to %d", high)},
	}})
}

func atLeast(low int64) rules {
	return rules{good: []any{low}, bad: []rule{
		{keyword: "minimum", value: low - 1, says: fmt.Sprintf("should be greater than or equal to %d", low)},
	}}
}

func atMostItems(limit int, item func(int) any) rules {
	return rules{good: []any{items(limit, item)}, bad: []rule{
		{keyword: "maxItems", value: items(limit+1, item), says: fmt.Sprintf("must have at most %d items", limit)},
	}}
}

// uniqueItems is for sets and maps: the same item twice.
func uniqueItems(item any) rules {
	return refused(rule{keyword: "unique", value: []any{item, item}, field: "[1]", says: "Duplicate value"})
}

func items(count int, item func(int) any) []any {
	all := make([]any, count)
	for i := range all {
		all[i] = item(i)
	}
	return all
}

func numbered(prefix string) func(int) any {
	return func(i int) any { return fmt.Sprintf("%s%d", prefix, i) }
}

func named(i int) any { return map[string]any{"name": fmt.Sprintf("group-%d", i)} }

var kisiID = between(1, 1<<53-1)

var groupRefs = atMostItems(100, named).and(uniqueItems(map[string]any{"name": "lounge"}))

// text is one line of text up to a length.
func text(length int) rules {
	return rules{
		good: []any{"x", "Зала №1 – 会議室 🚪", strings.Repeat("é", length)},
		bad: []rule{
			{keyword: "minLength", value: "", says: "at least 1 chars long"},
			{keyword: "maxLength", value: strings.Repeat("x", length+1), says: fmt.Sprintf("may not be more than %d", length)},
			{keyword: "pattern", value: "two\nlines", says: "should match"},
		},
	}
}

var (
	fullName   = text(200)
	externalID = text(253)
	team       = text(253)
	audience   = text(63)
	kisiName   = text(255)
)

var objectName = rules{
	good: []any{"a", "42.hot-desk", strings.Repeat("a", 253)},
	bad: []rule{
		{keyword: "minLength", value: "", says: "at least 1 chars long"},
		{keyword: "maxLength", value: strings.Repeat("a", 254), says: "may not be more than 253"},
		{keyword: "pattern", value: "Hot_Desk", says: "should match"},
		{keyword: "pattern", value: "other-namespace/hot-desk", says: "should match"},
		{keyword: "pattern", value: "-a", says: "should match"},
		{keyword: "pattern", value: "a..b", says: "should match"},
	},
}

var secretKey = rules{
	good: []any{"a", "Key_of.the-API", strings.Repeat("a", 253)},
	bad: []rule{
		{keyword: "minLength", value: "", says: "at least 1 chars long"},
		{keyword: "maxLength", value: strings.Repeat("a", 254), says: "may not be more than 253"},
		{keyword: "pattern", value: "api key", says: "should match"},
	},
}

var email = rules{
	good: []any{
		"a@b.co", "o'hara+kisi@sub.example.com", "Ana@Example.COM", "zoë@exämple.de", "用户@例子.公司",
		strings.Repeat("a", 249) + "@b.co",
	},
	bad: []rule{
		{keyword: "minLength", value: "a@", says: "at least 3 chars long"},
		{keyword: "maxLength", value: strings.Repeat("a", 250) + "@b.co", says: "may not be more than 254"},
		{keyword: "pattern", value: "ana at example.com", says: "should match"},
		{keyword: "pattern", value: "ana@example", says: "should match"},
		{keyword: "pattern", value: " ana@example.com", says: "should match"},
		{keyword: "pattern", value: "ana@example.com\u00a0", says: "should match"},
		{keyword: "pattern", value: "ana@example.com\n", says: "should match"},
		{keyword: "pattern", value: "Ana Pop <ana@example.com>", says: "should match"},
		{keyword: "pattern", value: "ana@example.com,gil@example.com", says: "should match"},
		{keyword: "pattern", value: "ana@home@example.com", says: "should match"},
		{keyword: "pattern", value: "ana@example..com", says: "should match"},
	},
}

// goDuration is a duration in Go's notation from low to a year. tooLow is nothing where low is zero, because the pattern has no sign.
func goDuration(field, low, tooLow, suggestion string) rules {
	message := fmt.Sprintf("%s must be between %s and 8760h, such as %s", field, low, suggestion)
	all := rules{
		good: []any{low, "8760h", "1.5h", "1h30m", "90m0.5s", "3600000000000ns", "3600000000us", "3600000000µs", "3600000ms"},
		bad: []rule{
			{keyword: "cel: " + message, value: "8760h1ns", says: message},
			{keyword: "maxLength", value: strings.Repeat("0", 32) + "1h", says: "may not be more than 32"},
			{keyword: "pattern", value: "-30m", says: "should match"},
			{keyword: "pattern", value: "1d", says: "should match"},
			{keyword: "pattern", value: "30", says: "should match"},
			{keyword: "pattern", value: "", says: "should match"},
			{keyword: "pattern", value: "1e3s", says: "should match"},
		},
	}
	if tooLow != "" {
		all.bad = append(all.bad, rule{keyword: "cel: " + message, value: tooLow, says: message})
	}
	return all
}

// badTime is what no time of a spec may be.
var badTime = refused(
	rule{keyword: "format", value: "2026-02-30T12:00:00Z", says: "must be of type date-time"},
	rule{keyword: "maxLength", value: "2026-12-01T12:00:00.1234567890123456Z", says: "may not be more than 35"},
	rule{keyword: "pattern", value: "2026-12-01", says: "should match"},
	rule{keyword: "pattern", value: "2026-12-01 12:00:00Z", says: "should match"},
	rule{keyword: "pattern", value: "2026-12-01t12:00:00z", says: "should match"},
	rule{keyword: "pattern", value: "2026-12-01T12:00:60Z", says: "should match"},
	rule{keyword: "pattern", value: "2026-12-01T24:00:00Z", says: "should match"},
	rule{keyword: "pattern", value: "2026-12-01T12:00:00+24:00", says: "should match"},
	rule{keyword: "pattern", value: "2026-12-01T12:00:00", says: "should match"},
)

// specTime is a time of a subscription or a member.
func specTime(field, wayOut string) rules {
	message := field + " must be within the years 1000 to 9999, in UTC" + wayOut
	return badTime.and(rules{
		good: []any{"2026-12-01T13:00:00+01:00", "2026-12-01T12:00:00.123456789-23:59"},
		bad: []rule{
			{keyword: "cel: " + message, value: "0001-01-01T00:00:00Z", says: message},
			{keyword: "cel: " + message, value: "1000-01-01T00:00:00+00:01", says: message},
			{keyword: "cel: " + message, value: "9999-12-31T23:59:59-00:01", says: message},
		},
	})
}

var (
	startTime = specTime("startTime", "; leave it out for access without a start bound").
			and(rules{good: []any{"1000-01-01T00:00:00Z"}})
	endTime = specTime("endTime", "; leave it out for access without an end").
		and(rules{good: []any{"9999-12-31T23:59:59Z"}})
)

const endBeforeStart = "endTime must be after startTime, in whole seconds"

// statusTime is what the operator writes: whole seconds in UTC.
func statusTime(field string) rules {
	years := field + " must be within the years 1000 to 9999, in UTC"
	return rules{
		good: []any{"1000-01-01T00:00:00Z", "9999-12-31T23:59:59Z"},
		bad: []rule{
			{keyword: "format", value: "2026-02-30T12:00:00Z", says: "must be of type date-time"},
			{keyword: "pattern", value: "2026-12-01t12:00:00z", says: "should match"},
			{keyword: "pattern", value: "2026-12-01T12:00:00+01:00", says: "should match"},
			{keyword: "pattern", value: "0001-01-01T00:00:00Z", says: "should match"},
			// Without the rule, a schema with a format lets a list pass for a string.
			{keyword: "cel: " + years, value: []any{}, says: years},
		},
	}
}

var count = atLeast(0).and(rules{good: []any{int64(1<<31 - 1)}})

const exactlyOneOfNameAndExternalID = "set exactly one of name and externalID"

// reference adds the rules of a reference to a table, which lie on the fields below it.
func (t table) reference(path string, given map[string]any) table {
	byName, byExternalID := maps.Clone(given), maps.Clone(given)
	if byName == nil {
		byName, byExternalID = map[string]any{}, map[string]any{}
	}
	byName[path], byExternalID[path] = absent, absent
	t[path+".name"] = objectName.with(byName)
	t[path+".externalID"] = externalID.with(byExternalID)
	t[path] = t[path].and(refused(
		rule{keyword: "cel: " + exactlyOneOfNameAndExternalID, value: map[string]any{}, says: exactlyOneOfNameAndExternalID},
		rule{keyword: "cel: " + exactlyOneOfNameAndExternalID, value: map[string]any{"name": "a", "externalID": "b"}, says: exactlyOneOfNameAndExternalID},
	))
	return t
}

const kindNeedsExternalID = "kind belongs to externalID: remove it, or name the place by externalID"

func (t table) placeReference(path string, given map[string]any) table {
	t.reference(path, given)
	t[path] = t[path].and(rules{
		good: []any{map[string]any{"externalID": "42"}, map[string]any{"name": "c42"}},
		bad: []rule{{
			keyword: "cel: " + kindNeedsExternalID, value: map[string]any{"name": "a", "kind": "Room"},
			field: ".kind", says: kindNeedsExternalID,
		}},
	})
	if given != nil {
		t[path] = t[path].with(given)
	}
	externalID := maps.Clone(given)
	if externalID == nil {
		externalID = map[string]any{}
	}
	externalID[path] = map[string]any{"externalID": "42"}
	t[path+".kind"] = placeKind.with(externalID)
	return t
}

var placeKind = oneOf("Location", "Center", "Floor", "Office", "Room", "Desk", "Equipment", "Parking", "Club", "Studio")

const exactlyOneOfIDAndName = "set exactly one of id and name"

// kisiReference adds the rules of a reference to something in Kisi by id or name.
func (t table) kisiReference(path string, given map[string]any) table {
	alone := maps.Clone(given)
	if alone == nil {
		alone = map[string]any{}
	}
	alone[path] = absent
	t[path+".id"] = kisiID.with(alone)
	t[path+".name"] = kisiName.with(alone)
	t[path] = t[path].and(refused(
		rule{keyword: "cel: " + exactlyOneOfIDAndName, value: map[string]any{}, says: exactlyOneOfIDAndName},
		rule{keyword: "cel: " + exactlyOneOfIDAndName, value: map[string]any{"id": int64(1), "name": "a"}, says: exactlyOneOfIDAndName},
	)).with(given)
	return t
}

func (t table) connectionReference() table {
	t["spec.connectionRef.name"] = objectName.and(refused(rule{
		keyword: "required", value: absent, says: "Required value",
	}))
	return t
}

// status adds the rules of what every status has.
func (t table) status() table {
	t["status.observedGeneration"] = atLeast(-1)
	condition := func(i int) any {
		return map[string]any{
			"type": fmt.Sprintf("Type%d", i), "status": "True", "reason": "Reason", "message": "",
			"lastTransitionTime": "2026-11-01T08:00:00Z",
		}
	}
	t["status.conditions"] = atMostItems(16, condition).and(uniqueItems(condition(0)))
	t["status.conditions[0].type"] = required.and(rules{
		good: []any{"Ready", "example.com/Ready"},
		bad: []rule{
			{keyword: "maxLength", value: strings.Repeat("a", 317), says: "may not be more than 316"},
			{keyword: "pattern", value: "not ready", says: "should match"},
		},
	})
	t["status.conditions[0].status"] = required.and(oneOf("True", "False", "Unknown"))
	t["status.conditions[0].reason"] = required.and(refused(
		rule{keyword: "minLength", value: "", says: "at least 1 chars long"},
		rule{keyword: "maxLength", value: strings.Repeat("a", 1025), says: "may not be more than 1024"},
		rule{keyword: "pattern", value: "two words", says: "should match"},
	))
	t["status.conditions[0].message"] = required.and(refused(
		rule{keyword: "maxLength", value: strings.Repeat("a", 32769), says: "may not be more than 32768"},
	))
	t["status.conditions[0].observedGeneration"] = atLeast(0)
	years := "lastTransitionTime must be within the years 1000 to 9999, in UTC"
	t["status.conditions[0].lastTransitionTime"] = required.and(rules{
		good: []any{"1000-01-01T00:00:00Z", "9999-12-31T23:59:59Z"},
		bad:  []rule{{keyword: "format", value: "2026-02-30T12:00:00Z", says: "must be of type date-time"}},
	})
	t["status.conditions[0]"] = refused(
		rule{keyword: "cel: " + years, value: transitionedAt("0001-01-01T00:00:00Z"), field: ".lastTransitionTime", says: years},
		// The format alone takes what Go does not read.
		rule{keyword: "cel: " + years, value: transitionedAt("2026-11-01t08:00:00z"), says: "Invalid date-time"},
	)
	return t
}

func transitionedAt(at string) map[string]any {
	return map[string]any{"type": "Ready", "status": "True", "reason": "Reason", "message": "", "lastTransitionTime": at}
}

// people adds the rules of the counts of people.
func (t table) people() table {
	for _, field := range []string{"total", "granted", "excluded", "withheld"} {
		t["status.people."+field] = count
	}
	return t
}

// period adds the rules of startTime and endTime in the object at path, which lies on the object itself.
func (t table) period(path string, object map[string]any) table {
	t[path+".startTime"] = startTime.with(without(path + ".endTime"))
	t[path+".endTime"] = endTime.with(without(path + ".startTime"))
	t[path] = t[path].and(rules{
		good: []any{lasting(object, "2026-12-01T12:00:00Z", "2026-12-01T12:00:01Z")},
		bad: []rule{
			endsBeforeStart(lasting(object, "2026-12-01T12:00:00Z", "2026-12-01T12:00:00Z")),
			endsBeforeStart(lasting(object, "2026-12-01T12:00:00.1Z", "2026-12-01T12:00:00.9Z")),
			endsBeforeStart(lasting(object, "2026-12-01T12:00:00Z", "2026-12-01T13:00:00+02:00")),
		},
	})
	return t
}

func endsBeforeStart(value any) rule {
	return rule{keyword: "cel: " + endBeforeStart, value: value, field: ".endTime", says: endBeforeStart}
}

func lasting(object map[string]any, start, end string) map[string]any {
	lasting := maps.Clone(object)
	lasting["startTime"], lasting["endTime"] = start, end
	return lasting
}

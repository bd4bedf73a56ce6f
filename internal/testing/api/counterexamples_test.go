package api_test

// counterexamples were once admitted and then could not be read, or not be written back. Each names what was wrong.
var counterexamples = []struct {
	name  string
	kind  string
	edits map[string]any
}{
	{
		name: "a year before the first, once its offset is taken off",
		kind: "BookingGrant", edits: map[string]any{"spec.startTime": "0000-01-01T00:00:00+23:59"},
	},
	{
		name: "Go's zero time, which it writes as null",
		kind: "BookingGrant", edits: map[string]any{"spec.startTime": "0001-01-01T00:00:00Z"},
	},
	{
		name: "the year 10000, once its offset is taken off",
		kind: "AccessSubscription", edits: map[string]any{"spec.endTime": "9999-12-31T23:59:59-23:59"},
	},
	{
		name: "a duration that Go writes in nanoseconds",
		kind: "PlaceMapping", edits: map[string]any{"spec.bookings.leadTime": "0.0001ms"},
	},
	{
		name: "a duration that Go writes in microseconds",
		kind: "PlaceMapping", edits: map[string]any{"spec.bookings.leadTime": "0.5ms"},
	},
	{
		name: "a condition's time in small letters, which its format allows",
		kind: "Member", edits: map[string]any{"status.conditions[0].lastTransitionTime": "2026-11-01t08:00:00z"},
	},
	{
		name: "a condition's time with something after it, which its format allows",
		kind: "Member", edits: map[string]any{"status.conditions[0].lastTransitionTime": "2026-11-01T08:00:00ZTx"},
	},
	{
		name: "a condition's time with an offset beyond a day, which its format allows",
		kind: "Member", edits: map[string]any{"status.conditions[0].lastTransitionTime": "2026-11-01T08:00:00+99:99"},
	},
	{
		name: "a row's time in small letters, which its format allows",
		kind: "Member", edits: map[string]any{"status.grants[0].validUntil": "2026-12-01t00:00:00z"},
	},
	{
		name: "a row's time that is Go's zero time",
		kind: "Member", edits: map[string]any{"status.grants[0].validUntil": "0001-01-01T00:00:00Z"},
	},
	{
		name: "a list in the place of a row's time, which a schema with a format lets pass",
		kind: "Member", edits: map[string]any{"status.grants[0].validFrom": []any{}},
	},
	{
		name: "a list in the place of a planned time",
		kind: "Member", edits: map[string]any{"status.planned[0].validUntil": []any{}},
	},
	{
		name: "a list in the place of a window's time",
		kind: "BookingGrant", edits: map[string]any{"status.window.from": []any{}},
	},
	{
		name: "a list in the place of the last read",
		kind: "KisiConnection", edits: map[string]any{"status.lastSyncTime": []any{}},
	},
	{
		name: "a list in the place of the revocation window's start",
		kind: "KisiGroup", edits: map[string]any{"status.revocations.windowStart": []any{}},
	},
	{
		name: "a list in the place of a condition's time",
		kind: "Member", edits: map[string]any{"status.conditions[0].lastTransitionTime": []any{}},
	},
	{
		name: "a list in the place of a booking's start",
		kind: "BookingGrant", edits: map[string]any{"spec.startTime": []any{}},
	},
	{
		name: "an empty status, which Go leaves out",
		kind: "AccessPlan", edits: map[string]any{"status": map[string]any{}},
	},
}

package api_test

import "strings"

// The rules of each kind. A rule in a definition that has no line here fails a spec.

const (
	endpointIsImmutable      = "endpoint is immutable: create another KisiConnection for another endpoint"
	loginsNeedManagedUsers   = "logins: Secret needs type: Managed, because Kisi lets a login be made only on behalf of a managed user"
	exactlyOneKindOfGroup    = "set exactly one of existing and managed"
	existingOrManagedForever = "a group cannot change between existing and managed: create another KisiGroup"
	takeOverNeedsExclusive   = "atBinding: TakeOver needs assignments: Exclusive"
	placeNarrowsAName        = "place narrows a name: remove it, or point at the group by name"
	managedPlaceIsImmutable  = "managed.place is immutable, because Kisi cannot move a group: create another KisiGroup"
	existingIsImmutable      = "existing is immutable: create another KisiGroup for another Kisi group"
	somethingToHold          = "set at least one of planRef, placeRef and groupRefs"
	audienceNeedsAPlace      = "audience belongs to placeRef: remove it, or name a place"
	exactlyOneSubject        = "set exactly one of memberRef, team and email"
	fullNameNeedsAnEmail     = "fullName belongs to email: remove it, or name the person by email"
	exactlyOneBooked         = "set exactly one of placeRef and groupRefs"
)

var kisiConnectionRules = table{
	"spec":                      required,
	"spec.apiKeySecretRef":      required,
	"spec.apiKeySecretRef.name": required.and(objectName),
	"spec.apiKeySecretRef.key":  secretKey,
	"spec.endpoint": rules{
		good: []any{"https://api.kisi.io", "http://127.0.0.1:8080", "https://" + strings.Repeat("a", 245)},
		bad: []rule{
			{keyword: "minLength", value: "http://", says: "at least 8 chars long"},
			{keyword: "maxLength", value: "https://" + strings.Repeat("a", 246), says: "may not be more than 253"},
			{keyword: "pattern", value: "https://api.kisi.io/", says: "should match"},
			{keyword: "pattern", value: "api.kisi.io", says: "should match"},
			{keyword: "pattern", value: "https://user:key@api.kisi.io", says: "should match"},
			{keyword: "pattern", value: "https://api..kisi.io", says: "should match"},
		},
	},
	"spec.organizationID":      kisiID,
	"spec.requestsPerSecond":   between(1, 1000),
	"spec.mode":                oneOf("Enforce", "GrantOnly", "Observe", "Paused"),
	"spec.resyncInterval":      goDuration("resyncInterval", "1m", "59s", "6h"),
	"spec.changePollInterval":  goDuration("changePollInterval", "5s", "4s", "1m"),
	"spec.grantAhead":          goDuration("grantAhead", "0s", "", "24h"),
	"spec.notifications":       oneOf("Default", "Always", "Never"),
	"spec.users.type":          oneOf("Regular", "Managed").with(without("spec.users.logins")),
	"spec.users.create":        oneOf("WhenNeeded", "Always"),
	"spec.users.existing":      oneOf("Adopt", "Import"),
	"spec.users.onUnused":      oneOf("Retain", "Suspend", "Delete"),
	"spec.users.removedInKisi": oneOf("Respect", "Restore"),
	"spec.users.logins":        oneOf("None", "Secret"),
	"spec.users": refused(rule{
		keyword: "cel: " + loginsNeedManagedUsers, value: map[string]any{"logins": "Secret"},
		field: ".logins", says: loginsNeedManagedUsers,
	}),
	"spec.unlockMode":              oneOf("KisiApp", "PartnerApp"),
	"spec.revocationLimit.percent": between(0, 100),
	"spec.revocationLimit.minimum": between(0, 1000000),
	"spec.revocationLimit.window":  goDuration("window", "1s", "999ms", "1h"),
	"spec.disconnectPolicy":        oneOf("Retain", "Revoke"),
	"spec.webhook":                 optional,
	"spec.webhook.url": required.and(rules{
		good: []any{"https://h", "http://hooks.example.com:8080/a/b", "https://h/" + strings.Repeat("a", 1014)},
		bad: []rule{
			{keyword: "minLength", value: "http://", says: "at least 8 chars long"},
			{keyword: "maxLength", value: "https://h/" + strings.Repeat("a", 1015), says: "may not be more than 1024"},
			{keyword: "pattern", value: "https://key@hooks.example.com", says: "should match"},
			{keyword: "pattern", value: "ftp://hooks.example.com", says: "should match"},
		},
	}),
	"spec.webhook.signatureKeySecretRef":      required,
	"spec.webhook.signatureKeySecretRef.name": required.and(objectName),
	"spec.webhook.signatureKeySecretRef.key":  secretKey,

	"status.organization.id":            required.and(kisiID),
	"status.organization.name":          atMostChars(1024),
	"status.organization.domain":        atMostChars(1024),
	"status.account.userID":             required.and(kisiID),
	"status.account.role":               required.and(oneOf("Owner", "Other")),
	"status.api.overlappingAssignments": oneOf("Unknown", "Accepted", "Rejected"),
	"status.api.windowUpdate":           oneOf("Unknown", "Accepted", "Ignored"),
	"status.api.refusedTime":            statusTime("refusedTime"),
	"status.counts.groups":              count,
	"status.counts.members":             count,
	"status.counts.grants":              count,
	"status.counts.pendingGrants":       count,
	"status.counts.pendingRevocations":  count,
	"status.counts.heldRevocations":     count,
	"status.counts.foreignAssignments":  count,
	"status.lastSyncTime":               statusTime("lastSyncTime"),
}.status()

var kisiConnectionTransitions = []transition{
	{
		path: "spec.endpoint", keyword: "cel: " + endpointIsImmutable,
		to: map[string]any{"spec.endpoint": "https://api.kisi.io"},
	},
	{
		path: "spec.endpoint", keyword: "cel: " + endpointIsImmutable,
		to: map[string]any{"spec.endpoint": absent},
	},
}

var existing = map[string]any{"spec.managed": absent, "spec.existing": map[string]any{"id": int64(1)}}

var kisiGroupRules = table{
	"spec": required.and(refused(
		rule{keyword: "cel: " + exactlyOneKindOfGroup, value: map[string]any{}, says: exactlyOneKindOfGroup},
		rule{
			keyword: "cel: " + exactlyOneKindOfGroup, says: exactlyOneKindOfGroup,
			value: map[string]any{"existing": map[string]any{"id": int64(1)}, "managed": map[string]any{"name": "Premium"}},
		},
		rule{
			keyword: "cel: " + takeOverNeedsExclusive, field: ".atBinding", says: takeOverNeedsExclusive,
			value: map[string]any{"existing": map[string]any{"id": int64(1)}, "atBinding": "TakeOver"},
		},
	)),
	"spec.existing": rules{
		good: []any{map[string]any{"name": "Hot desk", "place": map[string]any{"id": int64(7)}}},
		bad: []rule{{
			keyword: "cel: " + placeNarrowsAName, field: ".place", says: placeNarrowsAName,
			value: map[string]any{"id": int64(1), "place": map[string]any{"id": int64(7)}},
		}},
	},
	"spec.managed.name":        required.and(kisiName),
	"spec.managed.description": atMostChars(500).and(rules{good: []any{"", "two\nlines"}}),
	"spec.managed.doors": atMostItems(250, func(i int) any { return map[string]any{"id": int64(i + 1)} }).
		and(rules{good: []any{[]any{}}}),
	"spec.managed.restrictions.geofence":      oneOf("Enabled", "Disabled"),
	"spec.managed.restrictions.reader":        oneOf("Enabled", "Disabled"),
	"spec.managed.restrictions.primaryDevice": oneOf("Enabled", "Disabled"),
	"spec.managed.restrictions.managedDevice": oneOf("Enabled", "Disabled"),
	"spec.managed.restrictions.tapToAccess":   oneOf("Enabled", "Disabled"),
	"spec.managed.appAccess":                  oneOf("Enabled", "Disabled"),
	"spec.managed.deletionPolicy":             oneOf("Delete", "Retain"),
	"spec.assignments":                        oneOf("Shared", "Exclusive").with(without("spec.atBinding")),
	"spec.atBinding":                          oneOf("Refuse", "TakeOver"),

	"status.kisiGroupID":      kisiID,
	"status.organizationID":   kisiID,
	"status.placeID":          kisiID,
	"status.counts.granted":   count,
	"status.counts.scheduled": count,
	"status.counts.pending":   count,
	"status.counts.held":      count,
	"status.counts.foreign":   count,
	"status.counts.unclaimed": count,
	"status.assignments":      oneOf("Shared", "Exclusive"),
	"status.claim":            atMostChars(253),
	"status.rebind":           atMostChars(253),
	"status.doors": atMostItems(250, func(i int) any {
		return map[string]any{"name": "Entrance", "id": int64(i + 1)}
	}),
	"status.doors[0].name":              required.and(kisiName),
	"status.doors[0].id":                required.and(kisiID),
	"status.appAccess":                  oneOf("Enabled", "Disabled"),
	"status.restrictions.geofence":      oneOf("Enabled", "Disabled"),
	"status.restrictions.reader":        oneOf("Enabled", "Disabled"),
	"status.restrictions.primaryDevice": oneOf("Enabled", "Disabled"),
	"status.restrictions.managedDevice": oneOf("Enabled", "Disabled"),
	"status.restrictions.tapToAccess":   oneOf("Enabled", "Disabled"),
	"status.revocations.windowStart":    required.and(statusTime("windowStart")),
	"status.revocations.base":           required.and(count),
	"status.revocations.spent":          required.and(count),
}.connectionReference().
	kisiReference("spec.existing", without("spec.managed")).
	kisiReference("spec.existing.place", map[string]any{"spec.managed": absent, "spec.existing": map[string]any{"name": "Hot desk"}}).
	kisiReference("spec.managed.place", nil).
	kisiReference("spec.managed.doors[0]", nil).
	status()

var kisiGroupTransitions = []transition{
	immutableConnection("KisiGroup"),
	{
		path: "spec", keyword: "cel: " + existingOrManagedForever,
		to: map[string]any{"spec.managed": absent, "spec.existing": map[string]any{"id": int64(1)}},
	},
	{
		path: "spec", keyword: "cel: " + existingOrManagedForever,
		from: existing, to: map[string]any{"spec.existing": absent, "spec.managed": map[string]any{"name": "Premium"}},
	},
	{
		path: "spec.existing", keyword: "cel: " + existingIsImmutable,
		from: existing, to: map[string]any{"spec.existing.id": int64(2)},
	},
	{
		path: "spec.existing", keyword: "cel: " + existingIsImmutable,
		from: existing, to: map[string]any{"spec.existing": map[string]any{"name": "Hot desk"}},
	},
	{
		path: "spec.managed", keyword: "cel: " + managedPlaceIsImmutable, field: "spec.managed.place",
		to: map[string]any{"spec.managed.place": map[string]any{"name": "Uptown"}},
	},
	{
		path: "spec.managed", keyword: "cel: " + managedPlaceIsImmutable, field: "spec.managed.place",
		to: map[string]any{"spec.managed.place": absent},
	},
	{
		path: "spec.managed", keyword: "cel: " + managedPlaceIsImmutable, field: "spec.managed.place",
		from: without("spec.managed.place"), to: map[string]any{"spec.managed.place": map[string]any{"id": int64(7)}},
	},
}

func immutableConnection(kind string) transition {
	return transition{
		path:    "spec.connectionRef",
		keyword: "cel: connectionRef is immutable: create another " + kind + " for another connection",
		to:      map[string]any{"spec.connectionRef.name": "branch"},
	}
}

var placeMappingRules = table{
	"spec":            required,
	"spec.kind":       required.and(placeKind),
	"spec.externalID": externalID,
	"spec.access": atMostItems(20, func(i int) any { return map[string]any{"audience": numbered("audience-")(i)} }).
		and(uniqueItems(map[string]any{"audience": "staff"})),
	"spec.access[0].audience":          audience,
	"spec.access[0].groupRefs":         groupRefs,
	"spec.access[0].groupRefs[0].name": required.and(objectName),
	"spec.bookings.groupRefs":          groupRefs,
	"spec.bookings.groupRefs[0].name":  required.and(objectName),
	"spec.bookings.leadTime":           goDuration("leadTime", "0s", "", "30m"),
	"spec.bookings.lagTime":            goDuration("lagTime", "0s", "", "30m"),
	"spec.bookings.nonMembers":         oneOf("Deny", "Allow"),
	"spec.bookings.changes":            oneOf("Immediate", "BeforeStart"),

	"status.kisiPlaceID":   kisiID,
	"status.kisiPlaceName": kisiName,
}.connectionReference().kisiReference("spec.kisiPlace", nil).status()

var placeMappingTransitions = []transition{immutableConnection("PlaceMapping")}

var accessPlanRules = table{
	"spec":                   required,
	"spec.externalID":        externalID,
	"spec.groupRefs":         groupRefs,
	"spec.groupRefs[0].name": required.and(objectName),
}.status()

var accessSubscriptionRules = table{
	"spec": required.and(refused(
		rule{keyword: "cel: " + somethingToHold, says: somethingToHold, value: map[string]any{"subject": map[string]any{"team": "acme"}}},
		rule{
			keyword: "cel: " + somethingToHold, says: somethingToHold,
			value: map[string]any{"subject": map[string]any{"team": "acme"}, "groupRefs": []any{}},
		},
		rule{
			keyword: "cel: " + audienceNeedsAPlace, field: ".audience", says: audienceNeedsAPlace,
			value: map[string]any{"subject": map[string]any{"team": "acme"}, "planRef": map[string]any{"name": "a"}, "audience": "staff"},
		},
	)),
	"spec.externalID":        externalID,
	"spec.audience":          audience,
	"spec.groupRefs":         groupRefs,
	"spec.groupRefs[0].name": required.and(objectName),
	"spec.subject": required.and(refused(
		rule{keyword: "cel: " + exactlyOneSubject, value: map[string]any{}, says: exactlyOneSubject},
		rule{keyword: "cel: " + exactlyOneSubject, value: map[string]any{"team": "acme", "email": "a@b.co"}, says: exactlyOneSubject},
		rule{
			keyword: "cel: " + fullNameNeedsAnEmail, value: map[string]any{"team": "acme", "fullName": "Ana"},
			field: ".fullName", says: fullNameNeedsAnEmail,
		},
	)),
	"spec.subject.team":     team.with(without("spec.subject")),
	"spec.subject.email":    email,
	"spec.subject.fullName": fullName,
	"spec.state":            oneOf("Pending", "Active", "Canceled"),
	"spec.dayPasses": rules{good: []any{
		map[string]any{"total": int64(10), "used": int64(11)},
		map[string]any{"total": int64(0)},
	}},
	"spec.dayPasses.total":     required.and(between(0, 1000000)),
	"spec.dayPasses.used":      between(0, 1000000),
	"spec.dayPasses.openUntil": specTime("openUntil", ""),

	"status.state": oneOf("Canceled", "Pending", "Ended", "Exhausted", "Scheduled", "Active"),
}.reference("spec.planRef", nil).
	placeReference("spec.placeRef", nil).
	reference("spec.subject.memberRef", without("spec.subject.email", "spec.subject.fullName")).
	period("spec", map[string]any{"subject": map[string]any{"team": "acme"}, "planRef": map[string]any{"name": "a"}}).
	people().status()

var bookingGrantRules = table{
	"spec": required.and(rules{
		good: []any{
			booked(map[string]any{"placeRef": map[string]any{"name": "a"}, "groupRefs": []any{}}),
		},
		bad: []rule{
			{keyword: "cel: " + exactlyOneBooked, value: booked(nil), says: exactlyOneBooked},
			{keyword: "cel: " + exactlyOneBooked, value: booked(map[string]any{"groupRefs": []any{}}), says: exactlyOneBooked},
			{
				keyword: "cel: " + exactlyOneBooked, says: exactlyOneBooked,
				value: booked(map[string]any{"placeRef": map[string]any{"name": "a"}, "groupRefs": []any{named(0)}}),
			},
			endsBeforeStart(lasting(booked(map[string]any{"placeRef": map[string]any{"name": "a"}}), "2026-12-01T12:00:00Z", "2026-12-01T12:00:00.9Z")),
			endsBeforeStart(lasting(booked(map[string]any{"placeRef": map[string]any{"name": "a"}}), "2026-12-01T12:00:00Z", "2026-12-01T11:00:00Z")),
		},
	}),
	"spec.externalID":         externalID,
	"spec.groupRefs":          groupRefs.with(without("spec.placeRef")),
	"spec.groupRefs[0].name":  required.and(objectName).with(without("spec.placeRef")),
	"spec.organizer":          required,
	"spec.organizer.email":    required.and(email),
	"spec.organizer.fullName": fullName,
	"spec.attendees": atMostItems(500, func(int) any { return map[string]any{"email": "gil@example.com"} }).
		and(rules{good: []any{[]any{}}}),
	"spec.attendees[0].email":    required.and(email),
	"spec.attendees[0].fullName": fullName,
	"spec.startTime":             required.and(bookingTime("startTime")).and(rules{good: []any{"1970-01-01T00:00:00Z"}}),
	"spec.endTime":               required.and(bookingTime("endTime")).and(rules{good: []any{"9998-12-31T23:59:59Z"}}),
	"spec.state":                 oneOf("Confirmed", "Canceled"),
	"spec.ttlSecondsAfterEnd":    between(-1, 3153600000),

	"status.state":        oneOf("Scheduled", "Active", "Ended", "Canceled"),
	"status.window.from":  statusTime("from"),
	"status.window.until": statusTime("until"),
	"status.groups":       atMostItems(100, numbered("group-")),
	"status.groups[0]":    objectName,

	"status.terms.placeRef":    required,
	"status.terms.leadSeconds": required.and(between(0, 31536000)),
	"status.terms.lagSeconds":  required.and(between(0, 31536000)),
	"status.terms.nonMembers":  required.and(oneOf("Deny", "Allow")),
}.placeReference("spec.placeRef", nil).placeReference("status.terms.placeRef", nil).people().status()

func booked(what map[string]any) map[string]any {
	spec := lasting(map[string]any{"organizer": map[string]any{"email": "a@b.co"}}, "2026-12-01T12:00:00Z", "2026-12-01T16:00:00Z")
	for field, value := range what {
		spec[field] = value
	}
	return spec
}

func bookingTime(field string) rules {
	message := field + " must be within the years 1970 to 9998, in UTC"
	return badTime.and(refused(
		rule{keyword: "cel: " + message, value: "1970-01-01T00:00:00+00:01", says: message},
		rule{keyword: "cel: " + message, value: "9998-12-31T23:59:59-00:01", says: message},
	))
}

var memberRules = table{
	"spec":            required,
	"spec.email":      required.and(email),
	"spec.fullName":   fullName,
	"spec.externalID": externalID,
	"spec.state":      oneOf("Active", "Pending", "Suspended"),
	"spec.teams":      atMostItems(50, numbered("team-")).and(uniqueItems("acme")),
	"spec.teams[0]":   team,
	"spec.places": atMostItems(200, func(int) any {
		return map[string]any{"placeRef": map[string]any{"name": "c42"}}
	}),
	"spec.places[0].placeRef":  required,
	"spec.places[0].audience":  audience,
	"spec.places[0].state":     oneOf("Active", "Pending"),
	"spec.groupRefs":           groupRefs,
	"spec.groupRefs[0].name":   required.and(objectName),
	"status.accounts":          atMostItems(100, account),
	"status.grants":            atMostItems(1000, grant),
	"status.planned":           atMostItems(20, planned),
	"status.plannedCount":      count,
	"status.grants[0].sources": atMostItems(20, numbered("BookingGrant/b")),

	"status.accounts[0].connection":     required.and(objectName),
	"status.accounts[0].organizationID": required.and(kisiID),
	"status.accounts[0].email":          email,
	"status.accounts[0].fullName":       fullName,
	"status.accounts[0].userID":         required.and(kisiID),
	"status.accounts[0].origin":         oneOf("Created", "Found"),
	"status.accounts[0].access":         oneOf("Enabled", "Suspending", "SuspendedByUs", "Deleting", "SuspendedInKisi", "RemovedInKisi"),
	"status.accounts[0].suspendedBy":    oneOf("Directory"),
	"status.accounts[0].emailMatches":   oneOf("Yes", "No"),
	"status.reinstated":                 atMostChars(64),
	"status.accounts[0].notified":       oneOf("Yes", "No"),

	"status.logins":                   atMostItems(100, login),
	"status.logins[0].connection":     required.and(objectName),
	"status.logins[0].organizationID": required.and(kisiID),
	"status.logins[0].userID":         required.and(kisiID),
	"status.logins[0].loginID":        kisiID,
	"status.logins[0].secretName":     required.and(objectName),

	"status.grants[0].group":                 required.and(objectName),
	"status.grants[0].connection":            required.and(objectName),
	"status.grants[0].organizationID":        required.and(kisiID),
	"status.grants[0].kisiGroupID":           required.and(kisiID),
	"status.grants[0].userID":                kisiID,
	"status.grants[0].requestedBy":           kisiID,
	"status.grants[0].abandonedBy":           atMostChars(300).and(refused(rule{keyword: "minLength", value: "", says: "at least 1 chars long"})),
	"status.grants[0].roleAssignmentID":      kisiID,
	"status.grants[0].validFrom":             statusTime("validFrom"),
	"status.grants[0].validUntil":            statusTime("validUntil"),
	"status.grants[0].changingTo.validFrom":  statusTime("validFrom"),
	"status.grants[0].changingTo.validUntil": statusTime("validUntil"),
	"status.grants[0].state": required.and(oneOf("Pending", "Scheduled", "Active", "Covered", "Queued", "Blocked",
		"Revoking", "Held", "Withheld", "Retained", "Ended")),
	"status.grants[0].sources[0]":  atMostChars(300),
	"status.grants[0].sourceCount": count,

	"status.planned[0].action":     required.and(oneOf("Grant", "Revoke", "Change")),
	"status.planned[0].group":      required.and(objectName),
	"status.planned[0].validFrom":  statusTime("validFrom"),
	"status.planned[0].validUntil": statusTime("validUntil"),
}.placeReference("spec.places[0].placeRef", nil).
	period("spec.places[0]", map[string]any{"placeRef": map[string]any{"name": "c42"}}).
	period("spec.groupRefs[0]", map[string]any{"name": "c42-staff"}).
	status()

func account(int) any {
	return map[string]any{"connection": "hq", "organizationID": int64(1), "userID": int64(1)}
}

func login(int) any {
	return map[string]any{"connection": "hq", "organizationID": int64(1), "userID": int64(1), "secretName": "ana-hq-kisi-login"}
}

func grant(int) any {
	return map[string]any{
		"group": "g", "connection": "hq", "organizationID": int64(1), "kisiGroupID": int64(1), "state": "Active",
	}
}

func planned(int) any { return map[string]any{"action": "Grant", "group": "g"} }

func atMostChars(length int) rules {
	return rules{good: []any{strings.Repeat("é", length)}, bad: []rule{
		{keyword: "maxLength", value: strings.Repeat("x", length+1), says: "may not be more than"},
	}}
}

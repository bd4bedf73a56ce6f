package kisi

import "time"

// EventSetStatus tells how far Kisi is with collecting the events of a set.
type EventSetStatus string

// The states of an event set.
const (
	EventSetInProgress EventSetStatus = "in_progress"
	EventSetFinished   EventSetStatus = "finished"
	EventSetFailed     EventSetStatus = "failed"
)

// EventSetCreate asks for the events of a time span (POST /event_sets; Kisi allows one such request a second).
type EventSetCreate struct {
	// From and Until bound the span, at most 90 days. Both zero: the last 90 days.
	From, Until time.Time
	Types       []string
	ActorID     *int64
	ObjectType  string
	ObjectID    *int64
	Success     *bool
}

// EventSet is one page of a collected set. Cursor is empty on the last page.
type EventSet struct {
	ID        int64          `json:"id"`
	Status    EventSetStatus `json:"status"`
	Interval  string         `json:"interval"`
	CreatedAt time.Time      `json:"created_at"`
	Events    Events         `json:"events"`
	Cursor    string         `json:"cursor"`
	// ServerTime is Kisi's own clock when it answered; zero if the answer had no Date header.
	ServerTime time.Time `json:"-"`
}

// IntegrationTypeEventWebhook is the only kind of integration the client can create.
const IntegrationTypeEventWebhook = "event_webhook"

// Integration is a connection of Kisi to something outside, an event webhook for one. Kisi switches a failing one off
// by itself and then sets DisabledDueToError.
type Integration struct {
	ID                   int64      `json:"id"`
	Name                 string     `json:"name"`
	Type                 string     `json:"type"`
	Enabled              bool       `json:"enabled"`
	DisabledDueToError   bool       `json:"disabled_due_to_error"`
	DisabledDueToErrorAt *time.Time `json:"disabled_due_to_error_at"`
	PlaceID              *int64     `json:"place_id"`
	CreatedAt            time.Time  `json:"created_at"`
	UpdatedAt            time.Time  `json:"updated_at"`
	// URL and EnabledEvents of an event webhook. What is known of the answer does not list them, so they may be absent.
	URL           string   `json:"url,omitempty"`
	EnabledEvents []string `json:"enabled_events,omitempty"`
}

// EventWebhookCreate is the body of POST /integrations. Name and URL are required.
type EventWebhookCreate struct {
	Name          string
	URL           string
	Enabled       *bool
	EnabledEvents []string
	// SignatureKey signs every delivery: X-Signature is the HMAC-SHA256 of the raw body under this key.
	SignatureKey Secret
}

// EventWebhookUpdate is the body of PATCH /integrations/{id}; nil fields stay as they are. The call is inferred from
// the event integration.update: no Kisi document describes it.
type EventWebhookUpdate struct {
	Name          *string
	URL           *string
	Enabled       *bool
	EnabledEvents []string
	SignatureKey  *Secret
}

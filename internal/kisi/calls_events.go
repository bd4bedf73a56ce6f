package kisi

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"strings"
	"time"
)

// CreateEventSet asks Kisi to collect events (POST /event_sets). Kisi keeps the set for about a day.
func (c *Client) CreateEventSet(ctx context.Context, create EventSetCreate) (*EventSet, error) {
	set := &EventSet{}
	call := request{op: "create event set", method: http.MethodPost, path: "/event_sets"}
	interval := ""
	if create.From.IsZero() != create.Until.IsZero() {
		return nil, call.refused(errors.New("an interval needs both its start and its end"))
	}
	if !create.From.IsZero() {
		interval = create.From.UTC().Format(time.RFC3339) + "/" + create.Until.UTC().Format(time.RFC3339)
	}
	call.body = rooted("event_set", struct {
		Interval   string `json:"interval,omitempty"`
		Types      string `json:"event_type,omitempty"`
		ActorID    *int64 `json:"event_actor_id,omitempty"`
		ObjectType string `json:"event_object_type,omitempty"`
		ObjectID   *int64 `json:"event_object_id,omitempty"`
		Success    *bool  `json:"event_success,omitempty"`
	}{interval, strings.Join(create.Types, ","), create.ActorID, create.ObjectType, create.ObjectID, create.Success})
	at, err := c.call(ctx, call, set)
	if err != nil {
		return nil, err
	}
	set.ServerTime = at
	return set, nil
}

// EventSet reads a page of a set (GET /event_sets/{id}); cursor is empty for the first. Without a limit (0) a page has 50
// events; what the largest limit is, Kisi does not say.
func (c *Client) EventSet(ctx context.Context, id int64, cursor string, limit int) (*EventSet, error) {
	set := &EventSet{}
	call := reading("read event set", "event_sets", id)
	call.query = newQuery().text("cursor", cursor).number("limit", int64(limit)).values
	at, err := c.call(ctx, call, set)
	if err != nil {
		return nil, err
	}
	set.ServerTime = at
	return set, nil
}

// ListIntegrations reads all integrations (GET /integrations).
func (c *Client) ListIntegrations(ctx context.Context) (Listing[Integration], error) {
	return listAll(ctx, c, "list integrations", "/integrations", newQuery(), 250, func(i *Integration) int64 { return i.ID }, nil)
}

// CreateEventWebhook makes Kisi send events to a URL (POST /integrations).
func (c *Client) CreateEventWebhook(ctx context.Context, create EventWebhookCreate) (*Integration, error) {
	integration := &Integration{}
	call := request{op: "create event webhook", method: http.MethodPost, path: "/integrations", secret: create.SignatureKey}
	call.body = rooted("integration", struct {
		Type          string   `json:"type"`
		Name          string   `json:"name"`
		URL           string   `json:"url"`
		Enabled       *bool    `json:"enabled,omitempty"`
		EnabledEvents []string `json:"enabled_events,omitempty"`
		SignatureKey  string   `json:"signature_key,omitempty"`
	}{IntegrationTypeEventWebhook, create.Name, create.URL, create.Enabled, create.EnabledEvents, create.SignatureKey.Reveal()})
	call.strays = func() string {
		return cmp.Or(otherMade("name", integration.Name, create.Name), otherMade("url", integration.URL, create.URL))
	}
	if _, err := c.call(ctx, call, integration); err != nil {
		return nil, err
	}
	return integration, nil
}

// UpdateEventWebhook changes an event webhook (PATCH /integrations/{id}; inferred, see EventWebhookUpdate).
func (c *Client) UpdateEventWebhook(ctx context.Context, id int64, update EventWebhookUpdate) error {
	var signatureKey *string
	var secret Secret
	if update.SignatureKey != nil {
		secret = *update.SignatureKey
		value := secret.Reveal()
		signatureKey = &value
	}
	call := changing("update event webhook", "integrations", id, rooted("integration", struct {
		Name          *string  `json:"name,omitempty"`
		URL           *string  `json:"url,omitempty"`
		Enabled       *bool    `json:"enabled,omitempty"`
		EnabledEvents []string `json:"enabled_events,omitempty"`
		SignatureKey  *string  `json:"signature_key,omitempty"`
	}{update.Name, update.URL, update.Enabled, update.EnabledEvents, signatureKey}))
	call.secret = secret
	return c.write(ctx, call)
}

// DeleteIntegration removes an integration (DELETE /integrations/{id}; inferred from the event integration.destroy).
func (c *Client) DeleteIntegration(ctx context.Context, id int64) error {
	return c.write(ctx, deleting("delete integration", "integrations", id))
}

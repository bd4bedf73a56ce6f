package simulator

import (
	"net/url"
	"time"
)

const typeEventWebhook = "event_webhook"

type integrationJSON struct {
	ID                 int                 `json:"id"`
	ResourceType       string              `json:"resource_type"`
	Name               string              `json:"name"`
	Type               string              `json:"type"`
	URL                string              `json:"url"`
	EnabledEvents      []string            `json:"enabled_events"`
	Enabled            bool                `json:"enabled"`
	DisabledDueToError bool                `json:"disabled_due_to_error"`
	DisabledAt         *instant            `json:"disabled_due_to_error_at"`
	CreatedAt          instant             `json:"created_at"`
	UpdatedAt          instant             `json:"updated_at"`
	OrganizationID     int                 `json:"organization_id"`
	Organization       refOrganizationJSON `json:"organization"`
	PlaceID            *int                `json:"place_id"`
}

// integrationJSON never shows the signature key.
func (s *Server) integrationJSON(i integration) integrationJSON {
	o, _ := s.organizations.get(i.OrganizationID)
	return integrationJSON{
		ID: i.ID, ResourceType: "Integration", Name: i.Name, Type: i.Type, URL: i.URL, EnabledEvents: i.EnabledEvents,
		Enabled: i.Enabled, DisabledDueToError: i.DisabledAt != nil, DisabledAt: secondsOf(i.DisabledAt),
		CreatedAt: seconds(i.CreatedAt), UpdatedAt: seconds(i.UpdatedAt), OrganizationID: o.ID, Organization: refOrganization(o),
	}
}

func listIntegrations(c *call) answer {
	s := c.s
	list := &lister[integration]{size: rowsPage, table: &s.integrations, ids: s.integrationsIn.live[c.org.ID],
		render: func(i integration) any { return s.integrationJSON(i) }}
	if refused := scopeList(c, list, "integrations_read", func(integration) target { return target{} }); refused != nil {
		return *refused
	}
	if c.query.Get("place_id") != "" || c.query.Get("group_id") != "" || c.query.Get("scope") == "place" {
		list.ids = nil // the simulator's webhooks belong to the organization
	}
	if text := c.query.Get("enabled"); text != "" {
		list.where(func(i integration) bool { return i.Enabled == (text == "true") })
	}
	list.whereIDs(c)
	list.whereText(c, func(i integration) []string { return []string{i.Name} })
	return list.answer(c)
}

func createIntegration(c *call) answer {
	f, refused := c.root("integration")
	if refused != nil {
		return *refused
	}
	if !c.may("integrations_write", target{}) {
		return forbidden()
	}
	f.required("name", "type", "url")
	i := integration{OrganizationID: c.org.ID, Type: f.text("type"), Enabled: true, EnabledEvents: []string{}}
	if i.Type != "" && i.Type != typeEventWebhook {
		f.fail("type", "is not simulated: only event_webhook is")
	}
	changeIntegration(f, &i)
	if refused := f.refusal(); refused != nil {
		return *refused
	}
	i = c.s.addIntegration(c.now, i)
	c.s.emitIntegration(c.now, c.actor(), "integration.create", i)
	return ok(c.s.integrationJSON(i))
}

func changeIntegration(f *fields, i *integration) {
	set(f, "name", &i.Name)
	set(f, "url", &i.URL)
	set(f, "signature_key", &i.SignatureKey)
	if f.has("enabled_events") {
		i.EnabledEvents = []string{}
		read(f, "enabled_events", &i.EnabledEvents)
	}
	if f.has("url") {
		if u, err := url.Parse(i.URL); err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
			f.fail("url", "is invalid")
		}
	}
	if f.has("enabled") {
		set(f, "enabled", &i.Enabled)
		if i.Enabled { // switching it on again forgives the errors
			i.DisabledAt, i.ConsecutiveFailures = nil, 0
		}
	}
}

// integrationFor finds the integration of the path. Reading, changing and
// deleting one by id is inferred: Kisi has events for all three.
func (c *call) integrationFor(permission string) (integration, *answer) {
	i, found := c.s.integrations.get(c.id())
	if !found || i.OrganizationID != c.org.ID {
		a := notFound()
		return i, &a
	}
	if !c.may(permission, target{}) {
		a := forbidden()
		return i, &a
	}
	return i, nil
}

func getIntegration(c *call) answer {
	i, refused := c.integrationFor("integrations_read")
	if refused != nil {
		return *refused
	}
	return ok(c.s.integrationJSON(i))
}

func updateIntegration(c *call) answer {
	f, refused := c.root("integration")
	if refused != nil {
		return *refused
	}
	i, refused := c.integrationFor("integrations_write")
	if refused != nil {
		return *refused
	}
	changeIntegration(f, &i)
	if refused := f.refusal(); refused != nil {
		return *refused
	}
	i.UpdatedAt = c.now
	c.s.integrations.put(c.now, i.ID, i)
	c.s.emitIntegration(c.now, c.actor(), "integration.update", i)
	return noContent()
}

func deleteIntegration(c *call) answer {
	i, refused := c.integrationFor("integrations_write")
	if refused != nil {
		return *refused
	}
	c.s.integrations.remove(c.now, i.ID)
	c.s.integrationsIn.remove(i.OrganizationID, i.ID)
	c.s.emitIntegration(c.now, c.actor(), "integration.destroy", i)
	return noContent()
}

func (s *Server) emitIntegration(now time.Time, by actor, kind string, i integration) {
	s.emit(event{kind: kind, actor: by, objectType: "Integration", objectID: i.ID, objectName: i.Name,
		object: map[string]any{"id": i.ID, "name": i.Name}, organizationID: i.OrganizationID, at: now})
}

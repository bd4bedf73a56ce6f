package simulator

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"slices"
	"sync"
	"time"
)

const (
	webhookTimeout = 5 * time.Second
	// reorderPatience is how long an event waits for another to change places
	// with, in real time.
	reorderPatience = 200 * time.Millisecond
	webhookPause    = 50 * time.Millisecond // between tries of one call
)

// Delivery is one webhook call that the simulator made.
type Delivery struct {
	IntegrationID int    `json:"integrationID"`
	URL           string `json:"url"`
	UUID          string `json:"uuid"`
	Type          string `json:"type"`
	Status        int    `json:"status,omitempty"` // 0: no answer
	Error         string `json:"error,omitempty"`
}

type webhookCall struct {
	integrationID int
	url           string
	event         eventJSON
	body          []byte
	signature     string
	duplicated    bool
	reordered     bool
	tries         int
}

// webhooks delivers events in the background, in order.
type webhooks struct {
	server *Server
	client *http.Client

	mu         sync.Mutex
	changed    *sync.Cond
	queue      []webhookCall
	busy       bool
	running    bool
	closed     bool
	deliveries []Delivery
}

func newWebhooks(s *Server, client *http.Client) *webhooks {
	if client == nil {
		client = &http.Client{Timeout: webhookTimeout}
	}
	w := &webhooks{server: s, client: client}
	w.changed = sync.NewCond(&w.mu)
	return w
}

// announce queues an event for the webhooks that want it. It runs under
// Server.mu.
func (w *webhooks) announce(e event) {
	s := w.server
	for _, i := range rowsOf(&s.integrations, s.integrationsIn.live[e.organizationID]) {
		if !i.Enabled || i.DisabledAt != nil || !slices.Contains(i.EnabledEvents, e.kind) {
			continue
		}
		shown := s.eventJSON(e)
		body, err := json.Marshal(webhookBody(shown))
		if err != nil {
			continue
		}
		call := webhookCall{
			integrationID: i.ID, url: i.URL, event: shown, body: body, tries: 1,
			signature:  sign(s.switches.WebhookSignature, i.SignatureKey, body),
			duplicated: s.switches.WebhookDelivery == WebhookDeliveryDuplicated,
			reordered:  s.switches.WebhookDelivery == WebhookDeliveryReordered,
		}
		if s.switches.WebhookRetry == WebhookRetryTwice {
			call.tries = 3
		}
		w.enqueue(call)
	}
}

// webhookBody is the shape of the sample in Kisi's guide, which is narrower
// than an event in an event set.
func webhookBody(e eventJSON) map[string]any {
	body := map[string]any{
		"uuid": e.UUID, "actor_type": e.ActorType, "actor_id": e.ActorID, "actor_name": e.ActorName,
		"object_type": e.ObjectType, "object_id": e.ObjectID, "object_name": e.ObjectName,
		"organization_id": e.OrganizationID, "place_id": e.PlaceID, "success": e.Success, "type": e.Type,
		"error_code": e.ErrorCode, "error_message": e.ErrorMessage, "created_at": e.CreatedAt,
	}
	if e.Object != nil {
		body["object"] = e.Object
	}
	return body
}

func sign(how WebhookSignature, key string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write(body)
	sum := mac.Sum(nil)
	switch how {
	case WebhookSignatureHex:
		return hex.EncodeToString(sum)
	case WebhookSignatureBase64:
		return base64.StdEncoding.EncodeToString(sum)
	case WebhookSignaturePrefixedBase64:
		return "sha256=" + base64.StdEncoding.EncodeToString(sum)
	}
	return "sha256=" + hex.EncodeToString(sum)
}

func (w *webhooks) enqueue(call webhookCall) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return
	}
	w.queue = append(w.queue, call)
	if !w.running {
		w.running = true
		go w.run()
	}
	w.changed.Broadcast()
}

func (w *webhooks) run() {
	for {
		batch, more := w.next()
		if !more {
			return
		}
		for _, call := range batch {
			w.deliver(call)
			if call.duplicated {
				w.deliver(call)
			}
		}
		w.mu.Lock()
		w.busy = false
		w.changed.Broadcast()
		w.mu.Unlock()
	}
}

// next waits for work: one call, or two in the wrong order.
func (w *webhooks) next() ([]webhookCall, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(w.queue) == 0 && !w.closed {
		w.changed.Wait()
	}
	if w.closed {
		w.running = false
		return nil, false
	}
	w.busy = true
	if w.queue[0].reordered && len(w.queue) < 2 {
		w.mu.Unlock()
		time.Sleep(reorderPatience)
		w.mu.Lock()
	}
	take := 1
	if w.queue[0].reordered {
		take = min(2, len(w.queue))
	}
	batch := slices.Clone(w.queue[:take])
	w.queue = w.queue[take:]
	slices.Reverse(batch)
	return batch, true
}

func (w *webhooks) deliver(call webhookCall) {
	for try := 1; ; try++ {
		status, err := w.post(call)
		good := err == nil && status >= 200 && status < 300
		d := Delivery{IntegrationID: call.integrationID, URL: call.url, UUID: call.event.UUID, Type: call.event.Type, Status: status}
		if err != nil {
			d.Error = err.Error()
		}
		w.mu.Lock()
		w.deliveries = append(w.deliveries, d)
		w.mu.Unlock()
		if good || try == call.tries {
			w.server.webhookAnswered(call.integrationID, good)
			return
		}
		time.Sleep(webhookPause)
	}
}

func (w *webhooks) post(call webhookCall) (int, error) {
	request, err := http.NewRequestWithContext(context.Background(), http.MethodPost, call.url, bytes.NewReader(call.body))
	if err != nil {
		return 0, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("X-Signature", call.signature)
	response, err := w.client.Do(request)
	if err != nil {
		return 0, err
	}
	_ = response.Body.Close()
	return response.StatusCode, nil
}

// webhookAnswered counts failures in a row and switches a webhook off that has
// too many; half-way there Kisi warns.
func (s *Server) webhookAnswered(integrationID int, good bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i, exists := s.integrations.get(integrationID)
	if !exists || i.DisabledAt != nil {
		return
	}
	if good {
		s.integrations.touch(i.ID, func(i *integration) { i.ConsecutiveFailures = 0 })
		return
	}
	i.ConsecutiveFailures++
	s.integrations.touch(i.ID, func(stored *integration) { stored.ConsecutiveFailures = i.ConsecutiveFailures })
	limit := map[WebhookDisableAfter]int{WebhookDisableAfterTen: 10, WebhookDisableAfterThree: 3}[s.switches.WebhookDisableAfter]
	now := s.clock.Now()
	switch {
	case limit == 0:
	case i.ConsecutiveFailures >= limit:
		i.Enabled, i.DisabledAt, i.UpdatedAt = false, &now, now
		s.integrations.put(now, i.ID, i)
		s.emitIntegration(now, actor{}, "integration.disable_due_to_error", i)
	case i.ConsecutiveFailures == (limit+1)/2:
		s.emitIntegration(now, actor{}, "integration.warn_due_to_error", i)
	}
}

func (w *webhooks) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	w.changed.Broadcast()
}

// Deliveries lists the webhook calls made so far, oldest first.
func (s *Server) Deliveries() []Delivery {
	s.webhooks.mu.Lock()
	defer s.webhooks.mu.Unlock()
	return append([]Delivery{}, s.webhooks.deliveries...)
}

// WaitForWebhooks returns when every event so far has been delivered, or given
// up, to every webhook that wants it.
func (s *Server) WaitForWebhooks(ctx context.Context) error {
	w := s.webhooks
	stop := context.AfterFunc(ctx, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.changed.Broadcast()
	})
	defer stop()
	w.mu.Lock()
	defer w.mu.Unlock()
	for (len(w.queue) > 0 || w.busy) && !w.closed {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		w.changed.Wait()
	}
	return nil
}

package connection

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/controller/enqueue"
	"github.com/kisi-operator/kisi-operator/internal/controller/internal/conditions"
	"github.com/kisi-operator/kisi-operator/internal/feed"
	"github.com/kisi-operator/kisi-operator/internal/kisi"
	"github.com/kisi-operator/kisi-operator/internal/lookup"
	"github.com/kisi-operator/kisi-operator/internal/session"
	"github.com/kisi-operator/kisi-operator/internal/tenant"
	"github.com/kisi-operator/kisi-operator/internal/webhook"
)

// hook is the event webhook of one connection in Kisi.
type hook struct {
	name string
	// mark, of which the name consists in part, is in the name of the connection's own webhook and in no other: the
	// connection's uid.
	mark string
	url  string
	key  kisi.Secret
}

// hookFound is what became of a hook.
type hookFound struct {
	id int64
	// reenabled says that Kisi had switched it off, because calls failed.
	reenabled bool
	// taken is another's webhook that has the URL; 0: none. Then there is no own one.
	taken int64
}

func hookOf(connection *v1alpha1.KisiConnection, url string, key kisi.Secret) hook {
	mark := string(connection.UID)
	return hook{name: fmt.Sprintf("kisi-operator %s/%s %s", connection.Namespace, connection.Name, mark), mark: mark, url: url, key: key}
}

// serveWebhook keeps the connection's webhook as spec.webhook says, and returns when to look again. Without it, and
// while it does not work, changes are found by polling, so it never touches Ready.
func (r *Reconciler) serveWebhook(ctx context.Context, connection *v1alpha1.KisiConnection) (time.Duration, error) {
	name := client.ObjectKeyFromObject(connection)
	s := tenant.UsableSession(r.Sessions, connection)
	wanted := connection.Spec.Webhook
	if wanted == nil {
		r.ignoreCalls(name)
		return r.removeHook(connection, s), nil
	}
	set := func(status metav1.ConditionStatus, reason, message string) {
		conditions.Set(&connection.Status.Conditions, connection.Generation, v1alpha1.ConditionWebhookReady, status, reason, message)
	}
	if r.Webhooks == nil {
		set(metav1.ConditionFalse, v1alpha1.ReasonNotServed, "the operator serves no webhook; start it with --webhook-bind-address; until then changes are found by polling")
		return 0, nil
	}
	key, problem, err := r.signatureKeys.read(ctx, r.Client, r.APIReader, connection, signatureKeys, secretKey(wanted.SignatureKeySecretRef))
	if err != nil {
		return 0, err
	}
	switch {
	case problem != nil:
		r.ignoreCalls(name)
		set(metav1.ConditionFalse, problem.Reason, problem.Message)
		return 0, nil
	case s == nil:
		r.hooks.DoubtTrouble(hookKey(connection))
		return 0, nil // what is known stands until the connection works again
	case connection.Spec.Mode == v1alpha1.ModeObserve:
		r.ignoreCalls(name)
		set(metav1.ConditionFalse, v1alpha1.ReasonObserving, "the webhook is not registered in Kisi while spec.mode is Observe; changes are found by polling")
		return 0, nil
	}
	r.Webhooks.Receive(name, webhook.Receiver{
		URL: wanted.URL, Key: key, OrganizationID: s.Verdict().Identity.OrganizationID, Deliver: s.Deliver,
	})
	found, answered, err := r.askForHook(s, connection, hookOf(connection, wanted.URL, key))
	switch {
	case !answered:
		if meta.FindStatusCondition(connection.Status.Conditions, v1alpha1.ConditionWebhookReady) == nil {
			set(metav1.ConditionFalse, v1alpha1.ReasonConnecting, "registering the webhook in Kisi")
		}
		return 0, nil
	case kisi.IsForbidden(err):
		set(metav1.ConditionFalse, v1alpha1.ReasonInsufficientRole, "the key's owner may not register webhooks in Kisi (403); changes are found by polling; give the owner the role of an administrator")
		return r.hooks.NextLook(hookKey(connection)), nil
	case err != nil:
		set(metav1.ConditionFalse, v1alpha1.ReasonConnecting, "the webhook could not be registered in Kisi; trying again; changes are found by polling")
		return r.hooks.NextLook(hookKey(connection)), nil //nolint:nilerr // the session has it; the status says it
	case found.taken != 0:
		set(metav1.ConditionFalse, v1alpha1.ReasonURLTaken, fmt.Sprintf(
			"spec.webhook.url: the integration %d in Kisi calls this URL and is not of this connection, so it is left alone; delete it in Kisi, or choose another path; changes are found by polling", found.taken))
		return r.hooks.NextLook(hookKey(connection)), nil
	case found.reenabled:
		set(metav1.ConditionTrue, v1alpha1.ReasonReenabled, "Kisi had disabled the webhook because its calls failed; it is enabled again; check that spec.webhook.url leads to the operator")
	default:
		set(metav1.ConditionTrue, v1alpha1.ReasonRegistered, "Kisi sends changes to the webhook")
	}
	return tenant.FreshFor(connection, s), nil
}

// askForHook has the webhook registered, or what differs corrected. Kisi does not show the key, so it is written whenever
// it may have changed: by a new session, and with a new key.
func (r *Reconciler) askForHook(s *session.Session, connection *v1alpha1.KisiConnection, h hook) (hookFound, bool, error) {
	q := lookup.Question[hookFound]{
		Key:     hookKey(connection),
		Version: fmt.Sprintf("%s %s %s %d", h.name, h.url, h.key.Fingerprint(), s.Number()),
		MaxAge:  tenant.FreshFor(connection, s),
		Still:   lookup.Unchanged(r.Client, connection),
		Wake:    func() { r.Enqueuers.Connections.Enqueue(enqueue.RequestFor(connection)) },
	}
	q.RetryMin, q.RetryMax = lookup.RetryRefused, q.MaxAge
	q.Trouble = func(found hookFound) bool { return found.taken != 0 }
	writeKey := !r.hooks.Succeeded(q.Key, q.Version)
	q.Read = func(ctx context.Context, client *kisi.Client) (hookFound, error) {
		return h.ensure(ctx, client, writeKey)
	}
	return r.hooks.Ask(s, kisi.Class{Priority: kisi.Change, Connection: s.Name().String()}, q)
}

func hookKey(connection *v1alpha1.KisiConnection) string {
	return "webhook/" + client.ObjectKeyFromObject(connection).String()
}

// ensure registers the webhook, or corrects the one that is there. It is found by its mark, so that no crash makes a second
// one. Another's of the same URL is neither written to nor followed by a second one: it may be an admin's, or that of another
// connection, which would take it back.
func (h hook) ensure(ctx context.Context, client *kisi.Client, writeKey bool) (hookFound, error) {
	own, listing, err := h.find(ctx, client)
	if err != nil {
		return hookFound{}, err
	}
	if taken := h.others(listing); len(own) == 0 && taken != 0 {
		return hookFound{taken: taken}, nil
	}
	if len(own) == 0 {
		made, err := client.CreateEventWebhook(ctx, kisi.EventWebhookCreate{
			Name: h.name, URL: h.url, Enabled: ptr.To(true), EnabledEvents: feed.EventTypes, SignatureKey: h.key,
		})
		if err != nil {
			return hookFound{}, err
		}
		return hookFound{id: made.ID}, nil
	}
	for _, superfluous := range own[1:] {
		if err := client.DeleteIntegration(ctx, superfluous.ID); err != nil && !kisi.IsNotFound(err) {
			return hookFound{}, err
		}
	}
	is := own[0]
	found := hookFound{id: is.ID, reenabled: is.DisabledDueToError}
	same := is.Name == h.name && is.URL == h.url && is.Enabled && !is.DisabledDueToError && sameEvents(is.EnabledEvents, feed.EventTypes)
	if same && !writeKey {
		return found, nil
	}
	return found, client.UpdateEventWebhook(ctx, is.ID, kisi.EventWebhookUpdate{
		Name: &h.name, URL: &h.url, Enabled: ptr.To(true), EnabledEvents: feed.EventTypes, SignatureKey: &h.key,
	})
}

// find lists the webhooks that bear this connection's mark, the oldest first, and all integrations. That there is none is
// believed of a complete list only.
func (h hook) find(ctx context.Context, client *kisi.Client) (own []kisi.Integration, listing kisi.Listing[kisi.Integration], err error) {
	listing, err = client.ListIntegrations(ctx)
	if err != nil {
		return nil, listing, err
	}
	for _, i := range listing.Items {
		if h.owns(i) {
			own = append(own, i)
		}
	}
	if len(own) == 0 && !listing.Complete() {
		return nil, listing, errors.New("looking for the webhook: " + listing.Incomplete)
	}
	slices.SortFunc(own, func(a, b kisi.Integration) int { return cmp.Compare(a.ID, b.ID) })
	return own, listing, nil
}

func (h hook) owns(i kisi.Integration) bool {
	return i.Type == kisi.IntegrationTypeEventWebhook && h.mark != "" && strings.Contains(i.Name, h.mark)
}

// others returns the first webhook of the URL that is not this connection's; 0 if Kisi shows none.
func (h hook) others(listing kisi.Listing[kisi.Integration]) (id int64) {
	for _, i := range listing.Items {
		if i.Type == kisi.IntegrationTypeEventWebhook && i.URL == h.url && !h.owns(i) && (id == 0 || i.ID < id) {
			id = i.ID
		}
	}
	return id
}

// remove deletes the connection's webhook.
func (h hook) remove(ctx context.Context, client *kisi.Client) (hookFound, error) {
	own, listing, err := h.find(ctx, client)
	if err == nil && !listing.Complete() {
		err = errors.New("not every webhook was listed") // one of this connection's may be left
	}
	for _, i := range own {
		if gone := client.DeleteIntegration(ctx, i.ID); gone != nil && !kisi.IsNotFound(gone) {
			err = errors.Join(err, gone)
		}
	}
	return hookFound{}, err
}

func sameEvents(a, b []string) bool {
	a, b = slices.Clone(a), slices.Clone(b)
	slices.Sort(a)
	slices.Sort(b)
	return slices.Equal(a, b)
}

// removeHook deletes the webhook of a connection that wants none, if it had one, and returns when to try again.
func (r *Reconciler) removeHook(connection *v1alpha1.KisiConnection, s *session.Session) time.Duration {
	if meta.FindStatusCondition(connection.Status.Conditions, v1alpha1.ConditionWebhookReady) == nil || s == nil {
		return 0
	}
	_, answered, err := r.askForRemoval(s, connection)
	switch {
	case !answered:
		return 0
	case err != nil && !kisi.IsForbidden(err):
		return r.hooks.NextLook(hookKey(connection))
	}
	meta.RemoveStatusCondition(&connection.Status.Conditions, v1alpha1.ConditionWebhookReady)
	return 0
}

func (r *Reconciler) askForRemoval(s *session.Session, connection *v1alpha1.KisiConnection) (hookFound, bool, error) {
	h := hookOf(connection, "", kisi.Secret{})
	return r.hooks.Ask(s, kisi.Class{Priority: kisi.Change, Connection: s.Name().String()}, lookup.Question[hookFound]{
		Key:     hookKey(connection),
		Version: fmt.Sprintf("no %s %d", h.name, s.Number()),
		MaxAge:  lookup.RetryRefused, RetryMin: lookup.RetryRefused, RetryMax: tenant.FreshFor(connection, s),
		Read:  h.remove,
		Still: lookup.Unchanged(r.Client, connection),
		Wake:  func() { r.Enqueuers.Connections.Enqueue(enqueue.RequestFor(connection)) },
	})
}

// hookPatience is how long a connection that is going, and has taken everything back, waits for its webhook to be removed.
const hookPatience = 5 * time.Second

// letHookGo removes the webhook of a connection that takes everything back before it goes, if that can be done now, and
// reports whether that is over. Under Retain no request is sent; Kisi switches a webhook that nobody answers off by itself,
// so it is no reason to stay either.
func (r *Reconciler) letHookGo(connection *v1alpha1.KisiConnection) (over bool) {
	r.ignoreCalls(client.ObjectKeyFromObject(connection))
	s := tenant.UsableSession(r.Sessions, connection)
	had := meta.IsStatusConditionTrue(connection.Status.Conditions, v1alpha1.ConditionWebhookReady)
	if s == nil || !had || !tenant.RevokesBeforeLeaving(connection) {
		return true
	}
	since, _ := r.hookWaits.LoadOrStore(client.ObjectKeyFromObject(connection), time.Now())
	if time.Since(since.(time.Time)) > hookPatience {
		return true
	}
	_, answered, _ := r.askForRemoval(s, connection)
	return answered
}

func (r *Reconciler) ignoreCalls(connection types.NamespacedName) {
	if r.Webhooks != nil {
		r.Webhooks.Ignore(connection)
	}
}

// doubtHook has the webhook looked at again, because Kisi has switched one off.
func (r *Reconciler) doubtHook(connection *v1alpha1.KisiConnection) {
	r.hooks.Doubt(hookKey(connection))
	r.Enqueuers.Connections.Enqueue(enqueue.RequestFor(connection))
}

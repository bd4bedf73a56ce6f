package health

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/cli/access"
	"github.com/kisi-operator/kisi-operator/internal/cli/objects"
)

// Severity says how bad a finding is.
type Severity string

const (
	// Fine needs nothing.
	Fine Severity = "OK"
	// Advice is worth doing, and keeps nobody out.
	Advice Severity = "Advice"
	// Broken keeps somebody out, or lets somebody in.
	Broken Severity = "Broken"
)

// Examination is what is right and wrong with the connections (`kubectl kisi doctor`).
type Examination struct {
	metav1.TypeMeta `json:",inline"`

	Namespace string      `json:"namespace"`
	Time      metav1.Time `json:"time"`
	Findings  []Finding   `json:"findings"`
	// Problems is how many more problems the status report tells, which are not of connections.
	Problems int `json:"problems,omitempty"`
}

// Finding is one thing that was looked at.
type Finding struct {
	// Object concerned, as Kind/name.
	Object string `json:"object"`
	// Check is what was looked at: Key, Role, Owner, Reads, Webhook, Groups, Limits, Logins, Restrictions, Clock.
	Check    string   `json:"check"`
	Severity Severity `json:"severity"`
	Text     string   `json:"text"`
	// WayOut says what to do.
	WayOut string `json:"wayOut,omitempty"`
}

// DeepCopyObject makes an examination printable by the printers of kubectl.
func (e *Examination) DeepCopyObject() runtime.Object { return access.Copy(e) }

// Worst is the worst of the findings.
func (e *Examination) Worst() Severity {
	worst := Fine
	for _, f := range e.Findings {
		if f.Severity == Broken || f.Severity == Advice && worst == Fine {
			worst = f.Severity
		}
	}
	return worst
}

// allowedSkew is how far a clock may be off without a door opening late.
const allowedSkew = 5 * time.Second

// Examine looks at the connections of a namespace, and what hangs on them. Server is the clock of the API server, zero if
// that is not known.
func Examine(in *objects.Indexed, now, server time.Time) *Examination {
	e := &Examination{
		TypeMeta:  metav1.TypeMeta{APIVersion: access.GroupVersion.String(), Kind: "DoctorReport"},
		Namespace: in.Namespace, Time: metav1.NewTime(now), Findings: []Finding{},
	}
	connections := slices.SortedFunc(slices.Values(in.Connections), objects.ByName)
	if len(connections) == 0 {
		e.add("namespace "+in.Namespace, "Key", Broken, "there is no KisiConnection here", "create one, or choose the namespace with -n")
	}
	for _, c := range connections {
		e.connection(c, now)
	}
	e.groups(in)
	e.people(in)
	if skew := server.Sub(now); !server.IsZero() && (skew > allowedSkew || skew < -allowedSkew) {
		e.add("this machine", "Clock", Advice, fmt.Sprintf("its clock and that of the Kubernetes API server are %s apart", max(skew, -skew).Round(time.Second)),
			"have both follow NTP; a wrong clock on the operator's node writes access to Kisi early or late")
	}
	for _, kind := range objects.Kinds {
		if err := in.Readable(kind); err != nil {
			e.add(kind, "Rights", Advice, err.Error(), "without it this examination is not complete")
		}
	}
	for _, p := range Status(in, now).Problems {
		told := func(f Finding) bool { return f.Object == p.Object }
		if p.Reason != v1alpha1.ReasonConnectionNotReady && !slices.ContainsFunc(e.Findings, told) {
			e.Problems++
		}
	}
	return e
}

func (e *Examination) add(object, check string, severity Severity, text, wayOut string) {
	e.Findings = append(e.Findings, Finding{object, check, severity, text, wayOut})
}

// ways out of what a condition says; the message says the rest.
var ways = map[string]string{
	v1alpha1.ReasonUnauthorized:                   "make a new API key in Kisi (as the organization's owner: My account, API) and put it into the Secret; the operator takes it at once",
	v1alpha1.ReasonSecretNotFound:                 "create the Secret that spec.apiKeySecretRef names",
	v1alpha1.ReasonSecretKeyMissing:               "put the API key into the Secret under the key that spec.apiKeySecretRef names",
	v1alpha1.ReasonInsufficientRole:               "give the key's owner the role of an organization administrator in Kisi, or use the key of somebody who has it",
	v1alpha1.ReasonOrganizationMismatch:           "use a key of the organization in status.organization, or make another KisiConnection for the other one",
	v1alpha1.ReasonEndpointNotAllowed:             "start the operator with --allowed-endpoint for spec.endpoint",
	v1alpha1.ReasonUnreachable:                    "see whether the operator may reach spec.endpoint (egress, proxy), whether Kisi is up (status.kisi.io), and whether something else uses up the key owner's requests (429)",
	v1alpha1.ReasonPaused:                         "set spec.mode to Enforce to go on",
	v1alpha1.ReasonKeyOwnerIsNotOrganizationOwner: "use the owner's key: it keeps working when roles change, and sees every door",
	v1alpha1.ReasonWithoutAuditTrail:              "let the key's owner read events in Kisi, so that changes made there are noticed within a minute",
	v1alpha1.ReasonGroupTooLarge:                  "nothing: the group is read person by person, which takes longer",
	v1alpha1.ReasonReadFailed:                     "see whether Kisi is up; nothing is taken from anybody as long as reads fail",
	v1alpha1.ReasonFirstReadRunning:               "wait: everything in Kisi is read once before anything is taken from anybody",
	v1alpha1.ReasonURLTaken:                       "give each connection a webhook URL of its own",
	v1alpha1.ReasonNotServed:                      "start the operator with --webhook-bind-address",
	v1alpha1.ReasonAmbiguousName:                  "name the group or place by its id",
	v1alpha1.ReasonGroupNotExclusive:              "ask for the assignments that are in the group (Members), or set atBinding: TakeOver to have them removed",
	v1alpha1.ReasonGroupAlreadyBound:              "let one KisiGroup stand for a group in Kisi",
	v1alpha1.ReasonKisiLimitReached:               "a limit of the plan or of seats in Kisi is reached: remove users or API logins that nobody needs, or order more",
	v1alpha1.ReasonRefusedByKisi:                  "correct what Kisi refuses, such as an address",
	v1alpha1.ReasonLoginRefused:                   "Kisi makes no more logins for these people: remove API logins that nobody uses (in Kisi: the user, Logins), or set users.logins to None",
	v1alpha1.ReasonLoginsForbidden:                "give the operator the role that may write Secrets, or set users.logins to None",
	v1alpha1.ReasonSecretNameTaken:                "delete or rename the Secret that has the name of the login's",
	v1alpha1.ReasonSecretsForbidden:               "give the operator the role that may put a finalizer on the Secret",
	v1alpha1.ReasonForeignAssignments:             "remove the other assignments in Kisi, or set deletionPolicy to Retain",
	v1alpha1.ReasonNotChecked:                     "put right what comes before it",
}

// wayOut says what to do about a reason; most messages say it already.
func wayOut(reason, object string) string {
	return cmp.Or(ways[reason], "do what the message says; kubectl describe "+strings.ToLower(strings.Replace(object, "/", " ", 1))+" says more")
}

// checks are the conditions of a connection, and what each is about.
var checks = []struct {
	condition, check string
	advice           bool
}{
	{v1alpha1.ConditionAuthenticated, "Key", false},
	{v1alpha1.ConditionAuthorized, "Role", false},
	{v1alpha1.ConditionOwnerKey, "Owner", true},
	{v1alpha1.ConditionSynced, "Reads", false},
	{v1alpha1.ConditionWebhookReady, "Webhook", true},
	{v1alpha1.ConditionUsersImported, "Import", true},
	{v1alpha1.ConditionKeyProtected, "Key", true},
}

func (e *Examination) connection(c *v1alpha1.KisiConnection, now time.Time) {
	name := objects.Name(c)
	ready := meta.FindStatusCondition(c.Status.Conditions, v1alpha1.ConditionReady)
	if ready == nil {
		e.add(name, "Operator", Broken, "the operator has not looked at it", "see whether the operator runs, and whether --namespaces has "+c.Namespace)
		return
	}
	told := false
	for _, check := range checks {
		condition := meta.FindStatusCondition(c.Status.Conditions, check.condition)
		if condition == nil {
			continue
		}
		switch {
		case condition.Status == metav1.ConditionFalse && condition.Reason == v1alpha1.ReasonFirstReadRunning,
			condition.Status == metav1.ConditionTrue && condition.Reason == v1alpha1.ReasonWithoutAuditTrail,
			condition.Status == metav1.ConditionFalse && check.advice:
			e.add(name, check.check, Advice, cmp.Or(condition.Message, condition.Reason), wayOut(condition.Reason, name))
		case condition.Status == metav1.ConditionFalse:
			told = told || condition.Reason == ready.Reason
			e.add(name, check.check, Broken, cmp.Or(condition.Message, condition.Reason), wayOut(condition.Reason, name))
		case condition.Status == metav1.ConditionTrue:
			e.add(name, check.check, Fine, cmp.Or(condition.Message, condition.Reason), "")
		}
	}
	if ready.Status == metav1.ConditionFalse && !told {
		e.add(name, "Connection", Broken, ready.Message, wayOut(ready.Reason, name))
	}
	if last, interval := c.Status.LastSyncTime, c.Spec.ResyncInterval; last != nil && interval != nil && now.Sub(last.Time) > 2*interval.Duration {
		e.add(name, "Reads", Advice, fmt.Sprintf("the last complete read was %s ago, and spec.resyncInterval is %s", now.Sub(last.Time).Round(time.Minute), interval.Duration),
			"see the condition Synced, and the operator's log")
	}
	e.behaviour(c)
}

// behaviour tells what was learned of this Kisi that costs people something.
func (e *Examination) behaviour(c *v1alpha1.KisiConnection) {
	name := objects.Name(c)
	if api := c.Status.API; api != nil && api.OverlappingAssignments == v1alpha1.OverlapRejected && api.WindowUpdate == v1alpha1.WindowUpdateIgnored {
		e.add(name, "Limits", Advice, "this Kisi takes no second assignment of a person in a group, and changes no window in place",
			"nothing: a changed booking is taken back and given again in one step, which shuts the door for a moment")
	}
	if counts := c.Status.Counts; counts != nil && c.Spec.RequestsPerSecond > 0 {
		if waiting := counts.PendingGrants + counts.PendingRevocations; waiting > 60*c.Spec.RequestsPerSecond {
			e.add(name, "Throttling", Advice, fmt.Sprintf("%d changes wait, more than a minute of requests at spec.requestsPerSecond %d", waiting, c.Spec.RequestsPerSecond),
				"ask Kisi for a higher rate and raise spec.requestsPerSecond, or wait; doors that are open now come first")
		}
	}
}

// groups tells of groups that are not bound, and of restrictions in the way.
func (e *Examination) groups(in *objects.Indexed) {
	for _, g := range slices.SortedFunc(slices.Values(in.Groups), objects.ByName) {
		ready := meta.FindStatusCondition(g.Status.Conditions, v1alpha1.ConditionReady)
		if ready != nil && ready.Status == metav1.ConditionFalse && ready.Reason != v1alpha1.ReasonConnectionNotReady && ready.Reason != v1alpha1.ReasonPaused {
			e.add(objects.Name(g), "Groups", Broken, ready.Message, wayOut(ready.Reason, objects.Name(g)))
		}
		if compatible := meta.FindStatusCondition(g.Status.Conditions, v1alpha1.ConditionPartnerAppCompatible); compatible != nil && compatible.Status == metav1.ConditionFalse {
			e.add(objects.Name(g), "Restrictions", Advice, compatible.Message, "switch the restriction off in Kisi, or with spec.managed.restrictions, or have people use Kisi's own app")
		}
		if g.Status.AppAccess == v1alpha1.AppAccessDisabled {
			e.add(objects.Name(g), "Restrictions", Advice, "the group lets no app unlock (login_enabled is off in Kisi): cards and codes only", "set spec.managed.appAccess to Enabled, or switch it on in Kisi")
		}
		if counts := g.Status.Counts; counts != nil && counts.Unclaimed > 0 {
			e.add(objects.Name(g), "Ledger", Advice, fmt.Sprintf("%d assignments were made with this key and no ledger has them", counts.Unclaimed),
				"if the cluster was restored, annotate the KisiGroup with "+v1alpha1.ClaimAnnotation+"=<new value>; else remove them in Kisi")
		}
	}
}

// people counts whom Kisi refuses something.
func (e *Examination) people(in *objects.Indexed) {
	count, example := map[string]int{}, map[string]string{}
	note := func(condition *metav1.Condition, reasons ...string) {
		if condition != nil && condition.Status == metav1.ConditionFalse && slices.Contains(reasons, condition.Reason) {
			count[condition.Reason]++
			if known := example[condition.Reason]; known == "" || condition.Message < known {
				example[condition.Reason] = condition.Message
			}
		}
	}
	for _, m := range in.Set.Members {
		conditions := m.Status.Conditions
		note(meta.FindStatusCondition(conditions, v1alpha1.ConditionReady), v1alpha1.ReasonKisiLimitReached, v1alpha1.ReasonRefusedByKisi, v1alpha1.ReasonInsufficientRole)
		note(meta.FindStatusCondition(conditions, v1alpha1.ConditionLoginReady), v1alpha1.ReasonLoginRefused, v1alpha1.ReasonLoginsForbidden, v1alpha1.ReasonSecretNameTaken)
	}
	for _, reason := range slices.Sorted(maps.Keys(count)) {
		check := "Limits"
		if strings.HasPrefix(reason, "Login") || strings.HasPrefix(reason, "Secret") {
			check = "Logins"
		}
		e.add(fmt.Sprintf("%d Members", count[reason]), check, Broken, example[reason]+" ("+reason+")", wayOut(reason, "members"))
	}
}

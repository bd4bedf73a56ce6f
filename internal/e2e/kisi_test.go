package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/kisi-operator/kisi-operator/internal/kisi/openapi"
	"github.com/kisi-operator/kisi-operator/internal/kisi/simulator"
)

// simulatedKisi is a simulator behind a front that validates every request and every answer against Kisi's published
// API document, and sees to it that a key travels nowhere but in the Authorization header. What deviates fails the spec.
type simulatedKisi struct {
	*simulator.Server
	front *httptest.Server
	// misbehaving: a fault or a switch makes the answers deviate on purpose. Requests are checked all the same.
	misbehaving atomic.Bool
	retires     atomic.Bool // every answer says that the call is going to go
	// rounding, if set, is what the ends of new assignments are rounded down to.
	rounding atomic.Int64
	// mortal, if set, is the process whose requests may be its last.
	mortal atomic.Pointer[mortal]

	mu         sync.Mutex
	deviations []string
	issued     []string // secrets of the logins that were made
	served     func()   // after every request
}

// newKisi starts a simulated Kisi with the organization. Switches are written name=value.
func newKisi(switches ...string) *simulatedKisi {
	GinkgoHelper()
	return newKisiWith(simulator.Options{RequestsPerSecond: -1}, switches...)
}

func newKisiWith(options simulator.Options, switches ...string) *simulatedKisi {
	GinkgoHelper()
	return newKisiFrom(organization, options, switches...)
}

// newKisiFrom starts a simulated Kisi with the organizations of a seed.
func newKisiFrom(seed string, options simulator.Options, switches ...string) *simulatedKisi {
	GinkgoHelper()
	k := &simulatedKisi{}
	options.Switches = map[string]string{}
	for _, s := range append(behaviourOfTheRun(), switches...) {
		name, value, _ := strings.Cut(s, "=")
		options.Switches[name] = value
		k.deviatesBy(name)
	}
	var err error
	k.Server, err = simulator.New(options)
	Expect(err).NotTo(HaveOccurred())
	Expect(k.LoadSeed([]byte(seed))).To(Succeed())
	k.front = httptest.NewServer(k)
	DeferCleanup(func() {
		k.Close()
		k.mu.Lock()
		defer k.mu.Unlock()
		Expect(k.deviations).To(BeEmpty(), "what passed between operator and Kisi is not as Kisi's API document says")
	})
	return k
}

// behaviourOfTheRun are the switches that hold for every spec that does not set them itself: name=value, separated by
// commas, in the environment variable KISI_BEHAVIOUR. So the whole suite runs against another kind of Kisi.
func behaviourOfTheRun() []string {
	return strings.FieldsFunc(os.Getenv("KISI_BEHAVIOUR"), func(r rune) bool { return r == ',' })
}

// refusesOverlaps reports whether this Kisi refuses a second row of a person in a group.
func (k *simulatedKisi) refusesOverlaps() bool {
	switch k.Switches().Duplicates {
	case simulator.DuplicatesAlwaysConflict, simulator.DuplicatesInvalid:
		return true
	}
	return false
}

// changesWindows reports whether this Kisi changes the window of a row in place.
func (k *simulatedKisi) changesWindows() bool {
	return k.Switches().WindowUpdate == simulator.WindowUpdateAccepted
}

// watch has a look at this Kisi taken after every request, until the returned function is called.
func (k *simulatedKisi) watch(look func()) (end func()) {
	set := func(look func()) {
		k.mu.Lock()
		defer k.mu.Unlock()
		k.served = look
	}
	set(look)
	return func() { set(nil) }
}

func (k *simulatedKisi) afterRequest() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.served != nil {
		k.served()
	}
}

// URL is where this Kisi answers.
func (k *simulatedKisi) URL() string { return k.front.URL }

// Close ends this Kisi; connections to it are refused from then on.
func (k *simulatedKisi) Close() {
	k.front.CloseClientConnections()
	k.front.Close()
	_ = k.Server.Close()
}

// AddFault makes requests go wrong.
func (k *simulatedKisi) AddFault(fault simulator.Fault) (int, error) {
	switch fault.Kind {
	case simulator.FaultGarbage, simulator.FaultNoRange, simulator.FaultRedirect:
		k.misbehaving.Store(true)
	}
	if fault.Body != "" {
		k.misbehaving.Store(true)
	}
	return k.Server.AddFault(fault)
}

// SetSwitch changes how Kisi behaves.
func (k *simulatedKisi) SetSwitch(name, value string) error {
	k.deviatesBy(name)
	return k.Server.SetSwitch(name, value)
}

// deviatesBy notes the switches whose other values are not in the API document.
func (k *simulatedKisi) deviatesBy(name string) {
	switch name {
	case "errorBody", "rangeHeader", "emptyRange", "limitAboveMax", "offsetAboveMax":
		k.misbehaving.Store(true)
	}
}

func (k *simulatedKisi) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the client is gone
	}
	k.checkRequest(r, body)
	body = k.round(r, body)
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	if m := k.mortal.Load(); m != nil && m.sent(r) {
		m.serve(k.Server, w, r)
		return
	}
	if k.retires.Load() {
		w.Header().Set("Deprecation", "@1790000000")
	}
	answer := &recordedAnswer{ResponseWriter: w, status: http.StatusOK}
	defer k.afterRequest()
	k.Server.ServeHTTP(answer, r) // panics where the connection is to be dropped: then there is no answer to check
	if r.Method == http.MethodPost && r.URL.Path == "/logins" {
		k.noteLogin(answer.body.Bytes())
	}
	if !k.misbehaving.Load() {
		k.note(openapi.ValidateResponse(r, answer.status, answer.Header(), answer.body.Bytes()))
	}
}

// round rounds the end of an assignment that is about to be made, as a Kisi might that keeps no seconds.
func (k *simulatedKisi) round(r *http.Request, body []byte) []byte {
	unit := time.Duration(k.rounding.Load())
	if unit == 0 || r.Method != http.MethodPost || r.URL.Path != "/role_assignments" {
		return body
	}
	var asked map[string]map[string]any
	Expect(json.Unmarshal(body, &asked)).To(Succeed())
	if until, bounded := asked["role_assignment"]["valid_until"].(string); bounded {
		end, err := time.Parse(time.RFC3339, until)
		Expect(err).NotTo(HaveOccurred())
		asked["role_assignment"]["valid_until"] = end.Truncate(unit)
	}
	rounded, err := json.Marshal(asked)
	Expect(err).NotTo(HaveOccurred())
	return rounded
}

func (k *simulatedKisi) checkRequest(r *http.Request, body []byte) {
	k.note(openapi.ValidateRequest(r, body))
	_, key, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	others := r.Header.Clone()
	others.Del("Authorization")
	if key != "" && strings.Contains(fmt.Sprint(r.URL, others, string(body)), key) {
		k.note(fmt.Errorf("%s %s carries its key outside the Authorization header", r.Method, r.URL.Path))
	}
}

func (k *simulatedKisi) note(deviation error) {
	if deviation == nil {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.deviations = append(k.deviations, deviation.Error())
}

// recordedAnswer keeps a copy of what is answered.
type recordedAnswer struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

func (a *recordedAnswer) WriteHeader(status int) {
	a.status = status
	a.ResponseWriter.WriteHeader(status)
}

func (a *recordedAnswer) Write(content []byte) (int, error) {
	a.body.Write(content)
	return a.ResponseWriter.Write(content)
}

// act does something in Kisi's dashboard, by hand of an administrator.
func (k *simulatedKisi) act(action simulator.Action) int {
	GinkgoHelper()
	id, err := k.Act(action)
	Expect(err).NotTo(HaveOccurred())
	return id
}

// fault makes requests go wrong from now on, and returns what ends it.
func (k *simulatedKisi) fault(fault simulator.Fault) (end func()) {
	GinkgoHelper()
	id, err := k.AddFault(fault)
	Expect(err).NotTo(HaveOccurred())
	return func() { k.RemoveFault(id) }
}

// as makes a call of Kisi's API as a person of the organization who is signed in to the dashboard.
func (k *simulatedKisi) as(email, method, path string, body any) {
	GinkgoHelper()
	k.asIn("acme", email, method, path, body)
}

// asIn is as, in another organization. It returns the id of what was made, if any.
func (k *simulatedKisi) asIn(domain, email, method, path string, body any) int {
	GinkgoHelper()
	status, answer, err := k.CallAs(domain, email, method, path, body)
	Expect(err).NotTo(HaveOccurred())
	Expect(status).To(BeNumerically("<", 300), "%s %s: %s", method, path, answer)
	var made struct{ ID int }
	if status == http.StatusOK {
		Expect(json.Unmarshal(answer, &made)).To(Succeed())
	}
	return made.ID
}

// noteLogin remembers the secret in the answer to POST /logins.
func (k *simulatedKisi) noteLogin(answer []byte) {
	var login struct{ Secret string }
	if json.Unmarshal(answer, &login) == nil && login.Secret != "" {
		k.mu.Lock()
		defer k.mu.Unlock()
		k.issued = append(k.issued, login.Secret)
	}
}

// issuedSecrets are those of the logins that were made, which may stand in Secrets only.
func (k *simulatedKisi) issuedSecrets() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.issued)
}

// noticed returns what deviated so far, and forgets it.
func (k *simulatedKisi) noticed() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	noticed := k.deviations
	k.deviations = nil
	return noticed
}

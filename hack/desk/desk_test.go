package desk_test

import (
	"bufio"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // the same times on every machine

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/cli/command"
	"github.com/kisi-operator/kisi-operator/internal/testing/controlplane"
	"github.com/kisi-operator/kisi-operator/internal/testing/deployment"
)

const (
	root      = "../.."
	namespace = "cowork"
)

// afternoon is when the recorded objects are looked at.
var afternoon = time.Date(2026, 11, 27, 16, 5, 0, 0, time.UTC)

// cluster is an API server in memory with the objects with which the commands are tested, as they are and as they stand.
type cluster struct {
	plane  *controlplane.ControlPlane
	client client.Client
}

func startCluster(t *testing.T) *cluster {
	t.Helper()
	chromium(t) // else it is not needed
	programs, err := filepath.Abs(filepath.Join(root, "bin", "desk"))
	if err != nil {
		t.Fatal(err)
	}
	if err := deployment.Build(t.Context(), filepath.Join(root, "internal", "simulation"), programs, "./cmd/memory-apiserver"); err != nil {
		t.Fatal(err)
	}
	plane, err := controlplane.Start(t.Context(), controlplane.Options{MemoryAPIServer: filepath.Join(programs, "memory-apiserver"), CRDs: []string{filepath.Join(root, "config", "crd", "bases")}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := plane.Stop(); err != nil {
			t.Error(err)
		}
	})
	utilruntime.Must(v1alpha1.AddToScheme(clientgoscheme.Scheme))
	c := &cluster{plane: plane}
	if c.client, err = client.New(plane.AdminConfig(), client.Options{Scheme: clientgoscheme.Scheme}); err != nil {
		t.Fatal(err)
	}
	if err := c.client.Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}); err != nil {
		t.Fatal(err)
	}
	for _, object := range recorded(t) {
		c.put(t, object)
	}
	return c
}

// recorded reads the objects.
func recorded(t *testing.T) []*unstructured.Unstructured {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, "internal/cli/command/testdata/cowork/*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("there are no objects: %v", err)
	}
	var all []*unstructured.Unstructured
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for document := range strings.SplitSeq(string(content), "\n---\n") {
			object := &unstructured.Unstructured{}
			if err := yaml.Unmarshal([]byte(document), &object.Object); err != nil {
				t.Fatal(err)
			}
			all = append(all, object)
		}
	}
	return all
}

// put creates an object with its status.
func (c *cluster) put(t *testing.T, object *unstructured.Unstructured) {
	t.Helper()
	status, has := object.Object["status"]
	object.SetNamespace(namespace)
	if err := c.client.Create(t.Context(), object); err != nil {
		t.Fatal(err)
	}
	if !has {
		return
	}
	object.Object["status"] = status
	if err := c.client.Status().Update(t.Context(), object); err != nil {
		t.Fatal(err)
	}
}

// serve runs kubectl kisi desk in London, on the afternoon, and returns the address that it prints. End ends it.
func (c *cluster) serve(t *testing.T) (address string, end func()) {
	t.Helper()
	content, err := c.plane.AdminKubeconfig()
	if err != nil {
		t.Fatal(err)
	}
	kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(kubeconfig, content, 0o600); err != nil {
		t.Fatal(err)
	}
	started := time.Now()
	said, out := io.Pipe()
	desk := command.New(command.Settings{
		IOStreams: genericiooptions.IOStreams{In: strings.NewReader(""), Out: out, ErrOut: os.Stderr},
		Now:       func() time.Time { return afternoon.Add(time.Since(started)) }, Zone: london(t),
	})
	desk.SetArgs([]string{"desk", "--kubeconfig", kubeconfig, "-n", namespace})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := desk.ExecuteContext(ctx); err != nil {
			t.Error(err)
		}
		_ = out.Close()
	}()
	end = func() { cancel(); <-ended }
	t.Cleanup(end)
	lines := bufio.NewScanner(said)
	for lines.Scan() {
		if line := strings.TrimSpace(lines.Text()); strings.HasPrefix(line, "http://") {
			go func() { _, _ = io.Copy(io.Discard, said) }()
			return line, end
		}
	}
	t.Fatal("the desk does not say where it is")
	return "", nil
}

func london(t *testing.T) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Europe/London")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// origin is an address without the token.
func origin(address string) string {
	before, _, _ := strings.Cut(address, "/?token=")
	return before
}

// illustrates are the pages of which docs/desk.md has pictures.
var illustrates = map[string]bool{"arrivals": true, "person": true}

func TestTheDeskInABrowser(t *testing.T) {
	c := startCluster(t)
	address, end := c.serve(t)
	b := browse(t)
	b.open(address)
	if location := ask[string](b, "location.href"); strings.Contains(location, "token") {
		t.Errorf("the token stays in the address bar: %s", location)
	}
	for name, path := range map[string]string{
		"arrivals": "/", "tomorrow": "/?day=2026-12-01", "trouble": "/trouble", "held": "/held", "approve": "/held/members",
		"person": "/people/ana@example.com", "withheld": "/people/cy@acme.example", "door": "/doors/Studio", "group": "/doors/members", "search": "/search?q=a", "wrong": "/doors/roof",
	} {
		for _, scheme := range []string{"light", "dark"} {
			for screen, width := range map[string]int64{"": 1280, "-phone": 390} {
				b.look(width, 900, scheme)
				b.open(origin(address) + path)
				if name == "wrong" {
					b.forget() // Chromium logs a page that is answered with 404
				}
				said := name + screen + "-" + scheme
				b.accessible(said)
				b.fits(said)
				b.keep(screens, said)
				if illustrates[name] && screen == "" && os.Getenv("KISI_OPERATOR_UPDATE_PICTURES") != "" {
					b.keep(pictures, "desk-"+said)
				}
			}
		}
	}
	b.look(1280, 900, "light")
	b.part(t, "a change is shown within two seconds", func() { liveChange(b, c, origin(address)) })
	b.part(t, "the keyboard is enough", func() { keyboard(b, origin(address)) })
	b.part(t, "what is held is approved", func() { approval(b, c, origin(address)) })
	b.part(t, "a page says when the desk has gone", func() {
		b.open(origin(address))
		b.follows()
		end()
		b.within(20*time.Second, "the page says that the desk has gone", `!document.getElementById("lost").hidden`)
		b.forget() // the requests that fail
	})
}

func liveChange(b *browser, c *cluster, at string) {
	t := b.t
	b.open(at + "/")
	b.follows()
	b.do(chromedp.Focus(chromedp.CSS("#live a[href^='/people/gil']")))
	booking := &v1alpha1.BookingGrant{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "evening"}}
	booking.Spec.PlaceRef = &v1alpha1.PlaceReference{Name: "studio"}
	booking.Spec.Organizer = v1alpha1.Person{Email: "ana@example.com", FullName: "Ana Diaz"}
	booking.Spec.Attendees = []v1alpha1.Person{{Email: "noor@example.com", FullName: "Noor Haddad"}}
	booking.Spec.StartTime, booking.Spec.EndTime = metav1.NewTime(afternoon.Add(4*time.Hour)), metav1.NewTime(afternoon.Add(5*time.Hour))
	booking.Spec.State = v1alpha1.BookingConfirmed
	if err := c.client.Create(t.Context(), booking); err != nil {
		t.Fatal(err)
	}
	t.Logf("a booking is on the page after %s", b.within(2*time.Second, "the booking is shown", `document.getElementById("live").innerText.includes("Noor Haddad")`))
	if focused := ask[string](b, `document.activeElement.getAttribute("href") ?? ""`); focused != "/people/gil@example.com" {
		t.Errorf("renewing the page takes the focus away from Gil to %q", focused)
	}
	// The grant, as the operator records it.
	gil := &v1alpha1.Member{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "gil"}}
	gil.Spec.Email, gil.Spec.State = "gil@example.com", v1alpha1.MemberActive
	if err := c.client.Create(t.Context(), gil); err != nil {
		t.Fatal(err)
	}
	from, until := metav1.NewTime(afternoon.Add(-time.Hour)), metav1.NewTime(time.Date(2026, 11, 27, 18, 0, 0, 0, time.UTC))
	gil.Status.Grants = []v1alpha1.MemberGrant{{
		Group: "studio", Connection: "hq", OrganizationID: 3289, KisiGroupID: 45275, UserID: 1900, RoleAssignmentID: 9100,
		State: v1alpha1.GrantActive, ValidFrom: &from, ValidUntil: &until, Sources: []string{"BookingGrant/b1"}, SourceCount: 1,
	}}
	if err := c.client.Status().Update(t.Context(), gil); err != nil {
		t.Fatal(err)
	}
	t.Logf("a grant is on the page after %s", b.within(2*time.Second, "Gil is in",
		`[...document.querySelectorAll("#live tr")].some((row) => row.innerText.includes("Gil") && row.innerText.includes("in until 18:00"))`))
}

func keyboard(b *browser, at string) {
	b.open(at + "/")
	b.follows()
	b.do(chromedp.KeyEvent("/"))
	b.within(2*time.Second, "the search has the focus", `document.activeElement.id === "search"`)
	b.do(chromedp.KeyEvent(kb.Escape), chromedp.KeyEvent("an")) // a driven key types even where the page takes it
	b.within(2*time.Second, "Ana is found", `document.querySelector("#found a") !== null`)
	b.accessible("what is found")
	b.keep(screens, "typing")
	b.do(chromedp.KeyEvent(kb.ArrowDown), chromedp.KeyEvent(kb.Enter))
	b.within(2*time.Second, "the page of Ana", `document.title.startsWith("Ana Diaz")`)
	b.follows()
	b.do(chromedp.KeyEvent("/"), chromedp.KeyEvent("x"))
	b.within(2*time.Second, "nothing is found", `document.querySelector("#found a") === null && document.querySelector("#found [role=status]").textContent !== ""`)
	b.do(chromedp.KeyEvent(kb.Escape))
	b.within(2*time.Second, "the search is empty again", `document.getElementById("search").value === "" && document.querySelector("#found [role=status]").textContent === ""`)
}

func approval(b *browser, c *cluster, at string) {
	t := b.t
	b.open(at + "/held")
	b.do(chromedp.Click(chromedp.CSS("#live a.button")), chromedp.WaitVisible(chromedp.CSS(".danger")), chromedp.Click(chromedp.CSS(".danger")))
	b.within(5*time.Second, "the approval is told", `document.getElementById("live").innerText.includes("Approved until 16:2")`)
	group := &v1alpha1.KisiGroup{}
	if err := c.client.Get(t.Context(), client.ObjectKey{Namespace: namespace, Name: "members"}, group); err != nil {
		t.Fatal(err)
	}
	until, err := time.Parse(time.RFC3339, group.Annotations[v1alpha1.ApproveRevocationsUntilAnnotation])
	if err != nil || until.Before(afternoon.Add(14*time.Minute)) || until.After(afternoon.Add(20*time.Minute)) {
		t.Errorf("approved until %s: %v", until, err)
	}
}

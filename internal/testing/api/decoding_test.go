package api_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	kjson "sigs.k8s.io/json"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
)

// Equal flags generate equal objects. For a longer search: go test ./internal/testing/api -candidates=20000 -first-seed=500
var (
	candidates = flag.Int("candidates", 500, "number of generated objects per kind")
	firstSeed  = flag.Uint64("first-seed", 0, "seed of the first generated object")
)

var _ = Describe("No object that the API server admits", Ordered, ContinueOnFailure, func() {
	var (
		raw      *rest.RESTClient
		watching *watchedCache
	)

	BeforeAll(func(ctx context.Context) {
		rawConfig := rest.CopyConfig(config)
		rawConfig.GroupVersion = &v1alpha1.GroupVersion
		rawConfig.APIPath = "/apis"
		rawConfig.NegotiatedSerializer = scheme.Codecs.WithoutConversion()
		var err error
		raw, err = rest.RESTClientFor(rawConfig)
		Expect(err).NotTo(HaveOccurred())
		watching = startCache(ctx)
	})

	for _, k := range kinds {
		It("fails decoding or a round trip: generated "+k.name, func(ctx context.Context) {
			schema := schemaOf(k.definition())
			tally := map[string]int{}
			for i := range *candidates {
				g := newGenerator(k.name, *firstSeed+uint64(i))
				object := k.example(oneIn(g, "minimal", "full", "full"))
				spec := g.mutate(object.Object["spec"], schema.Properties["spec"])
				created, admitted := send(ctx, raw.Post(), k, "", object.Object, "spec", spec)
				if !admitted {
					tally["objects refused"]++
					continue
				}
				tally["objects admitted"]++
				current := survivesRoundTrip(ctx, raw, k, "", created)

				status := g.mutate(k.example("full").Object["status"], schema.Properties["status"])
				updated, admitted := send(ctx, raw.Put().Name(nameOf(current)).SubResource("status"), k, "status", current, "status", status)
				if !admitted {
					tally["status refused"]++
					continue
				}
				tally["status admitted"]++
				survivesRoundTrip(ctx, raw, k, "status", updated)
			}
			AddReportEntry(k.name, fmt.Sprint(tally))
			// With fewer on either side, the generator has lost its aim.
			Expect(tally["objects admitted"]).To(BeNumerically(">", *candidates/5))
			Expect(tally["objects refused"]).To(BeNumerically(">", *candidates/5))
			Expect(tally["status admitted"]).To(BeNumerically(">", *candidates/20))
		})
	}

	for _, found := range counterexamples {
		It("fails decoding or a round trip: "+found.name, func(ctx context.Context) {
			for _, k := range kinds {
				if k.name != found.kind {
					continue
				}
				object := edited(k.example("full"), found.edits)
				created, admitted := send(ctx, raw.Post(), k, "", object.Object, "spec", object.Object["spec"])
				if !admitted {
					return
				}
				current := survivesRoundTrip(ctx, raw, k, "", created)
				updated, admitted := send(ctx, raw.Put().Name(nameOf(current)).SubResource("status"), k, "status",
					current, "status", object.Object["status"])
				if admitted {
					survivesRoundTrip(ctx, raw, k, "status", updated)
				}
			}
		})
	}

	It("stops an informer", func(ctx context.Context) {
		for _, c := range map[string]*watchedCache{"watched from the start": watching, "listed at the end": startCache(ctx)} {
			DeferCleanup(func() { Expect(c.errors()).To(BeEmpty()) })
			for _, k := range kinds {
				stored := k.list()
				Expect(admin.List(ctx, stored)).To(Succeed())
				Eventually(func() []string {
					list := k.list()
					Expect(c.List(ctx, list)).To(Succeed())
					return namesOf(list)
				}).WithTimeout(30 * time.Second).Should(HaveLen(len(namesOf(stored))))
			}
		}
	})

	AfterAll(func(ctx context.Context) {
		for _, k := range kinds {
			Expect(admin.DeleteAllOf(ctx, k.object(), client.InNamespace(metav1.NamespaceDefault))).To(Succeed())
		}
	})
})

// send sends the object with the value in the given field, exactly as it is, and returns the answer. A server that
// neither admits nor refuses fails the spec.
func send(
	ctx context.Context, request *rest.Request, k kind, subresource string, object map[string]any, field string, value any,
) (answer []byte, admitted bool) {
	GinkgoHelper()
	object[field] = value
	if subresource == "" {
		object["metadata"] = map[string]any{"generateName": "generated-", "namespace": metav1.NamespaceDefault}
	}
	body, err := json.Marshal(object)
	Expect(err).NotTo(HaveOccurred())
	answer, err = request.Namespace(metav1.NamespaceDefault).Resource(k.plural).
		SetHeader("Content-Type", runtime.ContentTypeJSON).Body(body).DoRaw(ctx)
	if err == nil {
		return answer, true
	}
	Expect(apierrors.IsInvalid(err) || apierrors.IsBadRequest(err)).To(BeTrue(), "%v\n%s", err, body)
	return nil, false
}

// survivesRoundTrip expects that the Go type reads everything in an object, and that what it writes is admitted again,
// and returns the object as it is then.
func survivesRoundTrip(ctx context.Context, raw *rest.RESTClient, k kind, subresource string, stored []byte) map[string]any {
	GinkgoHelper()
	read := decode(k, stored)
	body, err := json.Marshal(read)
	Expect(err).NotTo(HaveOccurred(), "%s", stored)
	request := raw.Put().Namespace(metav1.NamespaceDefault).Resource(k.plural).Name(read.GetName())
	if subresource != "" {
		request = request.SubResource(subresource)
	}
	answer, err := request.SetHeader("Content-Type", runtime.ContentTypeJSON).Body(body).DoRaw(ctx)
	Expect(err).NotTo(HaveOccurred(), "updating it with what Go reads is refused: %v\n%s\n%s", err, stored, body)

	again := decode(k, answer)
	for _, object := range []client.Object{read, again} {
		object.SetResourceVersion("")
		object.SetManagedFields(nil)
		object.SetGeneration(0)
	}
	Expect(apiequality.Semantic.DeepEqual(asWritten(k, read), again)).To(BeTrue(), "changed by a round trip:\n%s\n%s", stored, answer)

	var current map[string]any
	Expect(json.Unmarshal(answer, &current)).To(Succeed())
	return current
}

// asWritten returns the object as it is after Go has written it: metav1.Time drops fractions of a second, as the operator
// does, and a status of zeros is left out, so that it becomes the default.
func asWritten(k kind, object client.Object) client.Object {
	GinkgoHelper()
	body, err := json.Marshal(object)
	Expect(err).NotTo(HaveOccurred())
	var fields map[string]json.RawMessage
	Expect(json.Unmarshal(body, &fields)).To(Succeed())
	if _, found := fields["status"]; !found {
		fields["status"] = json.RawMessage(`{"observedGeneration":-1}`)
	}
	body, err = json.Marshal(fields)
	Expect(err).NotTo(HaveOccurred())
	return decode(k, body)
}

func decode(k kind, content []byte) client.Object {
	GinkgoHelper()
	object := k.object()
	problems, err := kjson.UnmarshalStrict(content, object)
	Expect(err).NotTo(HaveOccurred(), "admitted, but not readable:\n%s", content)
	Expect(problems).To(BeEmpty(), "admitted, but not known to the Go type:\n%s", content)
	return object
}

func nameOf(object map[string]any) string {
	return object["metadata"].(map[string]any)["name"].(string) //nolint:forcetypeassert // every object has a name
}

// watchedCache is an informer cache that remembers its errors.
type watchedCache struct {
	cache.Cache
	mu       sync.Mutex
	problems []string
}

func (c *watchedCache) errors() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.problems
}

// startCache starts an informer for each kind.
func startCache(ctx context.Context) *watchedCache {
	GinkgoHelper()
	watched := &watchedCache{}
	var err error
	watched.Cache, err = cache.New(config, cache.Options{
		Scheme: newScheme(),
		DefaultWatchErrorHandler: func(ctx context.Context, reflector *toolscache.Reflector, err error) {
			watched.mu.Lock()
			defer watched.mu.Unlock()
			if running := context.Cause(ctx) == nil; running {
				watched.problems = append(watched.problems, err.Error())
			}
			toolscache.DefaultWatchErrorHandler(ctx, reflector, err)
		},
	})
	Expect(err).NotTo(HaveOccurred())

	runCtx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stopped := make(chan error, 1)
	go func() { stopped <- watched.Start(runCtx) }()
	DeferCleanup(func() {
		cancel()
		Expect(<-stopped).To(Succeed())
	})
	for _, k := range kinds {
		_, err := watched.GetInformer(ctx, k.object())
		Expect(err).NotTo(HaveOccurred())
	}
	syncCtx, cancelSync := context.WithTimeout(ctx, 30*time.Second)
	defer cancelSync()
	Expect(watched.WaitForCacheSync(syncCtx)).To(BeTrue(), "the caches did not fill: %v", watched.errors())
	return watched
}

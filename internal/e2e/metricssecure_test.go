package e2e

import (
	"crypto/tls"
	"io"
	"net/http"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

var _ = Describe("The metrics with --metrics-secure", func() {
	It("are for who is known and may read them, and for nobody without TLS", func(ctx SpecContext) {
		t := newTenant(ctx)
		t.options.MetricsBindAddress = freeAddress()
		t.startProcess("--metrics-secure")
		t.connect()

		https := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}} // it signs itself
		scrape := func(client *http.Client, scheme, token string) (int, string) {
			request, err := http.NewRequestWithContext(ctx, http.MethodGet, scheme+"://"+t.options.MetricsBindAddress+"/metrics", nil)
			if err != nil {
				return 0, err.Error()
			}
			if token != "" {
				request.Header.Set("Authorization", "Bearer "+token)
			}
			response, err := client.Do(request)
			if err != nil {
				return 0, err.Error()
			}
			defer func() { _ = response.Body.Close() }()
			page, err := io.ReadAll(response.Body)
			if err != nil {
				return 0, err.Error()
			}
			return response.StatusCode, string(page)
		}
		status := func(client *http.Client, scheme, token string) func() int {
			return func() int { code, _ := scrape(client, scheme, token); return code }
		}
		// The operator remembers for half a minute whom it has refused, so one who may is not one who might not before.
		account := func(name string) string {
			Expect(admin.Create(ctx, &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: t.namespace, Name: name}})).To(Succeed())
			config, err := plane.ServiceAccountConfig(ctx, t.namespace, name)
			Expect(err).NotTo(HaveOccurred())
			return config.BearerToken
		}
		prometheus, stranger := account("prometheus"), account("stranger")
		binding := &rbacv1.ClusterRoleBinding{
			ObjectMeta: metav1.ObjectMeta{Name: "scrape-" + t.namespace},
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "kisi-operator-metrics-reader"},
			Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: t.namespace, Name: "prometheus"}},
		}
		Expect(admin.Create(ctx, binding)).To(Succeed())
		DeferCleanup(func() { Expect(admin.Delete(t.ctx, binding)).To(Succeed()) })
		Eventually(func() bool {
			review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
				User:                  "system:serviceaccount:" + t.namespace + ":prometheus",
				NonResourceAttributes: &authorizationv1.NonResourceAttributes{Path: "/metrics", Verb: "get"},
			}}
			return admin.Create(ctx, review) == nil && review.Status.Allowed
		}).Should(BeTrue(), "the API server knows of the binding")

		Eventually(status(https, "https", "")).Should(Equal(http.StatusUnauthorized), "who says nothing")
		Expect(status(https, "https", "no token")()).To(BeElementOf(http.StatusUnauthorized, http.StatusInternalServerError), "who is not known")
		Expect(status(https, "https", stranger)()).To(Equal(http.StatusForbidden), "who may not")
		Expect(status(http.DefaultClient, "http", prometheus)()).NotTo(Equal(http.StatusOK), "who sends a token in the clear")
		Expect(status(https, "https", prometheus)()).To(Equal(http.StatusOK))
		Eventually(func() string { _, page := scrape(https, "https", prometheus); return page }).
			Should(ContainSubstring("controller_runtime_reconcile_total"), "the controllers start after the page is served")
	})
})

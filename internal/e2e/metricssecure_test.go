package e2e

import (
	"crypto/tls"
	"io"
	"net/http"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
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
		account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: t.namespace, Name: "prometheus"}}
		Expect(admin.Create(ctx, account)).To(Succeed())
		config, err := plane.ServiceAccountConfig(ctx, t.namespace, account.Name)
		Expect(err).NotTo(HaveOccurred())

		Eventually(status(https, "https", "")).Should(Equal(http.StatusUnauthorized), "who says nothing")
		Expect(status(https, "https", "no token")()).To(BeElementOf(http.StatusUnauthorized, http.StatusInternalServerError), "who is not known")
		Expect(status(https, "https", config.BearerToken)()).To(Equal(http.StatusForbidden), "who may not")
		Expect(status(http.DefaultClient, "http", config.BearerToken)()).NotTo(Equal(http.StatusOK), "who sends a token in the clear")

		binding := &rbacv1.ClusterRoleBinding{
			ObjectMeta: metav1.ObjectMeta{Name: "scrape-" + t.namespace},
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "kisi-operator-metrics-reader"},
			Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: t.namespace, Name: account.Name}},
		}
		Expect(admin.Create(ctx, binding)).To(Succeed())
		DeferCleanup(func() { Expect(admin.Delete(t.ctx, binding)).To(Succeed()) })
		Eventually(status(https, "https", config.BearerToken)).Should(Equal(http.StatusOK))
		_, page := scrape(https, "https", config.BearerToken)
		Expect(page).To(ContainSubstring("controller_runtime_reconcile_total"))
	})
})

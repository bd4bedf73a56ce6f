package e2e

import (
	"net/http"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/kisi-operator/kisi-operator/internal/kisi/simulator"
)

// What watches over every other spec is shown here to see what it is there for.
var _ = Describe("The suite", func() {
	send := func(k *simulatedKisi, method, path, body string, header ...string) {
		GinkgoHelper()
		request, err := http.NewRequest(method, k.URL()+path, strings.NewReader(body))
		Expect(err).NotTo(HaveOccurred())
		request.Header.Set("Authorization", "KISI-LOGIN "+ownerKey)
		request.Header.Set("Content-Type", "application/json")
		for _, h := range header {
			request.Header.Set(h, ownerKey)
		}
		response, err := http.DefaultClient.Do(request)
		Expect(err).NotTo(HaveOccurred())
		Expect(response.Body.Close()).To(Succeed())
	}

	DescribeTable("notices a request that Kisi's API document does not know, or that carries the key elsewhere",
		func(method, path, body string, header ...string) {
			k := newKisi()
			send(k, http.MethodGet, "/groups?limit=2", "")
			Expect(k.noticed()).To(BeEmpty(), "a good request")
			send(k, method, path, body, header...)
			Expect(k.noticed()).NotTo(BeEmpty())
		},
		Entry("a misspelt field", http.MethodPost, "/users", `{"user": {"emial": "ana@example.com"}}`),
		Entry("a misspelt parameter", http.MethodGet, "/groups?limits=2", ""),
		Entry("an unknown path", http.MethodGet, "/grops", ""),
		Entry("the key in a parameter", http.MethodGet, "/groups?query="+ownerKey, ""),
		Entry("the key in a body", http.MethodPost, "/users", `{"user": {"email": "ana@example.com", "name": "`+ownerKey+`"}}`),
		Entry("the key in another header", http.MethodGet, "/groups", "", "X-Kisi-Integration-Contact"),
	)

	It("notices an answer that Kisi's API document does not know", func() {
		k := newKisi()
		_, err := k.Server.AddFault(simulator.Fault{Kind: simulator.FaultStatus, Status: 200, Body: `[{"id": "one"}]`, Path: "/groups"})
		Expect(err).NotTo(HaveOccurred())
		send(k, http.MethodGet, "/groups", "")
		Expect(k.noticed()).To(ContainElement(ContainSubstring("response 200")))
	})

	It("notices a key in a text", func() {
		Expect(leakedIn(`{"msg": "sent `+ownerKey+`"}`, []string{"another-key", ownerKey})).To(Equal([]string{ownerKey}))
	})
})

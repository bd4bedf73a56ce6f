package api_test

import (
	"context"
	"os/exec"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var _ = Describe("The package", func() {
	It("can be imported without a controller framework or a client", func(ctx context.Context) {
		out, err := exec.CommandContext(ctx, "go", "list", "-deps", "../../../api/v1alpha1").Output()
		Expect(err).NotTo(HaveOccurred())
		packages := strings.Fields(string(out))
		Expect(packages).To(ContainElement("k8s.io/apimachinery/pkg/apis/meta/v1"))
		for _, unwanted := range []string{"sigs.k8s.io/controller-runtime", "k8s.io/client-go", "k8s.io/api/", "github.com/kisi-operator/kisi-operator/internal"} {
			Expect(packages).NotTo(ContainElement(HavePrefix(unwanted)))
		}
	})
})

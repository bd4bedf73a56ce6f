package main

import (
	"bytes"
	"testing"

	"github.com/go-logr/logr"
	logf "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/kisi-operator/kisi-operator/internal/demo"
)

// TestTheDemoPasses shows a story on this API server and one on kube-apiserver. The first takes the most rights.
func TestTheDemoPasses(t *testing.T) {
	logf.SetLogger(logr.Discard())
	t.Chdir("../../../..")
	for _, is := range []demo.Options{{System: "kangarootime"}, {System: "quickstart", KubeAPIServer: true}} {
		name := is.System + " in memory"
		if is.KubeAPIServer {
			name = is.System + " on kube-apiserver"
		}
		t.Run(name, func(t *testing.T) {
			var told bytes.Buffer
			is.Out = &told
			if err := demo.Run(t.Context(), is); err != nil {
				t.Errorf("%v\n%s", err, told.String())
			}
		})
	}
}

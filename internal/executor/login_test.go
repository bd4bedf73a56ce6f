package executor_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/loginsecret"
)

// noSecrets is a Kubernetes without Secrets, which takes any.
type noSecrets struct{ client.Client }

func (noSecrets) Get(_ context.Context, key client.ObjectKey, _ client.Object, _ ...client.GetOption) error {
	return apierrors.NewNotFound(schema.GroupResource{Resource: "secrets"}, key.Name)
}
func (noSecrets) Create(context.Context, client.Object, ...client.CreateOption) error { return nil }
func (noSecrets) Scheme() *runtime.Scheme {
	s := runtime.NewScheme()
	_ = v1alpha1.AddToScheme(s)
	return s
}

// Kisi answers every request for a login with a 500, or one that cannot be used, and does all else well.
func TestALoginThatIsNeverMadeIsNotAskedForWithoutAPause(t *testing.T) {
	for name, answer := range map[string]func(http.ResponseWriter){
		"500": func(w http.ResponseWriter) {
			w.WriteHeader(http.StatusInternalServerError)
			_, _ = w.Write([]byte(`{"code":"000500","error":"x"}`))
		},
		"another name": func(w http.ResponseWriter) {
			_, _ = w.Write([]byte(`{"id":77,"user_id":1,"secret":"s","name":"Kisi operator"}`))
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, nil)
			defer w.close()
			posts := 0
			kisi := w.handler
			w.handler = http.HandlerFunc(func(out http.ResponseWriter, in *http.Request) {
				if in.Method == http.MethodPost && strings.HasSuffix(in.URL.Path, "/logins") {
					posts++
					answer(out)
					return
				}
				kisi.ServeHTTP(out, in)
			})
			w.process.executor.Secrets = loginsecret.Store{Client: noSecrets{}, APIReader: noSecrets{}}
			w.logins = true
			w.want(always)
			begun := w.clock.Now()
			for range 60 {
				w.step()
			}
			t.Logf("%d requests for a login within %s", posts, w.clock.Now().Sub(begun))
			if passed := w.clock.Now().Sub(begun); posts > 10 && passed < 10*time.Minute {
				t.Errorf("%d requests for a login within %s; %s", posts, passed, w.describe())
			}
		})
	}
}

package executor_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/plan"
)

// Kisi answers every change of a window with a 500, or with a success that does not say that it is done, and does all else well.
func TestAWindowThatIsNeverChangedIsNotAskedForWithoutAPause(t *testing.T) {
	for name, answer := range map[string]func(http.ResponseWriter){
		"500": func(w http.ResponseWriter) {
			w.WriteHeader(http.StatusInternalServerError)
			_, _ = w.Write([]byte(`{"code":"000500","error":"x"}`))
		},
		"200 and nothing": func(w http.ResponseWriter) { w.WriteHeader(http.StatusOK) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, map[string]string{"duplicates": "AlwaysConflict"})
			defer w.close()
			w.want(morning)
			w.settle()
			requests, patches := 0, 0
			kisi := w.handler
			w.handler = http.HandlerFunc(func(out http.ResponseWriter, in *http.Request) {
				requests++
				if in.Method == http.MethodPatch && strings.Contains(in.URL.Path, "/role_assignments/") {
					patches++
					answer(out)
					return
				}
				kisi.ServeHTTP(out, in)
			})
			w.want(longer)
			begun := w.clock.Now()
			for range 60 {
				if !w.step() {
					break
				}
			}
			passed := w.clock.Now().Sub(begun)
			t.Logf("%d requests, %d of them to change the window, within %s; %s", requests, patches, passed, w.describe())
			if patches > 10 && passed < 10*time.Minute || name != "500" && len(w.plan(plan.LedgerOf(w.stored)).Operations) > 0 {
				t.Error("too many, or the window never comes")
			}
		})
	}
}

// Kisi does what it is asked for with a user, and answers 200 with nothing instead of 204.
func TestAPersonWhoIsEnabledWithoutAClearAnswerGetsIn(t *testing.T) {
	w := newWorld(t, nil)
	defer w.close()
	w.rules.OnUnused = v1alpha1.UnusedUsersSuspend
	w.want(always)
	w.settle()
	w.want()
	w.settle()
	patches := 0
	kisi := w.handler
	w.handler = http.HandlerFunc(func(out http.ResponseWriter, in *http.Request) {
		if in.Method == http.MethodPatch && strings.Contains(in.URL.Path, "/users/") {
			patches++
			kisi.ServeHTTP(httptest.NewRecorder(), in)
			out.WriteHeader(http.StatusOK)
			return
		}
		kisi.ServeHTTP(out, in)
	})
	w.want(always)
	begun := w.clock.Now()
	for range 40 {
		if !w.step() {
			break
		}
	}
	t.Logf("%d requests to enable within %s; %+v; %+v", patches, w.clock.Now().Sub(begun), w.stored.Status.Accounts, w.user())
	w.mustBeRight()
}

package group

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"k8s.io/apimachinery/pkg/types"

	"github.com/kisi-operator/kisi-operator/internal/kisi"
	"github.com/kisi-operator/kisi-operator/internal/mirror"
	"github.com/kisi-operator/kisi-operator/internal/session"
)

// A group that is let go while its people are read is not known again afterwards, and nobody else of it is read.
func TestAGroupThatIsLetGoWhileItsPeopleAreReadStaysForgotten(t *testing.T) {
	const groupID = 7
	var known atomic.Pointer[mirror.Mirror]
	var lists atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/role_assignments" {
			http.Error(w, "{}", http.StatusInternalServerError)
			return
		}
		known.Load().Forget(groupID)
		lists.Add(1)
		w.Header().Set("X-Collection-Range", "0-249/1")
		_, _ = w.Write([]byte(`[{"id":1,"applies_to_type":"Group","applies_to_id":7,"assignee_type":"User","assignee_id":10,"role_id":"group_basic"}]`))
	}))
	defer server.Close()
	key, err := kisi.NewAPIKey([]byte("3f6a"))
	if err != nil {
		t.Fatal(err)
	}
	pool := session.NewPool(t.Context(), session.Options{})
	defer pool.Shutdown(t.Context())
	s, err := pool.Ensure(types.NamespacedName{Name: "c"}, session.Settings{Endpoint: server.URL, Key: key, RequestsPerSecond: 5})
	if err != nil {
		t.Fatal(err)
	}
	known.Store(s.Mirror())
	client, err := kisi.NewClient(kisi.Config{Endpoint: server.URL, Key: key})
	if err != nil {
		t.Fatal(err)
	}
	readEach(t.Context(), client, s, groupID, []int64{10, 11}, func(context.Context) bool { return lists.Load() == 0 })
	if lists.Load() != 1 {
		t.Errorf("%d people were read", lists.Load())
	}
	if groups := s.Mirror().Groups(); len(groups) > 0 {
		t.Errorf("the groups %v are known", groups)
	}
}

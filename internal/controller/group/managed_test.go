package group

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/kisi-operator/kisi-operator/api/v1alpha1"
	"github.com/kisi-operator/kisi-operator/internal/kisi"
)

// Kisi cuts a long description, and with it the mark.
func TestAGroupWhoseDescriptionKisiCutsIsMadeOnce(t *testing.T) {
	var groups []map[string]any
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodPost:
			var body struct{ Group map[string]any }
			_ = json.NewDecoder(r.Body).Decode(&body)
			g := body.Group
			g["id"] = len(groups) + 1
			if d := g["description"].(string); len(d) > 255 {
				g["description"] = d[:255]
			}
			groups = append(groups, g)
			_ = json.NewEncoder(w).Encode(g)
		case r.Method == http.MethodPatch:
			w.WriteHeader(http.StatusNoContent)
		case strings.HasSuffix(r.URL.Path, "/groups"):
			w.Header().Set("X-Collection-Range", map[bool]string{true: "*/0", false: "0-" + string(rune('0'+len(groups)-1)) + "/" + string(rune('0'+len(groups)))}[len(groups) == 0])
			if groups == nil {
				_, _ = w.Write([]byte("[]"))
				return
			}
			_ = json.NewEncoder(w).Encode(groups)
		default:
			w.Header().Set("X-Collection-Range", "*/0")
			_, _ = w.Write([]byte("[]"))
		}
	}))
	defer server.Close()
	key, _ := kisi.NewAPIKey([]byte("k-0123456789abcdef"))
	client, err := kisi.NewClient(kisi.Config{Endpoint: server.URL, Key: key})
	if err != nil {
		t.Fatal(err)
	}
	m := managedGroup{spec: v1alpha1.ManagedGroup{Name: "Members", Description: strings.Repeat("d", 250)}, mark: "[kisi-operator n/members uid]", mode: v1alpha1.ModeEnforce}
	for range 3 {
		found, err := m.ensure(context.Background(), client)
		if err == nil && found.problem == nil {
			m.id = found.id
			break
		}
	}
	if len(groups) != 1 {
		t.Errorf("%d groups were made", len(groups))
	}
}

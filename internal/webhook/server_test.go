package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/types"
	"pgregory.net/rapid"

	"github.com/kisi-operator/kisi-operator/internal/kisi"
)

const event = `{"uuid":"a","type":"role_assignment.destroy","object_type":"RoleAssignment","object_id":7,"organization_id":3289}`

func code(body, key string) []byte {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(body))
	return mac.Sum(nil)
}

// served returns a server with two connections, and what was delivered to them.
func served() (*Server, *[]kisi.Event) {
	s, delivered := &Server{}, &[]kisi.Event{}
	for name, key := range map[string]string{"a": "key-a", "b": "key-b"} {
		s.Receive(types.NamespacedName{Namespace: "gym", Name: name}, Receiver{
			URL: "https://hooks.example.com/kisi/gym/" + name, Key: kisi.NewSecret(key), OrganizationID: 3289,
			Deliver: func(events ...kisi.Event) bool {
				*delivered = append(*delivered, events...)
				return true
			},
		})
	}
	return s, delivered
}

func call(s *Server, method, path, body, signature string) int {
	request := httptest.NewRequest(method, path, strings.NewReader(body))
	if signature != "" {
		request.Header.Set("X-Signature", signature)
	}
	answer := httptest.NewRecorder()
	s.ServeHTTP(answer, request)
	return answer.Code
}

func TestEverySpellingOfTheSignatureIsTaken(t *testing.T) {
	sum := code(event, "key-a")
	for _, signature := range []string{
		hex.EncodeToString(sum), "sha256=" + hex.EncodeToString(sum), strings.ToUpper(hex.EncodeToString(sum)),
		base64.StdEncoding.EncodeToString(sum), "sha256=" + base64.StdEncoding.EncodeToString(sum), base64.RawStdEncoding.EncodeToString(sum),
	} {
		s, delivered := served()
		told := ""
		s.OnCall = func(connection types.NamespacedName, result Result) {
			told += connection.String() + " " + string(result)
		}
		if status := call(s, http.MethodPost, "/kisi/gym/a", event, signature); status != http.StatusOK || len(*delivered) != 1 || told != "gym/a Accepted" {
			t.Errorf("%s: %d, %d delivered, told %q", signature, status, len(*delivered), told)
		}
	}
}

func TestWhatIsNotRightIsRefusedAndDoesNothing(t *testing.T) {
	right := "sha256=" + hex.EncodeToString(code(event, "key-a"))
	large := `{"uuid":"` + strings.Repeat("x", 70<<10) + `"}`
	for name, test := range map[string]struct {
		method, path, body, signature string
		status                        int
		told                          string
	}{
		"no signature":             {http.MethodPost, "/kisi/gym/a", event, "", 401, "gym/a BadSignature"},
		"half a signature":         {http.MethodPost, "/kisi/gym/a", event, right[:len(right)/2], 401, "gym/a BadSignature"},
		"another body's":           {http.MethodPost, "/kisi/gym/a", event + " ", right, 401, "gym/a BadSignature"},
		"another key's":            {http.MethodPost, "/kisi/gym/b", event, right, 401, "gym/b BadSignature"},
		"an empty key's":           {http.MethodPost, "/kisi/gym/a", event, hex.EncodeToString(code(event, "")), 401, "gym/a BadSignature"},
		"nobody's path":            {http.MethodPost, "/kisi/gym/c", event, right, 503, "/ NotServed"},
		"a body without a bound":   {http.MethodPost, "/kisi/gym/a", large, hex.EncodeToString(code(large, "key-a")), 413, "gym/a BadRequest"},
		"signed, but not an event": {http.MethodPost, "/kisi/gym/a", "?", hex.EncodeToString(code("?", "key-a")), 400, "gym/a BadRequest"},
		"not a call of Kisi's":     {http.MethodGet, "/kisi/gym/a", "", right, 405, "/ BadRequest"},
	} {
		s, delivered := served()
		told := ""
		s.OnCall = func(connection types.NamespacedName, result Result) {
			told += connection.String() + " " + string(result)
		}
		if status := call(s, test.method, test.path, test.body, test.signature); status != test.status || len(*delivered) > 0 {
			t.Errorf("%s: %d, want %d; %d delivered", name, status, test.status, len(*delivered))
		}
		if told != test.told {
			t.Errorf("%s: told %q, want %q", name, told, test.told)
		}
	}
}

func TestAnotherOrganizationsEventIsNotDelivered(t *testing.T) {
	s, delivered := served()
	body := strings.Replace(event, "3289", "4711", 1)
	if status := call(s, http.MethodPost, "/kisi/gym/a", body, hex.EncodeToString(code(body, "key-a"))); status != http.StatusOK || len(*delivered) > 0 {
		t.Errorf("%d, %d delivered", status, len(*delivered))
	}
}

func TestAConnectionThatIsIgnoredIsAnsweredAsIfItWereElsewhere(t *testing.T) {
	s, delivered := served()
	s.Ignore(types.NamespacedName{Namespace: "gym", Name: "a"})
	if status := call(s, http.MethodPost, "/kisi/gym/a", event, hex.EncodeToString(code(event, "key-a"))); status != http.StatusServiceUnavailable || len(*delivered) > 0 {
		t.Errorf("%d, %d delivered", status, len(*delivered))
	}
}

func TestWhatIsNotTakenIsNotAnsweredAsTaken(t *testing.T) {
	s := &Server{}
	s.Receive(types.NamespacedName{}, Receiver{URL: "https://x/y", Key: kisi.NewSecret("k"), Deliver: func(...kisi.Event) bool { return false }})
	if status := call(s, http.MethodPost, "/y", event, hex.EncodeToString(code(event, "k"))); status != http.StatusServiceUnavailable {
		t.Errorf("%d", status)
	}
}

func TestConnectionsThatShareAPathAreToldApartByTheirKeys(t *testing.T) {
	s := &Server{}
	var got []string
	for _, key := range []string{"key-a", "key-b"} {
		s.Receive(types.NamespacedName{Name: key}, Receiver{URL: "https://x/kisi/", Key: kisi.NewSecret(key), Deliver: func(...kisi.Event) bool {
			got = append(got, key)
			return true
		}})
	}
	call(s, http.MethodPost, "/kisi", event, hex.EncodeToString(code(event, "key-b")))
	if len(got) != 1 || got[0] != "key-b" {
		t.Errorf("delivered to %v", got)
	}
}

// Whatever is called, nothing is delivered that the key did not sign.
func TestNothingUnsignedIsDelivered(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, delivered := served()
		body, signature := rapid.String().Draw(t, "body"), rapid.StringMatching(`(sha256=)?[0-9a-zA-Z+/=]{0,70}`).Draw(t, "signature")
		status := call(s, http.MethodPost, "/kisi/gym/"+rapid.SampledFrom([]string{"a", "b", "c", "../gym/a"}).Draw(t, "path"), body, signature)
		if status == http.StatusOK || len(*delivered) > 0 {
			t.Fatalf("%d, delivered %v", status, *delivered)
		}
	})
}

// Two bytes of a body may become an event of some hundred.
func TestACallBringsOnlySoManyEvents(t *testing.T) {
	for number, want := range map[int]int{maxEvents: http.StatusOK, maxEvents + 1: http.StatusRequestEntityTooLarge, maxBody/3 - 1: http.StatusRequestEntityTooLarge} {
		s, delivered := served()
		body := "[" + strings.Repeat("{},", number-1) + "{}]"
		status := call(s, http.MethodPost, "/kisi/gym/a", body, hex.EncodeToString(code(body, "key-a")))
		if status != want {
			t.Errorf("%d events: %d, want %d", number, status, want)
		}
		if taken := len(*delivered); status == http.StatusOK && taken != number || status != http.StatusOK && taken != 0 {
			t.Errorf("%d events: %d were delivered", number, taken)
		}
	}
}
